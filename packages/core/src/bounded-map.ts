import { WimseError } from './errors/wimse-error.ts'

/** A map of at most so many entries: a new one beyond that takes the place of the oldest. */
export interface BoundedMap<T> {
  readonly size: number
  get(key: string): T | undefined
  /** A key that is there keeps its age. */
  set(key: string, value: T): void
  delete(key: string): void
}

interface Entry<T> {
  value: T
  /** Its place in the order of arrival. */
  readonly slot: number
}

/**
 * Makes a bounded map whose every operation costs the same: the order is a ring of keys, since finding the oldest key of a `Map` that has
 * lost many means passing over all of their places. A capacity of 0 keeps nothing.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a capacity that is no whole number or less than 0
 */
export function createBoundedMap<T>(capacity: number): BoundedMap<T> {
  if (!Number.isSafeInteger(capacity) || capacity < 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'capacity' })
  const entries = new Map<string, Entry<T>>()
  const ring: string[] = []
  let next = 0
  return {
    get size() {
      return entries.size
    },
    get: (key) => entries.get(key)?.value,
    set(key, value) {
      if (capacity === 0) return
      const known = entries.get(key)
      if (known !== undefined) {
        known.value = value
        return
      }
      const oldest = ring[next]
      // A key that was deleted, or that has come again since, isn't the one of this place any more.
      if (oldest !== undefined && entries.get(oldest)?.slot === next) entries.delete(oldest)
      ring[next] = key
      entries.set(key, { value, slot: next })
      next = (next + 1) % capacity
    },
    delete(key) {
      entries.delete(key)
    },
  }
}
