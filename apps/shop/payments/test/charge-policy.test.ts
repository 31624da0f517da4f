import { describe, expect, it } from 'vitest'
import { type Charge, refuseCharge } from '../src/charge-policy.ts'

const STOREFRONT = 'spiffe://shop.example/storefront'
const FRAUD = 'spiffe://shop.example/fraud'
const clear = { verdict: 'clear', amount: 45 }

function charge(changes: Partial<Charge['transaction']> = {}, amount = 45): Charge {
  const transactionContext = { item: 'teapot', amount: 45, currency: 'EUR', fraud: clear }
  const transaction = {
    subject: 'user:ada',
    scope: ['orders:place'],
    requestingWorkloads: [STOREFRONT, FRAUD] as const,
    transactionContext,
  }
  return { amount, transaction: { ...transaction, ...changes } }
}

describe('a charge', () => {
  it.each([
    ['what was ordered, and cleared', charge()],
    ['one that was narrowed after fraud was asked', charge({ requestingWorkloads: [STOREFRONT, FRAUD, 'spiffe://shop.example/orders'] })],
    ['one with more purposes', charge({ scope: ['catalog:read', 'orders:place'] })],
  ])('is made for %s', (_title, made) => expect(refuseCharge(made)).toBeUndefined())

  it.each([
    ['a workload in place of a user', charge({ subject: 'spiffe://shop.example/concierge' }), 'nobody has ordered: the subject is no user'],
    ['a user of another prefix', charge({ subject: 'xuser:ada' }), 'nobody has ordered: the subject is no user'],
    ['another purpose', charge({ scope: ['catalog:read'] }), 'the transaction is not for placing orders'],
    ['another amount', charge({}, 46), 'the amount is not the one that was ordered'],
    [
      'an amount that is a text',
      charge({ transactionContext: { amount: '45', fraud: clear } }),
      'the amount is not the one that was ordered',
    ],
    ['no context', charge({ transactionContext: undefined }), 'the amount is not the one that was ordered'],
    ['another entry', charge({ requestingWorkloads: [FRAUD, STOREFRONT] }), 'the transaction did not begin at the storefront'],
    ['fraud left out', charge({ requestingWorkloads: [STOREFRONT] }), 'fraud was not asked in this transaction'],
    [
      'a verdict of somebody else',
      charge({ requestingWorkloads: [STOREFRONT, 'spiffe://shop.example/orders'] }),
      'fraud was not asked in this transaction',
    ],
    ['no verdict', charge({ transactionContext: { amount: 45 } }), 'fraud did not clear this order'],
    ['a verdict that is a text', charge({ transactionContext: { amount: 45, fraud: 'clear' } }), 'fraud did not clear this order'],
    [
      'an order to be reviewed',
      charge({ transactionContext: { amount: 45, fraud: { verdict: 'review', amount: 45 } } }),
      'fraud did not clear this order',
    ],
    [
      'a verdict about another amount',
      charge({ transactionContext: { amount: 45, fraud: { verdict: 'clear', amount: 5 } } }),
      'fraud cleared another amount',
    ],
  ])('is refused for %s', (_title, made, reason) => expect(refuseCharge(made)).toBe(reason))
})
