import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { Check, Evidence } from '../../../suite/check.ts'
import { AGED_PHASE, AGED_TIMEOUT_MS, aged, outlive } from '../aged.ts'
import { exchange, expectTokenRefused, issued } from '../ask-tokens.ts'
import { awaitHop } from '../await-lines.ts'
import { callService, expectDone, expectServiceRefused, type ServiceRefusal } from '../call-service.ts'
import { AMOUNT, askForOrder, type Charge, charge, clearedOrder, startOrder } from '../order-steps.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { shopId, shownToken, unsignedSubject } from '../tokens.ts'

/** Left to expire from the first check on. */
export const agedTransaction: (scene: ShopScene) => Promise<string> = aged((scene) => clearedOrder(scene))

/** An attack on a charge that orders would get: another message, or another sender. */
interface ChargeAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  /** The transaction of somebody else's order is given as well: an attacker would have one of its own. */
  change(scene: ShopScene, other: string): Promise<Charge>
  readonly refused: ServiceRefusal
}

const attacks: readonly ChargeAttack[] = [
  {
    name: 'transaction-token.replayed',
    title: 'the request with the transaction token is sent a second time',
    requirements: ['WPT-2-38', 'TXN-13.12-01'],
    change: async () => ({ tamper: [{ kind: 'replay' }] }),
    refused: { code: 'ERR_WPT_REPLAYED' },
  },
  {
    name: 'transaction-token.stolen',
    title: 'the transaction token in the hands of rogue, with a proof of its own',
    requirements: ['TXN-13.12-01', 'TXN-12.2-06'],
    change: async () => ({ by: 'rogue' }),
    refused: { code: 'ERR_POLICY_DENIED' },
  },
  {
    name: 'transaction-token.stolen-with-wit',
    title: 'rogue has seen the traffic: the transaction token and the WIT of orders, without the key of orders',
    requirements: ['TXN-13.12-01', 'WPT-2-34'],
    change: async ({ as }) => ({ by: 'rogue', borrowedWit: (await as('as-orders').lendWit()).token }),
    refused: { code: 'ERR_WPT_SIGNATURE' },
  },
  {
    name: 'transaction-token.exchanged',
    title: 'another transaction token is put in on the way',
    requirements: ['WPT-2-39', 'WPT-2-18'],
    change: async (_scene, other) => ({ tamper: [{ kind: 'set-header', name: 'txn-token', value: other }] }),
    refused: { code: 'ERR_WPT_TTH' },
  },
  {
    name: 'transaction-token.in-authorization',
    title: 'the transaction token in Authorization, where access tokens are',
    requirements: ['TXN-12-02', 'TXN-13.13-01'],
    change: async (_scene, other) => ({ proof: 'http-signature', headers: [['authorization', `Bearer ${other}`]] }),
    refused: { code: 'ERR_TXN_TOKEN_IN_AUTHORIZATION' },
  },
  {
    name: 'transaction-token.as-access-token',
    title: 'the transaction token where an access token is asked for',
    requirements: ['TXN-13.13-01', 'BCP-3.12-01'],
    change: async (_scene, other) => ({ path: '/refunds', proof: 'http-signature', headers: [['authorization', `Bearer ${other}`]] }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_TYP' },
  },
  {
    name: 'transaction-token.stolen-by-another-domain',
    title: 'the transaction token in the hands of a workload of the bank',
    requirements: ['TXN-9.2-05', 'TXN-14-01'],
    change: async () => ({ by: 'bank-clerk' }),
    refused: { code: 'ERR_TXN_CALLER' },
  },
]

async function attackCharge(scene: ShopScene, { change, refused }: ChargeAttack): Promise<Evidence> {
  const [token, other, accepted] = await Promise.all([clearedOrder(scene), clearedOrder(scene), clearedOrder(scene)])
  const done = expectDone(await charge(scene, accepted))
  const attack = await charge(scene, token, await change(scene, other))
  return { accepted: done, transaction: shownToken('transaction token', token), attack: expectServiceRefused(attack, refused) }
}

/** A transaction token is worth something to the workload that it was given to, with a proof that binds it, for a minute. */
export const transactionTokenInShopChecks: readonly Check[] = shopChecks('on-behalf-of-user', [
  ...attacks.map(
    (attack): ShopCheck => ({
      name: attack.name,
      title: attack.title,
      requirements: attack.requirements,
      run: (scene) => attackCharge(scene, attack),
    }),
  ),
  {
    name: 'transaction-token.missing',
    title: 'what was signed for the transaction is told in header fields and in the body alone',
    requirements: ['TXN-12-01', 'TXN-12.2-01'],
    async run(scene) {
      const accepted = expectDone(await charge(scene, await clearedOrder(scene)))
      const claimed = { amount: AMOUNT, sub: 'user:ada', scope: 'orders:place' }
      const call = { by: 'as-orders', service: 'payments', path: '/charges', json: claimed, headers: [['x-user', 'ada']] } as const
      return { accepted, attack: expectServiceRefused(await callService(scene, call), { code: 'ERR_TXN_TOKEN_MISSING' }) }
    },
  },
  {
    name: 'transaction-token.expired',
    title: 'the transaction token when its minute is over',
    requirements: ['TXN-12.2-04', 'TXN-13.1-01', 'TXN-6-01'],
    phase: AGED_PHASE,
    timeoutMs: AGED_TIMEOUT_MS,
    async run(scene) {
      const old = await agedTransaction(scene)
      await outlive(old)
      const accepted = expectDone(await charge(scene, await clearedOrder(scene)))
      const attack = expectServiceRefused(await charge(scene, old), { code: 'ERR_TXN_EXPIRED' })
      return { accepted, expired: shownToken('transaction token', old), attack }
    },
  },
  {
    name: 'transaction-token.another-trust-domain',
    title: "a transaction token of the bank's token service, although orders itself presents it",
    requirements: ['TXN-12.2-02', 'TXN-12.2-03', 'TXN-9.2-05'],
    async run(scene) {
      const bank = issued(
        await exchange(scene, {
          by: 'bank-clerk',
          domain: 'bank',
          subjectToken: unsignedSubject('spiffe://bank.example/clerk'),
          audience: 'bank.example',
          scope: ['entries:read'],
          requestedTokenType: TOKEN_TYPES.transactionToken,
        }),
      )
      const accepted = expectDone(await charge(scene, await clearedOrder(scene)))
      const attack = expectServiceRefused(await charge(scene, bank), { code: 'ERR_TXN_KEY_UNKNOWN' })
      return { accepted, foreign: shownToken('transaction token', bank), attack }
    },
  },
  {
    name: 'transaction-token.confused-audience',
    title: 'a transaction token for another audience than the trust domain',
    requirements: ['TXN-11.1-02', 'TXN-11.3-06', 'TXN-9.2-04'],
    async run(scene) {
      const token = issued(await askForOrder(scene))
      const refuse = async (audience: string): Promise<Evidence> =>
        expectTokenRefused(scene, await askForOrder(scene, { audience }), { code: 'ERR_EXCHANGE_TARGET' })
      return {
        accepted: shownToken('transaction token', token),
        bank: await refuse('bank.example'),
        payments: await refuse(scene.at('payments')),
      }
    },
  },
  {
    name: 'transaction-token.another-recipient',
    title: 'payments passes a transaction on to fraud, which takes none from payments',
    requirements: ['TXN-13.12-01', 'TXN-12.2-06'],
    async run(scene) {
      const token = await startOrder(scene)
      const toFraud = { service: 'fraud', path: '/checks' } as const
      const accepted = expectDone(await charge(scene, token, { ...toFraud }), 200)
      const attack = expectServiceRefused(await charge(scene, token, { ...toFraud, by: 'as-payments' }), { code: 'ERR_POLICY_DENIED' })
      await awaitHop(scene, 'fraud', { caller: shopId('payments'), decision: 'refused', reason: 'ERR_POLICY_DENIED' })
      return { accepted, attack }
    },
  },
])
