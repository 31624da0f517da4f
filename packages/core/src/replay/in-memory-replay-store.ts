import { WimseError } from '../errors/wimse-error.ts'
import type { ReplayEntry, ReplayStore } from './replay-store.ts'

/** Options of {@link inMemoryReplayStore}. */
export interface InMemoryReplayStoreOptions {
  /** Live proofs that are kept at most. When as many are live, new ones are refused: no live one is ever forgotten. */
  readonly capacity: number
  /** Live proofs of one scope at most; half of `capacity` unless told, so that one sender alone can't keep all others out. */
  readonly capacityPerScope?: number
}

/** A {@link ReplayStore} in this process, which tells how many proofs it holds. */
export interface InMemoryReplayStore extends ReplayStore {
  readonly size: number
}

/**
 * A bounded store for one process. Recording costs the same however many proofs are live: they lie in one set per second of
 * expiry, and a call empties the sets of the seconds that have passed since the last one, each proof once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function inMemoryReplayStore({
  capacity,
  capacityPerScope = Math.ceil(capacity / 2),
}: InMemoryReplayStoreOptions): InMemoryReplayStore {
  if (!Number.isSafeInteger(capacity) || capacity < 1 || !Number.isSafeInteger(capacityPerScope) || capacityPerScope < 1) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'capacity of the replay store' })
  }
  /** Live proofs by scope. */
  const scopes = new Map<string, Set<string>>()
  /** The same by the second in which they expire. */
  const buckets = new Map<number, { readonly scope: string; readonly id: string }[]>()
  let size = 0
  let sweptUntil = Number.NEGATIVE_INFINITY

  const forget = (scope: string, id: string): void => {
    const live = scopes.get(scope)
    if (live?.delete(id) !== true) return
    size -= 1
    if (live.size === 0) scopes.delete(scope)
  }
  const sweep = (now: number): void => {
    const until = Math.floor(now)
    if (until <= sweptUntil) return
    for (const [second, expired] of buckets) {
      if (second > until) continue
      for (const { scope, id } of expired) forget(scope, id)
      buckets.delete(second)
    }
    sweptUntil = until
  }

  return {
    get size() {
      return size
    },
    record({ scope, id, expiresAt }: ReplayEntry, now: number) {
      // A proof without an end would never leave, one that is no number would leave at once.
      if (!Number.isFinite(expiresAt)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiry of a proof' })
      sweep(now)
      const live = scopes.get(scope)
      if (live?.has(id) === true) return false
      if (size >= capacity || (live !== undefined && live.size >= capacityPerScope)) throw new WimseError('ERR_REPLAY_STORE_FULL')
      if (live === undefined) scopes.set(scope, new Set([id]))
      else live.add(id)
      const second = Math.max(Math.ceil(expiresAt), Math.floor(now) + 1)
      const bucket = buckets.get(second)
      if (bucket === undefined) buckets.set(second, [{ scope, id }])
      else bucket.push({ scope, id })
      size += 1
      return true
    },
  }
}
