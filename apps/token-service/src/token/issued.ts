import type { WholeAnswer } from '@wimse/token-exchange'

/** What was issued: the answer, and what the event of it says. No token is in the latter. */
export interface Issued {
  readonly response: WholeAnswer
  readonly token: string
  readonly kind: 'transaction-token' | 'replacement' | 'access-token' | 'authorization-grant'
  /** Who acts in whose name, where somebody does: audit has to tell the two apart. */
  readonly acting?: 'delegation' | 'impersonation'
  readonly subject: string
  readonly scope: readonly string[]
  readonly target: string
  readonly actors?: number
  /** `txn`, the same in every event of a transaction. */
  readonly transaction?: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
}
