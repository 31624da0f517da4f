import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DeliveryEntry, type DeliveryStore, inMemoryDeliveryStore } from '../src/index.ts'
import { codeOf } from './code-of.ts'

const NOW = 1_800_000_000
const claim = (store: DeliveryStore, change: Partial<DeliveryEntry> = {}, now = NOW): unknown =>
  store.claim({ scope: 'message:key-1', id: 'a', holder: 'jobs:1', expiresAt: NOW + 60, ...change }, now)

describe('in-memory delivery store', () => {
  it('tells the first delivery of a proof, another one of the same message, and a copy', () => {
    const store = inMemoryDeliveryStore({ capacity: 10 })
    expect(claim(store)).toBe('new')
    expect(claim(store)).toBe('same')
    expect(claim(store, { holder: 'jobs:2' })).toBe('other')
    // The copy has changed nothing.
    expect(claim(store)).toBe('same')
    expect(store.size).toBe(1)
  })

  it('keeps scopes and proofs apart', () => {
    const store = inMemoryDeliveryStore({ capacity: 10 })
    expect(claim(store)).toBe('new')
    expect(claim(store, { scope: 'message:key-2', holder: 'jobs:2' })).toBe('new')
    expect(claim(store, { id: 'b', holder: 'jobs:2' })).toBe('new')
  })

  it('knows an empty holder again', () => {
    const store = inMemoryDeliveryStore({ capacity: 10 })
    expect(claim(store, { holder: '' })).toBe('new')
    expect(claim(store, { holder: '' })).toBe('same')
    expect(claim(store)).toBe('other')
  })

  it('keeps a proof until it expires, however often it was delivered since', () => {
    const store = inMemoryDeliveryStore({ capacity: 10 })
    claim(store)
    claim(store, { expiresAt: NOW + 1000 }, NOW + 30)
    expect(claim(store, { holder: 'jobs:2' }, NOW + 59.9)).toBe('other')
    expect(claim(store, { holder: 'jobs:2', expiresAt: NOW + 120 }, NOW + 60)).toBe('new')
  })

  it('refuses new proofs when it is full, and still knows the live ones', () => {
    const store = inMemoryDeliveryStore({ capacity: 2, capacityPerScope: 2 })
    claim(store, { id: 'a' })
    claim(store, { id: 'b' })
    expect(codeOf(() => claim(store, { id: 'c' }))).toBe('ERR_REPLAY_STORE_FULL')
    expect(claim(store, { id: 'b' })).toBe('same')
    expect(claim(store, { id: 'b', holder: 'jobs:2' })).toBe('other')
    expect(claim(store, { id: 'c', expiresAt: NOW + 120 }, NOW + 60)).toBe('new')
  })

  it('gives one sender half of the room unless told', () => {
    const store = inMemoryDeliveryStore({ capacity: 2 })
    claim(store)
    expect(codeOf(() => claim(store, { id: 'b' }))).toBe('ERR_REPLAY_STORE_FULL')
    expect(claim(store, { scope: 'message:key-2' })).toBe('new')
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a capacity of %s', (capacity) => {
    expect(codeOf(() => inMemoryDeliveryStore({ capacity }))).toBe('ERR_OPTIONS_INVALID')
    expect(codeOf(() => inMemoryDeliveryStore({ capacity: 10, capacityPerScope: capacity }))).toBe('ERR_OPTIONS_INVALID')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a proof that expires at %s', (expiresAt) => {
    expect(codeOf(() => claim(inMemoryDeliveryStore({ capacity: 10 }), { expiresAt }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('gives any proof to its first holder, in whatever order deliveries come', () => {
    const delivery = fc.record({ id: fc.constantFrom('a', 'b'), holder: fc.constantFrom('jobs:1', 'jobs:2', '') })
    fc.assert(
      fc.property(fc.array(delivery), (deliveries) => {
        const store = inMemoryDeliveryStore({ capacity: 10 })
        const first = new Map<string, string>()
        for (const { id, holder } of deliveries) {
          const known = first.get(id)
          expect(claim(store, { id, holder })).toBe(known === undefined ? 'new' : known === holder ? 'same' : 'other')
          if (known === undefined) first.set(id, holder)
        }
      }),
    )
  })
})
