import { createBoundedMap, type MaybePromise, type Runtime } from '@wimse/core'
import { createVerifier, type PublicJwk, type Verifier } from '@wimse/keys'
import type { TrustBundle } from '@wimse/trust'
import type { VerifiedWit } from './verified-wit.ts'

/** A verified WIT, the anchors that it was verified under, and from when on it passes: until `refusedFrom`. */
interface Remembered {
  readonly wit: VerifiedWit
  readonly bundle: TrustBundle
  readonly acceptedFrom: number
}

/** Remembers verified WITs by their hash. */
export interface WitCache {
  /**
   * The WIT, when its anchors are still the ones it was verified under and its times hold at that moment, whatever moment it was verified
   * for. With other anchors it is forgotten.
   *
   * @param at seconds since the epoch
   * @throws WimseError what `bundleOf` throws: no anchors, no WIT
   */
  get(hash: string, at: number, bundleOf: (wit: VerifiedWit) => TrustBundle): VerifiedWit | undefined
  /** @param acceptedFrom seconds since the epoch before which its times don't hold */
  set(wit: VerifiedWit, bundle: TrustBundle, acceptedFrom: number): void
}

/**
 * A cache of at most `size` WITs; the oldest makes room. Only WITs that verified enter it, so no stranger can empty it.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createWitCache(size: number): WitCache {
  const remembered = createBoundedMap<Remembered>(size)
  return {
    get(hash, at, bundleOf) {
      const entry = remembered.get(hash)
      if (entry === undefined) return undefined
      if (bundleOf(entry.wit) !== entry.bundle) {
        remembered.delete(hash)
        return undefined
      }
      return at >= entry.acceptedFrom && at < entry.wit.refusedFrom ? entry.wit : undefined
    },
    set(wit, bundle, acceptedFrom) {
      remembered.set(wit.hash, { wit, bundle, acceptedFrom })
    },
  }
}

/** Gives the verifier of a key, the one at hand where there is one: a workload may get WIT after WIT for the same key. */
export type KeyPool = (jwk: PublicJwk) => MaybePromise<Verifier>

/** A pool of at most `size` keys, which remain imported; the oldest makes room. Only keys of WITs that verified enter it. */
export function createKeyPool(size: number, runtime: Pick<Runtime, 'crypto'>): KeyPool {
  const pool = createBoundedMap<Verifier>(size)
  const remember = (id: string, verifier: Verifier): Verifier => {
    pool.set(id, verifier)
    return verifier
  }
  return (jwk) => {
    const id = jwk.kty === 'RSA' ? `${jwk.alg}.${jwk.n}.${jwk.e}` : `${jwk.alg}.${jwk.x}.${jwk.kty === 'EC' ? jwk.y : ''}`
    const known = pool.get(id)
    if (known !== undefined) return known
    const made = createVerifier(jwk, { runtime })
    return made instanceof Promise ? made.then((verifier) => remember(id, verifier)) : remember(id, made)
  }
}
