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
  /** Live entries by scope. */
  const scopes = new Map<string, Map<string, string>>()
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
    add({ scope, id, expiresAt }, value, now) {
      // An entry without an end would never leave, one that is no number would leave at once.
      if (!Number.isFinite(expiresAt)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiry of a proof' })
      sweep(now)
      const live = scopes.get(scope)
      const known = live?.get(id)
      if (known !== undefined) return known
      if (size >= capacity || (live !== undefined && live.size >= capacityPerScope)) throw new WimseError('ERR_REPLAY_STORE_FULL')
      if (live === undefined) scopes.set(scope, new Map([[id, value]]))
      else live.set(id, value)
      const second = Math.max(Math.ceil(expiresAt), Math.floor(now) + 1)
      const bucket = buckets.get(second)
      if (bucket === undefined) buckets.set(second, [{ scope, id }])
      else bucket.push({ scope, id })
      size += 1
      return undefined
    },
  }
}
