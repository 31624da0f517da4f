import type { Check } from '../../../suite/check.ts'
import { issued } from '../ask-tokens.ts'
import { awaitHop, shownLines } from '../await-lines.ts'
import { expectDone } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { AMOUNT, askFraud, askToReplace, charge, startOrder } from '../order-steps.ts'
import { shopChecks } from '../shop-check.ts'
import { claimsOf, shopId, shownToken } from '../tokens.ts'

const [STOREFRONT, ORDERS, FRAUD] = ['storefront', 'orders', 'fraud'].map(shopId)

/** Who had a part in a transaction stands in the token, in order, by the word of the token service. */
export const custodyChecks: readonly Check[] = shopChecks('chain-of-custody', [
  {
    name: 'chain.accepted',
    title: 'payments charges an order that began at the storefront and was cleared by fraud: both stand in the token that it gets',
    kind: 'positive',
    requirements: ['TXN-13.15-03', 'TXN-13.15-05', 'TXN-13.15-09', 'TXN-9.2-13', 'TXN-9.2-15'],
    async run(scene) {
      const begun = await startOrder(scene)
      const cleared = await askFraud(scene, begun)
      const [before, after] = [claimsOf(begun), claimsOf(cleared)]
      expectMembers('the first token', before, { req_wl: STOREFRONT, tctx: { item: 'teapot', amount: AMOUNT, currency: 'EUR' } })
      const { txn, sub, aud, scope } = before
      const tctx = { item: 'teapot', amount: AMOUNT, currency: 'EUR', fraud: { verdict: 'clear', amount: AMOUNT } }
      expectMembers('the replacement', after, { txn, sub, aud, scope, tctx, req_wl: [STOREFRONT, FRAUD] })
      const call = expectDone(await charge(scene, cleared))
      const hop = await awaitHop(scene, 'payments', {
        transaction: String(txn),
        requestingWorkloads: [STOREFRONT ?? '', FRAUD ?? ''],
        decision: 'allowed',
      })
      return {
        begun: shownToken('transaction token', begun),
        cleared: shownToken('transaction token', cleared),
        call,
        hop: shownLines([hop]),
      }
    },
  },
  {
    name: 'chain.grows',
    title: 'who has a token replaced later comes last in the chain, and nobody gets out of it',
    kind: 'positive',
    requirements: ['TXN-13.15-09', 'TXN-13.15-02'],
    async run(scene) {
      const cleared = await askFraud(scene, await startOrder(scene))
      const token = issued(await askToReplace(scene, cleared))
      expectMembers('the replacement', claimsOf(token), { req_wl: [STOREFRONT, FRAUD, ORDERS], txn: claimsOf(cleared)['txn'] })
      return { token: shownToken('transaction token', token), call: expectDone(await charge(scene, token)) }
    },
  },
])
