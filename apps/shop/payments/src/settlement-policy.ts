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
      return refuseOrder(amount, context['fraud'])
    case 'restock':
      // Its limits are in the grant: the user has consented to them, and no order of the day is in it for fraud to judge.
      return undefined
    default:
      return 'this is not done here'
  }
}

/** An order, or one of a batch: fraud has cleared at least as much. */
function refuseOrder(amount: number, verdict: unknown): string | undefined {
  if (!isJsonObject(verdict) || verdict['verdict'] !== 'clear') return 'fraud did not clear this order'
  const { amount: cleared } = verdict
  return typeof cleared === 'number' && amount <= cleared ? undefined : 'fraud cleared less'
}
