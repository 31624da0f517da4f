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

/** The live proofs of one scope. */
interface LiveProofs {
  readonly scope: string
  readonly ids: Set<string>
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
  const scopes = new Map<string, LiveProofs>()
  /** Live proofs by the second in which they expire. */
  const buckets = new Map<number, { readonly live: LiveProofs; readonly id: string }[]>()
  let size = 0
  let sweptUntil = Number.NEGATIVE_INFINITY

  const forget = ({ scope, ids }: LiveProofs, id: string): void => {
    if (!ids.delete(id)) return
    size -= 1
    if (ids.size === 0) scopes.delete(scope)
  }
  const sweep = (now: number): void => {
    const until = Math.floor(now)
    if (until <= sweptUntil) return
    for (const [second, expired] of buckets) {
      if (second > until) continue
      for (const { live, id } of expired) forget(live, id)
      buckets.delete(second)
    }
    sweptUntil = until
  }
  /** Its text is kept once, however many proofs it has: each proof comes with a text of its own. */
  const liveProofsOf = (scope: string): LiveProofs => {
    const made = { scope, ids: new Set<string>() }
    scopes.set(scope, made)
    return made
  }

  return {
    get size() {
      return size
    },
    record({ scope, id, expiresAt }: ReplayEntry, now: number) {
      // A proof without an end would never leave, one that is no number would leave at once.
      if (!Number.isFinite(expiresAt)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiry of a proof' })
      sweep(now)
      const known = scopes.get(scope)
      if (known?.ids.has(id) === true) return false
      if (size >= capacity || (known !== undefined && known.ids.size >= capacityPerScope)) throw new WimseError('ERR_REPLAY_STORE_FULL')
      const live = known ?? liveProofsOf(scope)
      live.ids.add(id)
      const second = Math.max(Math.ceil(expiresAt), Math.floor(now) + 1)
      const bucket = buckets.get(second)
      if (bucket === undefined) buckets.set(second, [{ live, id }])
      else bucket.push({ live, id })
      size += 1
      return true
    },
  }
}
