import { WimseError } from '../errors/wimse-error.ts'
import type { ReplayEntry, ReplayStore } from './replay-store.ts'

/** Options of {@link inMemoryReplayStore}. */
export interface InMemoryReplayStoreOptions {
  /** Live proofs that are kept at most. When as many are live, new ones are refused: no live one is ever forgotten. */
  readonly capacity: number
  /** Live proofs of one scope at most; `capacity` unless told. */
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
export function inMemoryReplayStore({ capacity, capacityPerScope = capacity }: InMemoryReplayStoreOptions): InMemoryReplayStore {
  if (!Number.isSafeInteger(capacity) || capacity < 1 || !Number.isSafeInteger(capacityPerScope) || capacityPerScope < 1) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'capacity of the replay store' })
  }
  const live = new Set<string>()
  /** Live keys by the second in which they expire. */
  const buckets = new Map<number, string[]>()
  const perScope = new Map<string, number>()
  let sweptUntil = Number.NEGATIVE_INFINITY

  const forget = (key: string): void => {
    live.delete(key)
    const scope = key.slice(0, key.indexOf(SEPARATOR))
    const left = (perScope.get(scope) ?? 1) - 1
    if (left === 0) perScope.delete(scope)
    else perScope.set(scope, left)
  }
  const sweep = (now: number): void => {
    const until = Math.floor(now)
    if (until <= sweptUntil) return
    for (const [second, keys] of buckets) {
      if (second > until) continue
      for (const key of keys) forget(key)
      buckets.delete(second)
    }
    sweptUntil = until
  }

  return {
    get size() {
      return live.size
    },
    record({ scope, id, expiresAt }: ReplayEntry, now: number) {
      // A proof without an end would never leave, one that is no number would leave at once.
      if (!Number.isFinite(expiresAt)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiry of a proof' })
      sweep(now)
      const key = scope + SEPARATOR + id
      if (live.has(key)) return false
      const ofScope = perScope.get(scope) ?? 0
      if (live.size >= capacity || ofScope >= capacityPerScope) throw new WimseError('ERR_REPLAY_STORE_FULL')
      const second = Math.max(Math.ceil(expiresAt), Math.floor(now) + 1)
      const bucket = buckets.get(second)
      if (bucket === undefined) buckets.set(second, [key])
      else bucket.push(key)
      live.add(key)
      perScope.set(scope, ofScope + 1)
      return true
    },
  }
}

/** No scope holds it: a scope is made by the verifiers and not by a sender. */
const SEPARATOR = '\u0000'
