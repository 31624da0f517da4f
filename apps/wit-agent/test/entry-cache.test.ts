import { parseWorkloadIdentifier } from '@wimse/core'
import type { RegistrationEntry } from '@wimse/spire-api'
import { createTestRuntime } from '@wimse/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEntryCache } from '../src/spire/entry-cache.ts'

const runtime = createTestRuntime()
const orders = parseWorkloadIdentifier('spiffe://shop.example/orders')

function entry(id: string, change: Partial<RegistrationEntry> = {}): RegistrationEntry {
  return {
    id,
    spiffeId: orders,
    parentId: 'spiffe://shop.example/node',
    selectors: [],
    x509SvidTtlSeconds: 0,
    jwtSvidTtlSeconds: 0,
    federatesWith: [],
    dnsNames: [],
    hint: '',
    expiresAt: 0,
    ...change,
  }
}

function cacheOf(entries: readonly RegistrationEntry[]) {
  const cache = createEntryCache({ event: () => undefined }, runtime)
  cache.replace(entries)
  return cache
}

describe('the entries of an identifier', () => {
  it.each([
    ['the one without a hint', [entry('b', { hint: 'blue' }), entry('c')], undefined, 'c'],
    ['the first hint, where all have one', [entry('a', { hint: 'red' }), entry('b', { hint: 'blue' })], undefined, 'b'],
    ['the lowest id, where hints are equal', [entry('b'), entry('a')], undefined, 'a'],
    ['the hint that was asked for', [entry('a'), entry('b', { hint: 'blue' })], 'blue', 'b'],
    ['none, where no entry has the hint', [entry('a')], 'blue', undefined],
    ['none that has ended', [entry('a', { expiresAt: runtime.now() / 1000 }), entry('b', { hint: 'x' })], undefined, 'b'],
    ['one that ends later', [entry('a', { expiresAt: runtime.now() / 1000 + 1 })], undefined, 'a'],
    ['none of another identifier', [entry('a', { spiffeId: 'spiffe://shop.example/orders2' })], undefined, undefined],
  ])('give %s', (_title, entries, hint, id) => {
    expect(cacheOf(entries).find(orders, hint)?.id).toBe(id)
  })

  it('give the same whatever order the server lists them in', () => {
    const entries = ['d', 'b', 'a', 'c'].map((id, index) => entry(id, { hint: index % 2 === 0 ? 'x' : '' }))
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => cacheOf(shuffled).find(orders)?.id === 'b'),
    )
  })
})
