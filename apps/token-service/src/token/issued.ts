import type { WholeAnswer } from '@wimse/token-exchange'

/** What was issued: the answer, and what the event of it says. No token is in the latter. */
export interface Issued {
  readonly response: WholeAnswer
  readonly token: string
  readonly kind: 'transaction-token' | 'replacement' | 'access-token' | 'authorization-grant' | 'deferred-grant' | 'deferred-redemption'
  /** Who acts in whose name, where somebody does: audit has to tell the two apart. */
  readonly acting?: 'delegation' | 'impersonation'
  readonly subject: string
  readonly scope: readonly string[]
  readonly target: string
  readonly actors?: number
  /** `txn`, the same in every event of a transaction. */
  readonly transaction?: string
  /** `txn` of the transaction in which redeemed work was deferred. */
  readonly linkedTransaction?: string
  /** Takes the use of a deferred grant: the last step before the token is handed out, after which nothing fails any more. */
  readonly take?: () => Promise<'new' | 'taken over'>
  /** SHA-256 of the `jti` of the grant that was redeemed. */
  readonly grantHash?: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
}
