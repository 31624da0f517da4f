import { createBoundedMap, WimseError } from '@wimse/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('a bounded map', () => {
  it('gives what was set, until it is deleted', () => {
    const map = createBoundedMap<number>(2)
    map.set('a', 1)
    expect(map.get('a')).toBe(1)
    map.set('a', 2)
    expect(map.get('a')).toBe(2)
    map.delete('a')
    expect(map.get('a')).toBeUndefined()
    expect(map.size).toBe(0)
  })

  it('lets the oldest make room', () => {
    const map = createBoundedMap<number>(2)
    for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value)
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, 1, 2])
  })

  it('does not mistake a key that came again for the old one', () => {
    const map = createBoundedMap<number>(2)
    map.set('a', 1)
    map.delete('a')
    map.set('a', 2)
    map.set('b', 3)
    expect(['a', 'b'].map((key) => map.get(key))).toEqual([2, 3])
  })

  it('keeps nothing with a capacity of 0', () => {
    const map = createBoundedMap<number>(0)
    map.set('a', 1)
    expect([map.get('a'), map.size]).toEqual([undefined, 0])
  })

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a capacity of %s', (capacity) => {
    expect(() => createBoundedMap(capacity)).toThrowError(WimseError)
  })

  it('never holds more than its capacity, and always the newest', () => {
    const step = fc.record({ key: fc.constantFrom(...'abcdefgh'), remove: fc.boolean() })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
        const map = createBoundedMap<number>(capacity)
        for (const [index, { key, remove }] of steps.entries()) {
          if (remove) map.delete(key)
          else map.set(key, index)
          expect(map.get(key)).toBe(remove ? undefined : index)
          expect(map.size).toBeLessThanOrEqual(capacity)
        }
      }),
    )
  })
})
