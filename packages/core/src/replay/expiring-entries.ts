import { WimseError } from '../errors/wimse-error.ts'

/** How much a store in this process holds. */
export interface StoreCapacity {
  /** Live entries that are kept at most. When as many are live, new ones are refused: no live one is ever forgotten. */
  readonly capacity: number
  /** Live entries of one scope at most; half of `capacity` unless told, so that one sender alone can't keep all others out. */
  readonly capacityPerScope?: number
}

/** Texts by scope and identifier, each until it expires. */
export interface ExpiringEntries {
  readonly size: number
  /**
   * Keeps the value where there is none.
   *
   * @returns the value that was there; undefined when there was none
   * @throws WimseError `ERR_REPLAY_STORE_FULL`, `ERR_OPTIONS_INVALID`
   */
  add(entry: { readonly scope: string; readonly id: string; readonly expiresAt: number }, value: string, now: number): string | undefined
}

/** The live entries of one scope. */
interface LiveEntries {
  readonly scope: string
  readonly values: Map<string, string>
}

/**
 * A bounded set of entries in this process. Adding costs the same however many are live: they lie in one list per second of
 * expiry, and a call empties the lists of the seconds that have passed since the last one, each entry once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createExpiringEntries({ capacity, capacityPerScope = Math.ceil(capacity / 2) }: StoreCapacity): ExpiringEntries {
  if (!Number.isSafeInteger(capacity) || capacity < 1 || !Number.isSafeInteger(capacityPerScope) || capacityPerScope < 1) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'capacity of the replay store' })
  }
  const scopes = new Map<string, LiveEntries>()
  /** Live entries by the second in which they expire. */
  const buckets = new Map<number, { readonly live: LiveEntries; readonly id: string }[]>()
  let size = 0
  let sweptUntil = Number.NEGATIVE_INFINITY

  const forget = ({ scope, values }: LiveEntries, id: string): void => {
    if (!values.delete(id)) return
    size -= 1
    if (values.size === 0) scopes.delete(scope)
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
  /** Its text is kept once, however many entries it has: each entry comes with a text of its own. */
  const liveEntriesOf = (scope: string): LiveEntries => {
    const made = { scope, values: new Map<string, string>() }
    scopes.set(scope, made)
    return made
  }

  return {
    get size() {
      return size
    },
    add({ scope, id, expiresAt }, value, now) {
      // An entry without an end would never leave, one that is no number would leave at once.
      if (!Number.isFinite(expiresAt)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiry of a proof' })
      sweep(now)
      const there = scopes.get(scope)
      const known = there?.values.get(id)
      if (known !== undefined) return known
      if (size >= capacity || (there !== undefined && there.values.size >= capacityPerScope)) throw new WimseError('ERR_REPLAY_STORE_FULL')
      const live = there ?? liveEntriesOf(scope)
      live.values.set(id, value)
      const second = Math.max(Math.ceil(expiresAt), Math.floor(now) + 1)
      const bucket = buckets.get(second)
      if (bucket === undefined) buckets.set(second, [{ live, id }])
      else bucket.push({ live, id })
      size += 1
      return undefined
    },
  }
}
