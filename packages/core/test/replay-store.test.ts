import { afterEach, describe, expect, it, vi } from 'vitest'
import { inMemoryReplayStore, type ReplayStore } from '../src/index.ts'
import { codeOf } from './code-of.ts'

const NOW = 1_800_000_000
const record = (store: ReplayStore, id: string, options: { scope?: string; expiresAt?: number; now?: number } = {}): unknown =>
  store.record({ scope: options.scope ?? 'wpt:key-1', id, expiresAt: options.expiresAt ?? NOW + 60 }, options.now ?? NOW)

afterEach(() => vi.restoreAllMocks())

describe('in-memory replay store', () => {
  it('WPT-2-38, SIG-3-41: takes a proof once', () => {
    const store = inMemoryReplayStore({ capacity: 10 })
    expect(record(store, 'a')).toBe(true)
    expect(record(store, 'a')).toBe(false)
    expect(record(store, 'a', { now: NOW + 59.9 })).toBe(false)
  })

  it('keeps scopes apart: another sender or kind of proof may use the same id', () => {
    const store = inMemoryReplayStore({ capacity: 10 })
    expect(record(store, 'a')).toBe(true)
    expect(record(store, 'a', { scope: 'wpt:key-2' })).toBe(true)
    expect(record(store, 'a', { scope: 'http-signature:key-1' })).toBe(true)
  })

  it('keeps a proof until it expires, not a second less', () => {
    const store = inMemoryReplayStore({ capacity: 10 })
    record(store, 'a', { expiresAt: NOW + 30.5 })
    expect(record(store, 'a', { expiresAt: NOW + 30.5, now: NOW + 30.4 })).toBe(false)
    expect(store.size).toBe(1)
    expect(record(store, 'b', { now: NOW + 31 })).toBe(true)
    expect(store.size).toBe(1)
  })

  it('WPT-2-38: refuses new proofs when it is full, and still knows the live ones', () => {
    const store = inMemoryReplayStore({ capacity: 3, capacityPerScope: 3 })
    for (const id of ['a', 'b', 'c']) record(store, id)
    expect(codeOf(() => record(store, 'd'))).toBe('ERR_REPLAY_STORE_FULL')
    for (const id of ['a', 'b', 'c']) expect(record(store, id)).toBe(false)
    expect(store.size).toBe(3)
  })

  it('has room again when proofs have expired', () => {
    const store = inMemoryReplayStore({ capacity: 2, capacityPerScope: 2 })
    record(store, 'a', { expiresAt: NOW + 10 })
    record(store, 'b', { expiresAt: NOW + 20 })
    expect(codeOf(() => record(store, 'c', { now: NOW + 9 }))).toBe('ERR_REPLAY_STORE_FULL')
    expect(record(store, 'c', { now: NOW + 10 })).toBe(true)
    expect(codeOf(() => record(store, 'd', { now: NOW + 10 }))).toBe('ERR_REPLAY_STORE_FULL')
  })

  it('gives one sender its share and no more', () => {
    const store = inMemoryReplayStore({ capacity: 10, capacityPerScope: 2 })
    record(store, 'a')
    record(store, 'b')
    expect(codeOf(() => record(store, 'c'))).toBe('ERR_REPLAY_STORE_FULL')
    expect(record(store, 'c', { scope: 'wpt:key-2' })).toBe(true)
    expect(record(store, 'c', { now: NOW + 60, expiresAt: NOW + 120 })).toBe(true)
  })

  it.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [10, 5],
  ])('with room for %i, one sender gets %i unless told: alone it keeps nobody else out', (capacity, share) => {
    const store = inMemoryReplayStore({ capacity })
    for (let index = 0; index < share; index += 1) expect(record(store, `${index}`)).toBe(true)
    expect(codeOf(() => record(store, 'more'))).toBe('ERR_REPLAY_STORE_FULL')
    expect(store.size).toBe(share)
    if (capacity > 1) expect(record(store, 'more', { scope: 'wpt:key-2' })).toBe(true)
  })

  it('remembers a proof that has expired already until the next second', () => {
    const store = inMemoryReplayStore({ capacity: 10 })
    expect(record(store, 'a', { expiresAt: NOW - 5 })).toBe(true)
    expect(record(store, 'a', { expiresAt: NOW - 5 })).toBe(false)
    record(store, 'b', { now: NOW + 1 })
    expect(store.size).toBe(1)
  })

  it('forgets nothing live when the clock goes back', () => {
    const store = inMemoryReplayStore({ capacity: 10 })
    record(store, 'a', { now: NOW })
    expect(record(store, 'a', { now: NOW - 1000 })).toBe(false)
    record(store, 'b', { now: NOW - 1000, expiresAt: NOW - 900 })
    expect(record(store, 'b', { now: NOW - 950, expiresAt: NOW - 900 })).toBe(false)
  })

  it('an id with the separator in it is no other id of another scope', () => {
    const store = inMemoryReplayStore({ capacity: 10, capacityPerScope: 1 })
    expect(record(store, 'a\u0000b', { scope: 's' })).toBe(true)
    expect(record(store, 'a\u0000b', { scope: 's' })).toBe(false)
    expect(record(store, 'c', { scope: 's', now: NOW + 60, expiresAt: NOW + 90 })).toBe(true)
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a capacity of %s', (capacity) => {
    expect(codeOf(() => inMemoryReplayStore({ capacity }))).toBe('ERR_OPTIONS_INVALID')
    expect(codeOf(() => inMemoryReplayStore({ capacity: 10, capacityPerScope: capacity }))).toBe('ERR_OPTIONS_INVALID')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a proof that expires at %s', (expiresAt) => {
    expect(codeOf(() => record(inMemoryReplayStore({ capacity: 10 }), 'a', { expiresAt }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('costs the same however many proofs are live: no step visits another live proof', () => {
    let visited = 0
    const counting = <T>(iterate: () => IterableIterator<T>): (() => IterableIterator<T>) =>
      function* (this: unknown) {
        for (const item of { [Symbol.iterator]: () => iterate.call(this) }) {
          visited += 1
          yield item
        }
      } as () => IterableIterator<T>
    const store = inMemoryReplayStore({ capacity: 200_000 })
    for (let index = 0; index < 50_000; index += 1) record(store, `warm-${index}`, { expiresAt: NOW + 100 })
    const map = Map.prototype[Symbol.iterator]
    const set = Set.prototype[Symbol.iterator]
    const array = Array.prototype[Symbol.iterator]
    try {
      Map.prototype[Symbol.iterator] = counting(map) as typeof map
      Set.prototype[Symbol.iterator] = counting(set) as typeof set
      Array.prototype[Symbol.iterator] = counting(array) as unknown as typeof array
      for (let index = 0; index < 1000; index += 1) record(store, `more-${index}`, { expiresAt: NOW + 100, now: NOW + index / 20 })
    } finally {
      Map.prototype[Symbol.iterator] = map
      Set.prototype[Symbol.iterator] = set
      Array.prototype[Symbol.iterator] = array
    }
    // 50 seconds pass and at most three seconds of expiry are known: one look at each of them per second, none at a proof.
    expect(visited).toBeLessThan(200)
    expect(store.size).toBe(51_000)
  })
})
