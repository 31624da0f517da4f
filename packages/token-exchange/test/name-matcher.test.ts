import { describe, expect, it } from 'vitest'
import { createNameMatcher } from '../src/index.ts'
import { codeOf } from './support/world.ts'

describe('names of a rule', () => {
  it.each<readonly [rules: readonly string[], fits: readonly string[], others: readonly string[]]>([
    [['alice'], ['alice'], ['Alice', 'alice2', '', '*']],
    [['*'], ['alice', 'spiffe://shop.example/orders'], []],
    [
      ['spiffe://shop.example/batch/*', 'job:x'],
      ['spiffe://shop.example/batch/a/b', 'job:x'],
      ['spiffe://shop.example/batch', 'job:y'],
    ],
    [
      ['spiffe://shop.example/*'],
      ['spiffe://shop.example/a'],
      ['spiffe://shop.example.evil/a', 'spiffe://shop.example/../a', 'user:spiffe://shop.example/a'],
    ],
    [[], [], ['alice', '*', '']],
  ])('%j: fit %j and not %j', (rules, fits, others) => {
    const matches = createNameMatcher(rules)
    expect(fits.map(matches)).toEqual(fits.map(() => true))
    expect(others.map(matches)).toEqual(others.map(() => false))
  })

  it.each([[['*/*']], [['*', 'a/*']], [['spiffe://*/a/*']]])('%j are refused', async (rules) => {
    expect(await codeOf(() => createNameMatcher(rules))).toBe('ERR_IDENTIFIER_PATTERN')
  })
})
