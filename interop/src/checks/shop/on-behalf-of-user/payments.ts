import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { Check } from '../../../suite/check.ts'
import { exchange, issued } from '../ask-tokens.ts'
import { type ChargeRefusal, chargeRefusals } from '../charge-refusals.ts'
import { clearedOrder } from '../order-steps.ts'
import { SHOP, shopId, unsignedSubject } from '../tokens.ts'

const rows: readonly ChargeRefusal[] = [
  {
    name: 'payments.another-amount',
    title: 'orders asks for another amount than the one that the user has ordered',
    requirements: ['TXN-9.2-13', 'TXN-12.2-06'],
    prepare: async (scene) => ({ transaction: await clearedOrder(scene), charge: { amount: 46 } }),
    reason: 'the amount is not the one that was ordered',
  },
  {
    name: 'payments.no-user',
    title: 'a transaction that the concierge has begun for itself: there is no user',
    requirements: ['TXN-9.2-08', 'TXN-12.2-06', 'TXN-13.5-01'],
    prepare: async (scene) => {
      const started = await exchange(scene, {
        by: 'as-concierge',
        subjectToken: unsignedSubject(shopId('concierge')),
        audience: SHOP,
        scope: ['catalog:read'],
        requestedTokenType: TOKEN_TYPES.transactionToken,
      })
      return { transaction: issued(started) }
    },
    reason: 'nobody has ordered: the subject is no user',
  },
  {
    name: 'payments.another-caller',
    title: 'the storefront goes to payments itself',
    requirements: ['TXN-13.12-01', 'TXN-12.2-06'],
    prepare: async (scene) => ({ transaction: await clearedOrder(scene), charge: { by: 'as-storefront' } }),
    reason: 'ERR_POLICY_DENIED',
  },
  {
    name: 'payments.charged-twice',
    title: 'orders charges an order again, with a proof that is new',
    requirements: ['TXN-13.2-01', 'TXN-13.2-02'],
    prepare: async (scene) => ({ transaction: await clearedOrder(scene), firstCharge: {} }),
    reason: 'this transaction has been charged',
  },
]

/** Payments decides by the user, the amount and the caller. Each refusal comes beside a charge that is accepted. */
export const paymentsChecks: readonly Check[] = chargeRefusals('on-behalf-of-user', rows)
