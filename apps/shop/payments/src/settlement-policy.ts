import { isJsonObject } from '@wimse/core'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'

/** What is known of a settlement: who asks for which amount, and what the token service has signed. */
export interface Settlement {
  readonly caller: string
  readonly amount: number
  readonly transaction: Pick<VerifiedTransactionToken, 'subject' | 'scope' | 'transactionContext' | 'claims'>
}

/**
 * Whether a settlement is refused, and why. The worker's token says for whom and within which bounds it works, and that it is the worker: a copy in the hands of
 * another workload is of no use. Who may have work deferred to whom, the token service has judged before it signed.
 */
export function refuseSettlement({ caller, amount, transaction }: Settlement): string | undefined {
  const { subject, scope, transactionContext: context = {}, claims } = transaction
  const { act, deferral } = claims
  if (!isJsonObject(deferral)) return 'this was not deferred'
  if (!scope.includes('payments:settle')) return 'the transaction is not for settling'
  if (!subject.startsWith('user:')) return 'nobody has ordered: the subject is no user'
  // The outermost actor alone counts: the one whose key proved this call.
  if (!isJsonObject(act) || act['sub'] !== caller || deferral['worker'] !== caller) return 'the caller is not the one who acts'
  if (context['amount'] !== amount) return 'the amount is not the one that was deferred'
  switch (deferral['action']) {
    case 'settle':
      return clearedFor(transaction) === undefined ? 'fraud did not clear this order' : undefined
    case 'restock':
      // Its limits are in the grant: the user has consented to them, and no order of the day is in it for fraud to judge.
      return undefined
    default:
      return 'this is not done here'
  }
}

/** What fraud has cleared for the transaction in which an order, or a batch of them, was put off; undefined where it was not asked. */
export function clearedFor({
  transactionContext: { fraud: verdict } = {},
}: Pick<Settlement['transaction'], 'transactionContext'>): number | undefined {
  if (!isJsonObject(verdict) || verdict['verdict'] !== 'clear') return undefined
  const { amount } = verdict
  return typeof amount === 'number' ? amount : undefined
}

/** The transaction in which the work was put off. */
export function origin({ claims: { deferral } }: Pick<Settlement['transaction'], 'claims'>): string {
  return isJsonObject(deferral) ? String(deferral['txn']) : ''
}
