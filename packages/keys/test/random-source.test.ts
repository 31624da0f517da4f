import { describe, expect, it } from 'vitest'
import { createRandomSource } from '../src/random-source.ts'

/** Fills with the numbers of the octets: what is given out twice shows. */
function counting(): { readonly fill: (octets: Uint8Array) => void; readonly drawn: Uint8Array[] } {
  const drawn: Uint8Array[] = []
  let next = 0
  return {
    drawn,
    fill(octets) {
      drawn.push(octets)
      for (let index = 0; index < octets.length; index += 1) {
        octets[index] = next % 251
        next += 1
      }
    },
  }
}

describe('createRandomSource', () => {
  it('gives each octet out once, in values of any length, and none is lost inside of a draw', () => {
    const { fill, drawn } = counting()
    const random = createRandomSource(fill)
    const taken: number[] = []
    for (let round = 0; round < 16; round += 1) taken.push(...random(16), ...random(32))
    expect(taken).toEqual(taken.map((_octet, index) => index % 251))
    expect(drawn).toHaveLength(1)
  })

  it('draws again before the rest is too short for a value', () => {
    const { fill, drawn } = counting()
    const random = createRandomSource(fill)
    const values = Array.from({ length: 200 }, () => random(60))
    expect(values.every((value) => value.length === 60 && new Set(value).size === 60)).toBe(true)
    expect(drawn.length).toBeGreaterThan(1)
  })

  it('keeps nothing of what it gave out', () => {
    const { fill, drawn } = counting()
    const random = createRandomSource(fill)
    const value = random(40)
    expect(drawn[0]?.subarray(0, 40)).toEqual(new Uint8Array(40))
    value.fill(9)
    expect([...random(1)]).toEqual([40])
  })

  it('draws large values by themselves', () => {
    const { fill, drawn } = counting()
    const random = createRandomSource(fill)
    const large = random(5000)
    expect(large).toHaveLength(5000)
    expect(drawn).toEqual([large])
  })

  it('gives nothing where the generator fails, and nothing twice afterwards', () => {
    const { fill } = counting()
    let fails = true
    const random = createRandomSource((octets) => {
      fill(octets)
      if (fails) throw new Error('no entropy')
    })
    expect(() => random(16)).toThrow('no entropy')
    expect(() => random(16)).toThrow('no entropy')
    fails = false
    const first = random(16)
    expect([...random(16)]).toEqual([...first].map((octet) => (octet + 16) % 251))
  })

  it.each([-1, 1.5, Number.NaN])('takes no part of a draw for a length of %s', (length) => {
    const { fill } = counting()
    const random = createRandomSource(fill)
    const before = [...random(4)]
    try {
      expect(random(length).length).toBeLessThanOrEqual(1)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
    }
    const after = [...random(4)]
    expect(after.some((octet) => before.includes(octet))).toBe(false)
  })

  it('gives an empty value without a draw', () => {
    const { fill, drawn } = counting()
    expect(createRandomSource(fill)(0)).toHaveLength(0)
    expect(drawn).toHaveLength(0)
  })
})
