import type { Check } from '../../../suite/check.ts'
import { type ChargeRefusal, chargeRefusals } from '../charge-refusals.ts'
import { AMOUNT, askFraud, clearedOrder, startOrder, userToken } from '../order-steps.ts'
import { shopId } from '../tokens.ts'

const NOT_ASKED = 'fraud was not asked in this transaction'

const rows: readonly ChargeRefusal[] = [
  {
    name: 'fraud.chain-cut',
    title: 'orders leaves fraud out',
    requirements: ['TXN-12.2-06', 'TXN-13.15-09'],
    prepare: async (scene) => ({ transaction: await startOrder(scene) }),
    reason: NOT_ASKED,
  },
  {
    name: 'fraud.claimed-in-headers',
    title: 'orders leaves fraud out and says in header fields and in the body that it was asked',
    requirements: ['TXN-12.2-06', 'TXN-9.2.3-02'],
    prepare: async (scene) => ({
      transaction: await startOrder(scene),
      charge: {
        headers: [
          ['x-fraud-verdict', 'clear'],
          ['x-requesting-workloads', `${shopId('storefront')}, ${shopId('fraud')}`],
        ],
        body: JSON.stringify({ amount: AMOUNT, fraud: { verdict: 'clear', amount: AMOUNT }, req_wl: [shopId('fraud')] }),
      },
    }),
    reason: NOT_ASKED,
  },
  {
    name: 'fraud.of-another-transaction',
    title: 'orders charges what one user ordered with the verdict about a smaller order: the token with the verdict is of that order',
    requirements: ['TXN-13.15-05', 'TXN-9.2-07'],
    prepare: async (scene) => ({ transaction: await clearedOrder(scene), charge: { amount: 900 } }),
    reason: 'the amount is not the one that was ordered',
  },
  {
    name: 'fraud.of-another-amount',
    title: 'orders shows fraud a small amount in the transaction of a great one',
    requirements: ['TXN-13.15-04', 'TXN-12.2-06'],
    prepare: async (scene) => {
      const begun = await startOrder(scene, { amount: 5000 })
      return { transaction: await askFraud(scene, begun, 5), charge: { amount: 5000 } }
    },
    reason: 'fraud cleared another amount',
  },
  {
    name: 'fraud.not-clear',
    title: 'orders goes on although fraud did not clear the order',
    requirements: ['TXN-12.2-06', 'TXN-13.15-03'],
    prepare: async (scene) => ({ transaction: await clearedOrder(scene, { amount: 5000 }), charge: { amount: 5000 } }),
    reason: 'fraud did not clear this order',
  },
  {
    name: 'entry.not-the-storefront',
    title: 'the concierge begins an order of ada itself, and fraud clears it: it did not come in at the storefront',
    requirements: ['TXN-9.2-15', 'TXN-13.15-09'],
    prepare: async (scene) => {
      const token = await userToken(scene, { service: 'concierge' })
      return { transaction: await clearedOrder(scene, { by: 'as-concierge', token }) }
    },
    reason: 'the transaction did not begin at the storefront',
  },
  {
    name: 'entry.claimed-in-headers',
    title: 'the same with the storefront named in header fields',
    requirements: ['TXN-9.2-15', 'TXN-12.2-06'],
    prepare: async (scene) => {
      const token = await userToken(scene, { service: 'concierge' })
      const headers = [
        ['x-entry', shopId('storefront')],
        ['forwarded', 'by=storefront.shop.example'],
      ] as const
      return { transaction: await clearedOrder(scene, { by: 'as-concierge', token }), charge: { headers } }
    },
    reason: 'the transaction did not begin at the storefront',
  },
]

/** What payments refuses by the chain in the token: each beside the charge of an order with a whole chain. */
export const custodyAtPaymentsChecks: readonly Check[] = chargeRefusals('chain-of-custody', rows)
