import { describe, expect, it } from 'vitest'
import { type GrantUseClaim, type GrantUseOutcome, inMemoryGrantUseStore, requireUse } from '../src/index.ts'
import { codeOf, NOW } from './support/world.ts'

const one: GrantUseClaim = { grant: 'a', use: '', uses: 1, maxTakeovers: 1, leaseUntil: NOW + 60, expiresAt: NOW + 3600 }

describe('uses of grants in memory', () => {
  it('are leases: held until their end, then taken over, as often as that may be', () => {
    const store = inMemoryGrantUseStore({ capacity: 10 })
    expect(store.claim(one, NOW)).toBe('new')
    expect(store.claim(one, NOW + 59.9)).toBe('held')
    expect(store.claim({ ...one, leaseUntil: NOW + 120 }, NOW + 60)).toBe('taken over')
    expect(store.claim(one, NOW + 119)).toBe('held')
    expect(store.claim(one, NOW + 120)).toBe('spent')
    expect(store.claim({ ...one, maxTakeovers: 2 }, NOW + 120)).toBe('taken over')
  })

  it('are finished for ever, whatever their lease', () => {
    const store = inMemoryGrantUseStore({ capacity: 10 })
    expect(store.finish(one)).toBe(false)
    store.claim(one, NOW)
    expect(store.finish({ grant: 'a', use: 'x' })).toBe(false)
    expect([store.finish(one), store.finish(one)]).toEqual([true, true])
    expect(store.claim(one, NOW + 1)).toBe('finished')
    expect(store.claim(one, NOW + 600)).toBe('finished')
  })

  it('are as many as the grant has, by their names, and no more', () => {
    const store = inMemoryGrantUseStore({ capacity: 10 })
    const several = { ...one, uses: 2 }
    expect(['x', 'y', 'z', 'x'].map((use) => store.claim({ ...several, use }, NOW))).toEqual(['new', 'new', 'exhausted', 'held'])
    store.finish({ grant: 'a', use: 'x' })
    expect(store.claim({ ...several, use: 'z' }, NOW + 100)).toBe('exhausted')
    expect(store.claim({ ...several, use: 'y' }, NOW + 100)).toBe('taken over')
    expect(store.claim({ ...several, grant: 'b', use: 'z' }, NOW)).toBe('new')
  })

  it('are forgotten when their grants have ended, and none before', async () => {
    const store = inMemoryGrantUseStore({ capacity: 2 })
    store.claim({ ...one, uses: 2, use: 'x' }, NOW)
    store.claim({ ...one, uses: 2, use: 'y' }, NOW)
    expect(await codeOf(() => store.claim({ ...one, grant: 'b' }, NOW))).toBe('ERR_REPLAY_STORE_FULL')
    expect(await codeOf(() => store.claim({ ...one, grant: 'b' }, NOW + 3599))).toBe('ERR_REPLAY_STORE_FULL')
    expect(store.claim({ ...one, uses: 2, use: 'x', maxTakeovers: 9 }, NOW + 3599)).toBe('taken over')
    expect(store.claim({ ...one, grant: 'b', expiresAt: NOW + 9000 }, NOW + 4800)).toBe('new')
    expect(store.size).toBe(1)
  })

  it.each([0, -1, 1.5, Number.NaN])('have no room for %s', async (capacity) => {
    expect(await codeOf(() => inMemoryGrantUseStore({ capacity }))).toBe('ERR_OPTIONS_INVALID')
  })

  it.each(['leaseUntil', 'expiresAt'] as const)('are refused without a number as %s', async (name) => {
    const store = inMemoryGrantUseStore({ capacity: 1 })
    expect(await codeOf(() => store.claim({ ...one, [name]: Number.NaN }, NOW))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(() => store.claim(one, Number.NaN))).toBe('ERR_OPTIONS_INVALID')
    expect(store.size).toBe(0)
  })

  it.each([
    ['new', 'ok'],
    ['taken over', 'ok'],
    ['held', 'ERR_EXCHANGE_GRANT_HELD'],
    ['finished', 'ERR_EXCHANGE_GRANT_REPLAYED'],
    ['spent', 'ERR_EXCHANGE_GRANT_TAKEOVERS'],
    ['exhausted', 'ERR_EXCHANGE_GRANT_EXHAUSTED'],
  ] as readonly (readonly [GrantUseOutcome, string])[])('that are %s end in %s', async (outcome, code) => {
    expect(await codeOf(() => requireUse(outcome))).toBe(code)
  })
})
