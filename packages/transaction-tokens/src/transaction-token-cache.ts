import { createBoundedMap } from '@wimse/core'
import type { KeyAuthority } from '@wimse/trust'
import type { VerifiedTransactionToken } from './verified-transaction-token.ts'

/** A verified token and the keys that it was verified under. */
interface Remembered {
  readonly token: VerifiedTransactionToken
  readonly authorities: readonly KeyAuthority[]
}

/** Remembers verified transaction tokens by their hash. */
export interface TransactionTokenCache {
  /** The token, when the keys are still the ones it was verified under and it is not refused for its age; else it is forgotten. */
  get(hash: string, now: number, authorities: readonly KeyAuthority[]): VerifiedTransactionToken | undefined
  set(token: VerifiedTransactionToken, authorities: readonly KeyAuthority[]): void
}

/**
 * A cache of at most `size` tokens; the oldest makes room. Only tokens that verified enter it, so no stranger can empty it.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createTransactionTokenCache(size: number): TransactionTokenCache {
  const remembered = createBoundedMap<Remembered>(size)
  return {
    get(hash, now, authorities) {
      const entry = remembered.get(hash)
      if (entry === undefined) return undefined
      if (now < entry.token.refusedFrom && authorities === entry.authorities) return entry.token
      remembered.delete(hash)
      return undefined
    },
    set(token, authorities) {
      remembered.set(token.hash, { token, authorities })
    },
  }
}
