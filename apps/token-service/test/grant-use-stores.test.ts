import { isWimseError } from '@wimse/core'
import { openRedis, type RedisConnection } from '@wimse/replay-redis'
import { findRedis, startRedisServer } from '@wimse/replay-redis/testing'
import { type GrantUseClaim, type GrantUseStore, inMemoryGrantUseStore } from '@wimse/token-exchange'
import { afterEach, describe, expect, it } from 'vitest'
import { redisGrantUses } from '../src/state/redis-grant-uses.ts'

const NOW = 1_900_000_000.25
const found = await findRedis()
const claim: GrantUseClaim = { grant: 'A'.repeat(43), use: '', uses: 1, maxTakeovers: 1, leaseUntil: NOW + 60, expiresAt: NOW + 3600 }
const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function connect(): Promise<RedisConnection> {
  const server = await startRedisServer()
  closers.push(() => server.close())
  const connection = await openRedis({ url: server.url, timeoutMs: 5000 })
  closers.push(() => connection.close())
  return connection
}

async function codeOf(step: () => unknown): Promise<unknown> {
  try {
    return await step()
  } catch (error) {
    if (isWimseError(error)) return error.code
    throw error
  }
}

describe.each([
  ['memory', async (): Promise<GrantUseStore> => inMemoryGrantUseStore({ capacity: 100 })],
  ['Redis', async (): Promise<GrantUseStore> => redisGrantUses({ connection: await connect(), prefix: 'use:' })],
] as const)('uses in %s', (name, open) => {
  it.skipIf(name === 'Redis' && 'missing' in found)('go the same way', async () => {
    const store = await open()
    const steps: readonly (readonly [Partial<GrantUseClaim>, number, string])[] = [
      [{}, 0, 'new'],
      [{}, 59.5, 'held'],
      [{ leaseUntil: NOW + 120 }, 60, 'taken over'],
      [{}, 119, 'held'],
      [{}, 120, 'spent'],
      [{ use: 'x' }, 120, 'exhausted'],
      [{ use: 'a b:c*', uses: 2 }, 120, 'new'],
      [{ use: 'y', uses: 2 }, 120, 'exhausted'],
      [{ grant: 'B', uses: 1 }, 120, 'new'],
    ]
    for (const [changes, after, outcome] of steps) expect(await store.claim({ ...claim, ...changes }, NOW + after)).toBe(outcome)
    expect(await store.finish({ grant: claim.grant, use: 'y' })).toBe(false)
    expect(await store.finish({ grant: claim.grant, use: '' })).toBe(true)
    expect(await store.claim({ ...claim, maxTakeovers: 9 }, NOW + 600)).toBe('finished')
  })

  it.skipIf(name === 'Redis' && 'missing' in found)('are refused without an end', async () => {
    const store = await open()
    for (const changes of [{ leaseUntil: Number.NaN }, { expiresAt: Number.POSITIVE_INFINITY }]) {
      expect(await codeOf(() => store.claim({ ...claim, ...changes }, NOW))).toBe('ERR_OPTIONS_INVALID')
    }
  })
})

describe.skipIf('missing' in found)('uses in Redis', () => {
  it('are forgotten after their grant, and none of what is there names one', async () => {
    const connection = await connect()
    const store = redisGrantUses({ connection, prefix: 'use:' })
    await store.claim(claim, NOW)
    const [life, kind] = await connection.send([
      ['PTTL', `use:${claim.grant}`],
      ['TYPE', `use:${claim.grant}`],
    ])
    expect(kind).toBe('hash')
    expect(Number(life)).toBeGreaterThan(3600 * 1000)
    expect(Number(life)).toBeLessThanOrEqual(3660 * 1000)
  })

  it('go to one of many at the same moment', async () => {
    const connection = await connect()
    const stores = [1, 2].map(() => redisGrantUses({ connection, prefix: 'use:' }))
    const asked = Array.from({ length: 50 }, (_, index) => stores[index % 2]?.claim(claim, NOW))
    const outcomes = await Promise.all(asked)
    expect(outcomes.filter((outcome) => outcome === 'new')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(49)
  })

  it('count only when the replicas have them', async () => {
    const store = redisGrantUses({ connection: await connect(), prefix: 'use:', wait: { replicas: 1, timeoutMs: 10 } })
    expect(await codeOf(() => store.claim(claim, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
  })

  it('are refused where something else is in their place', async () => {
    const connection = await connect()
    const store = redisGrantUses({ connection, prefix: 'use:' })
    await connection.send([['SET', 'use:text', 'x']])
    await connection.send([['HSET', 'use:hash', '', 'x']])
    for (const grant of ['text', 'hash']) {
      expect(await codeOf(() => store.claim({ ...claim, grant }, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    }
  })
})
