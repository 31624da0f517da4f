import type { ErrorCode, JsonObject } from '@wimse/core'
import { type Check, CheckFailure, type Evidence } from '../../../suite/check.ts'
import { AGED_PHASE, outlive } from '../aged.ts'
import { expectTokenRefused, issued } from '../ask-tokens.ts'
import { awaitHop, shownLines } from '../await-lines.ts'
import { callService, expectDone, expectServiceRefused, type ServiceAnswer } from '../call-service.ts'
import { askForGrant } from '../chaining-steps.ts'
import { AMOUNT, askToReplace, charge, clearedOrder } from '../order-steps.ts'
import { rewrittenToken } from '../rewritten-token.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, shopId, shownToken, textIn, transactionToken } from '../tokens.ts'
import {
  askToDefer,
  type Deferred,
  deferOrder,
  expectEntries,
  newOrder,
  orderDeferral,
  redeemDeferred,
  SETTLING,
  type SettlementChange,
  settle,
} from './deferred-steps.ts'

/** A call of payments, or of another service, with the token that a grant was redeemed for. */
interface SettlementAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  change(
    token: string,
    scene: ShopScene,
  ): Promise<SettlementChange & { readonly token?: string }> | (SettlementChange & { readonly token?: string })
  readonly code: ErrorCode
  /** What the line of payments says, where it has looked into the token. */
  readonly reason?: string
}

const [SETTLEMENT, ORDERS] = ['settlement', 'orders'].map(shopId)

const attacks: readonly SettlementAttack[] = [
  {
    name: 'settlement.stolen',
    title: 'rogue has payments settle with the token of the worker',
    requirements: ['TXN-13.12-01', 'TXN-12.2-06'],
    change: () => ({ by: 'rogue' }),
    code: 'ERR_POLICY_DENIED',
  },
  {
    name: 'settlement.stolen-by-orders',
    title: 'orders, which put the work off, has payments settle with the token of the worker',
    requirements: ['TXN-13.12-01', 'TXN-12.2-06'],
    change: () => ({ by: 'as-orders' }),
    code: 'ERR_POLICY_DENIED',
  },
  {
    name: 'settlement.stolen-by-another-domain',
    title: 'a workload of the bank has payments settle with the token of the worker',
    requirements: ['TXN-9.2-05', 'TXN-12.2-03'],
    change: () => ({ by: 'bank-clerk' }),
    code: 'ERR_TXN_CALLER',
  },
  {
    name: 'settlement.replayed',
    title: 'the request of the worker is sent a second time, to another end',
    requirements: ['WPT-2-38'],
    change: () => ({ amount: 46, tamper: [{ kind: 'replay' }] }),
    code: 'ERR_WPT_REPLAYED',
  },
  {
    name: 'settlement.another-amount',
    title: 'the worker has payments settle another amount than the signed one',
    requirements: ['TXN-12.2-06', 'TXN-9.2.3-01'],
    change: () => ({ amount: 46 }),
    code: 'ERR_POLICY_DENIED',
    reason: 'the amount is not the one that was deferred',
  },
  {
    name: 'settlement.as-charge',
    title: 'orders charges by the token that is for settling',
    requirements: ['TXN-11.1-03', 'TXN-12.2-06'],
    change: () => ({ by: 'as-orders', path: '/charges' }),
    code: 'ERR_POLICY_DENIED',
    reason: 'the transaction is not for placing orders',
  },
  {
    name: 'settlement.by-an-order',
    title: 'the worker has payments settle with the token of an order that was not put off',
    requirements: ['TXN-11.1-03', 'TXN-12.2-06'],
    change: async (_token, scene) => ({ token: await clearedOrder(scene) }),
    code: 'ERR_POLICY_DENIED',
    reason: 'this was not deferred',
  },
  {
    name: 'settlement.chain-cut',
    title: 'the worker leaves orders out of the chain',
    requirements: ['TXN-12.2-02', 'TEX-4.1-03'],
    change: (token) => ({ token: rewrittenToken(token, { act: { sub: SETTLEMENT ?? '' } }) }),
    code: 'ERR_TXN_SIGNATURE',
  },
  {
    name: 'settlement.chain-reordered',
    title: 'the worker puts orders before itself',
    requirements: ['TXN-12.2-02', 'TEX-4.1-03'],
    change: (token) => ({ token: rewrittenToken(token, { act: { sub: ORDERS ?? '', act: { sub: SETTLEMENT ?? '' } } }) }),
    code: 'ERR_TXN_SIGNATURE',
  },
  {
    name: 'settlement.another-origin',
    title: 'the worker writes another requester, and another transaction that it came of, into the token',
    requirements: ['TXN-12.2-02', 'TXN-16.3-01'],
    change: (token) => ({ token: rewrittenToken(token, { deferral: { requester: ORDERS ?? '', txn: 'another' } }) }),
    code: 'ERR_TXN_SIGNATURE',
  },
]

async function attackSettlement(scene: ShopScene, { change, code, reason }: SettlementAttack): Promise<Evidence> {
  const deferred = await deferOrder(scene)
  const own = issued(await redeemDeferred(scene, deferred))
  const { token = own, ...call } = await change(own, scene)
  const attack = expectServiceRefused(await settle(scene, token, call), { code })
  const txn = String(claimsOf(token)['txn'])
  const hop =
    reason === undefined ? {} : { hop: shownLines([await awaitHop(scene, 'payments', { transaction: txn, decision: 'refused', reason })]) }
  const without = await expectEntries(scene, deferred, 0)
  const accepted = expectDone(await settle(scene, own))
  return { token: shownToken('transaction token', own), attack, ...hop, without, accepted, entry: await expectEntries(scene, deferred, 1) }
}

/** The token of a redemption is the worker's, for one amount of one order, for some seconds. */
export const settlementAttacks: readonly Check[] = shopChecks('async-job', [
  ...attacks.map(
    (attack): ShopCheck => ({
      name: attack.name,
      title: attack.title,
      requirements: attack.requirements,
      run: (scene) => attackSettlement(scene, attack),
    }),
  ),
  {
    name: 'settlement.twice',
    title: 'the worker has payments settle three times with one token, twice at the same moment: the ledger has it once',
    requirements: ['TXN-13.2-02', 'TXN-13.2-01'],
    async run(scene) {
      const deferred = await deferOrder(scene)
      const token = issued(await redeemDeferred(scene, deferred))
      const answers = await Promise.all([settle(scene, token), settle(scene, token)])
      answers.push(await settle(scene, token))
      const calls = answers.map((answer) => expectDone(answer))
      const receipts = new Set(answers.map(({ body }) => textIn(body, 'receipt')))
      if (receipts.size !== 1) throw new CheckFailure(`${receipts.size} receipts for one transaction`)
      return {
        token: shownToken('transaction token', token),
        calls,
        receipt: [...receipts],
        entry: await expectEntries(scene, deferred, 1),
      }
    },
  },
  {
    name: 'settlement.deferred-twice',
    title: 'orders puts one order off twice, and charges for it as well: fraud has cleared it once',
    requirements: ['TXN-12.2-06', 'TXN-13.2-02'],
    async run(scene) {
      const transaction = await clearedOrder(scene)
      const defer = async (): Promise<Deferred> => {
        const parameters = newOrder()
        const asked = { subjectToken: transactionToken(transaction), deferral: orderDeferral(parameters) }
        return { grant: issued(await askToDefer(scene, asked)), action: 'settle', parameters }
      }
      const [first, second] = [await defer(), await defer()]
      const accepted = expectDone(await settle(scene, issued(await redeemDeferred(scene, first))))
      const attack = await settle(scene, issued(await redeemDeferred(scene, second)))
      const again = expectServiceRefused(attack, { code: 'ERR_POLICY_DENIED' })
      const charged = expectServiceRefused(await charge(scene, transaction), { code: 'ERR_POLICY_DENIED' })
      return { accepted, again, charged, entry: await expectEntries(scene, first, 1), without: await expectEntries(scene, second, 0) }
    },
  },
  {
    name: 'settlement.replaced',
    title:
      'orders has the token of the worker replaced by one of its own: it lives no longer, and payments takes it from nobody but the worker',
    requirements: ['TXN-13.15-01', 'TXN-13.15-04', 'TXN-13.12-01'],
    async run(scene) {
      const deferred = await deferOrder(scene)
      const token = issued(await redeemDeferred(scene, deferred))
      const replaced = issued(await askToReplace(scene, token, { scope: SETTLING, requestDetails: { amount: 1 } }))
      if (Number(claimsOf(replaced)['exp']) > Number(claimsOf(token)['exp'])) throw new CheckFailure('the replacement lives longer')
      const byOrders = expectServiceRefused(await settle(scene, replaced, { by: 'as-orders', amount: 1 }), { code: 'ERR_POLICY_DENIED' })
      const byRogue = expectServiceRefused(await settle(scene, replaced, { by: 'rogue', amount: 1 }), { code: 'ERR_POLICY_DENIED' })
      const byWorker = expectServiceRefused(await settle(scene, replaced), { code: 'ERR_POLICY_DENIED' })
      const again = await expectTokenRefused(
        scene,
        await askToDefer(scene, { subjectToken: transactionToken(replaced), deferral: orderDeferral(newOrder()) }),
        { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'it came of a grant itself' },
      )
      const without = await expectEntries(scene, deferred, 0)
      return { token: shownToken('transaction token', replaced), byOrders, byRogue, byWorker, again, without }
    },
  },
  {
    name: 'settlement.as-order',
    title: 'the storefront orders with the token of the worker, now and for later',
    requirements: ['TXN-11.1-03', 'TXN-13.12-01'],
    async run(scene) {
      const deferred = await deferOrder(scene)
      const transaction = issued(await redeemDeferred(scene, deferred))
      const order = (settled: JsonObject): Promise<ServiceAnswer> =>
        callService(scene, {
          by: 'as-storefront',
          service: 'orders',
          path: '/orders',
          json: { item: 'kettle', amount: AMOUNT, ...settled },
          transactionToken: transaction,
        })
      const now = expectServiceRefused(await order({}), { code: 'ERR_POLICY_DENIED', hop: 'payments' })
      const later = expectServiceRefused(await order({ settle: 'later' }), { code: 'ERR_EXCHANGE_REFUSED', status: 403, hop: 'tokens' })
      const accepted = expectDone(await settle(scene, transaction))
      return { token: shownToken('transaction token', transaction), now, later, accepted, entry: await expectEntries(scene, deferred, 1) }
    },
  },
  {
    name: 'settlement.across-the-border',
    title: 'the worker goes to the bank by itself, past payments: it asks for a grant for its token service',
    requirements: ['CHN-2.3.2-03', 'TXN-13.10-01'],
    async run(scene) {
      const deferred = await deferOrder(scene)
      const transaction = issued(await redeemDeferred(scene, deferred))
      const grant = await expectTokenRefused(scene, await askForGrant(scene, { by: 'as-settlement', transaction }), {
        code: 'ERR_EXCHANGE_TARGET',
      })
      return { token: shownToken('transaction token', transaction), grant, without: await expectEntries(scene, deferred, 0) }
    },
  },
  {
    name: 'settlement.expired',
    title: 'the worker has payments settle with its token after the end of it',
    requirements: ['TXN-12.2-04', 'TXN-6-05', 'TXN-13.1-01'],
    phase: AGED_PHASE,
    async run(scene) {
      const deferred = await deferOrder(scene)
      const token = issued(await redeemDeferred(scene, deferred))
      await outlive(token)
      const attack = expectServiceRefused(await settle(scene, token), { code: 'ERR_TXN_EXPIRED' })
      const without = await expectEntries(scene, deferred, 0)
      // Taken over, by the same worker here: the same work, by a token that lives.
      const accepted = expectDone(await settle(scene, issued(await redeemDeferred(scene, deferred))))
      return { token: shownToken('transaction token', token), attack, without, accepted, entry: await expectEntries(scene, deferred, 1) }
    },
  },
])
