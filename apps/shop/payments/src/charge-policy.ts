import { isJsonObject } from '@wimse/core'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'

/** What is known of a charge: the amount that the caller asks for, and what the token service has signed. */
export interface Charge {
  readonly amount: number
  readonly transaction: Pick<VerifiedTransactionToken, 'subject' | 'scope' | 'requestingWorkloads' | 'transactionContext'>
}

const STOREFRONT = 'spiffe://shop.example/storefront'
const FRAUD = 'spiffe://shop.example/fraud'

/**
 * Whether a charge is refused, and why. All of it is judged by the signed context of the transaction: who began it where, for what, and who
 * was asked on the way. What callers write in header fields plays no part, nor does the last caller, whom `allow` has admitted.
 */
export function refuseCharge({ amount, transaction }: Charge): string | undefined {
  const {
    subject,
    scope,
    requestingWorkloads: [entry, ...others],
    transactionContext: context = {},
  } = transaction
  if (!subject.startsWith('user:')) return 'nobody has ordered: the subject is no user'
  if (!scope.includes('orders:place')) return 'the transaction is not for placing orders'
  if (context['amount'] !== amount) return 'the amount is not the one that was ordered'
  if (entry !== STOREFRONT) return 'the transaction did not begin at the storefront'
  // The verdict counts only in a token that fraud itself has had replaced: its name in `req_wl` is the token service's word for that.
  if (!others.includes(FRAUD)) return 'fraud was not asked in this transaction'
  const verdict = context['fraud']
  if (!isJsonObject(verdict) || verdict['verdict'] !== 'clear') return 'fraud did not clear this order'
  if (verdict['amount'] !== amount) return 'fraud cleared another amount'
  return undefined
}
