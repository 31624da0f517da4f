import type { JsonObject } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { clearedFor, origin, refuseSettlement, type Settlement } from '../src/settlement-policy.ts'

const WORKER = 'spiffe://shop.example/settlement'
const ORDERS = 'spiffe://shop.example/orders'
const clear = { verdict: 'clear', amount: 45 }
const act = { sub: WORKER, act: { sub: ORDERS } }
const deferral = { txn: 'old', requester: ORDERS, worker: WORKER, grant: 'a hash', action: 'settle' }

function settlement(
  { claims, ...transaction }: Partial<Omit<Settlement['transaction'], 'claims'>> & { readonly claims?: JsonObject } = {},
  { amount = 45, caller = WORKER } = {},
): Settlement {
  const context = { order: 'teapot-1', amount: 45, fraud: clear }
  const token = { subject: 'user:ada', scope: ['payments:settle'], transactionContext: context, ...transaction }
  return { caller, amount, transaction: { ...token, claims: { act, deferral, ...claims } } }
}

describe('a settlement', () => {
  it.each([
    ['what was put off, and cleared', settlement()],
    [
      'one of a batch, of which more was cleared',
      settlement({ transactionContext: { amount: 45, fraud: { verdict: 'clear', amount: 900 } } }),
    ],
    [
      'what is restocked, which fraud does not see',
      settlement({ transactionContext: { amount: 45 }, claims: { deferral: { ...deferral, action: 'restock' } } }),
    ],
  ])('is made for %s', (_title, made) => expect(refuseSettlement(made)).toBeUndefined())

  it.each([
    ['work that nobody has put off', settlement({ claims: { deferral: null } }), 'this was not deferred'],
    ['another purpose', settlement({ scope: ['orders:place'] }), 'the transaction is not for settling'],
    ['a workload in place of a user', settlement({ subject: ORDERS }), 'nobody has ordered: the subject is no user'],
    ['another caller', settlement({}, { caller: ORDERS }), 'the caller is not the one who acts'],
    ['another actor', settlement({ claims: { act: { sub: ORDERS, act } } }), 'the caller is not the one who acts'],
    ['no actor', settlement({ claims: { act: null } }), 'the caller is not the one who acts'],
    ['another worker', settlement({ claims: { deferral: { ...deferral, worker: ORDERS } } }), 'the caller is not the one who acts'],
    ['another amount', settlement({}, { amount: 46 }), 'the amount is not the one that was deferred'],
    ['no context', settlement({ transactionContext: undefined }), 'the amount is not the one that was deferred'],
    ['no verdict', settlement({ transactionContext: { amount: 45 } }), 'fraud did not clear this order'],
    [
      'a verdict that isn’t clear',
      settlement({ transactionContext: { amount: 45, fraud: { ...clear, verdict: 'review' } } }),
      'fraud did not clear this order',
    ],
    [
      'a verdict about no amount',
      settlement({ transactionContext: { amount: 45, fraud: { verdict: 'clear' } } }),
      'fraud did not clear this order',
    ],
    ['an unknown action', settlement({ claims: { deferral: { ...deferral, action: 'refund' } } }), 'this is not done here'],
  ])('is refused for %s', (_title, refused, reason) => expect(refuseSettlement(refused)).toBe(reason))
})

describe('what was put off', () => {
  it('is told by the transaction that it was put off in, and by what fraud cleared for that', () => {
    const { transaction } = settlement()
    expect([origin(transaction), clearedFor(transaction)]).toEqual(['old', 45])
    expect([origin({ claims: {} }), clearedFor({ transactionContext: undefined })]).toEqual(['', undefined])
  })
})
