import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scopeTextOf, scopeValuesOf } from '../src/index.ts'

describe('a scope', () => {
  it.each([
    ['orders:place', ['orders:place']],
    ['a B c', ['a', 'B', 'c']],
    ['a a', ['a', 'a']],
    ["!#[]~'", ["!#[]~'"]],
  ])('RFC 6749 section 3.3: %j has its values in order', (text, values) => {
    expect(scopeValuesOf(text)).toEqual(values)
    expect(scopeTextOf(values)).toBe(text)
  })

  it.each([undefined, null, 1, [], ['a'], '', ' ', ' a', 'a ', 'a  b', 'a\tb', 'a\nb', 'a"', 'a\\b', 'ü', '\u0000'])(
    'RFC 6749 section 3.3: %j is none',
    (text) => {
      expect(scopeValuesOf(text)).toBeUndefined()
    },
  )

  it.each<readonly [string, unknown]>([
    ['no value', []],
    ['an empty value', ['a', '']],
    ['a value with a space', ['a b']],
    ['a value with a quotation mark', ['"']],
    ['a value that is no text', [1]],
    ['no list', 'a'],
  ])('RFC 6749 section 3.3: %s has no text', (_title, values) => {
    expect(scopeTextOf(values as readonly string[])).toBeUndefined()
  })

  it('is the same after reading and writing', () => {
    const value = fc.string({ minLength: 1 }).filter((text) => scopeTextOf([text]) !== undefined)
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), (values) => {
        expect(scopeValuesOf(scopeTextOf(values))).toEqual(values)
      }),
    )
  })
})
