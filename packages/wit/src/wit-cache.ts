import type { TrustBundle } from '@wimse/trust'
import type { VerifiedWit } from './verified-wit.ts'

/** A verified WIT and the anchors that it was verified under. */
interface Remembered {
  readonly wit: VerifiedWit
  readonly bundle: TrustBundle
  /** Seconds since the epoch; clock tolerance included. */
  readonly until: number
}

/** Remembers verified WITs by their hash. */
export interface WitCache {
  /** The WIT, when its anchors are still the ones it was verified under and it has not expired; else it is forgotten. */
  get(hash: string, now: number, bundleOf: (wit: VerifiedWit) => TrustBundle): VerifiedWit | undefined
  set(wit: VerifiedWit, bundle: TrustBundle, until: number): void
}

/** A cache of at most `size` WITs; the oldest makes room. Only WITs that verified enter it, so no stranger can empty it. */
export function createWitCache(size: number): WitCache {
  const remembered = new Map<string, Remembered>()
  return {
    get(hash, now, bundleOf) {
      const entry = remembered.get(hash)
      if (entry === undefined) return undefined
      if (now < entry.until && bundleOf(entry.wit) === entry.bundle) return entry.wit
      remembered.delete(hash)
      return undefined
    },
    set(wit, bundle, until) {
      if (size === 0) return
      if (remembered.size >= size) {
        const [oldest] = remembered.keys()
        if (oldest !== undefined) remembered.delete(oldest)
      }
      remembered.set(wit.hash, { wit, bundle, until })
    },
  }
}
