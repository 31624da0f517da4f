import { isWimseError } from '@wimse/core'
import { openRedis } from '@wimse/replay-redis'
import { findRedis, startRedisServer } from '@wimse/replay-redis/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { parseTokenServiceConfig } from '../src/index.ts'
import type { RevocationStore } from '../src/revocation/revocation.ts'
import { memoryRevocations } from '../src/state/memory-revocations.ts'
import { redisRevocations } from '../src/state/redis-revocations.ts'
import { bankConfig } from './harness.ts'

const NOW = 1_900_000_000
const found = await findRedis()
const one = { kind: 'subject', hash: 'A'.repeat(43) } as const
const two = { kind: 'token', hash: 'A'.repeat(43) } as const
const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function onRedis(capacity: number): Promise<RevocationStore> {
  const server = await startRedisServer()
  closers.push(() => server.close())
  const connection = await openRedis({ url: server.url, timeoutMs: 5000 })
  closers.push(() => connection.close())
  return redisRevocations({ connection, key: 'revoked', capacity })
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
  ['memory', async (capacity: number) => memoryRevocations(capacity)],
  ['Redis', onRedis],
] as const)('revocations in %s', (name, open) => {
  it.skipIf(name === 'Redis' && 'missing' in found)('stand until their end, the later of two, and no longer', async () => {
    const store = await open(10)
    expect(await store.find([one, two], NOW)).toBeUndefined()
    await store.record({ ...one, until: NOW + 60 }, NOW, 'operator')
    await store.record({ ...one, until: NOW + 30 }, NOW, 'operator')
    expect(await store.find([two, one], NOW + 59)).toEqual(one)
    expect(await store.find([two], NOW)).toBeUndefined()
    expect(await store.find([one], NOW + 60)).toBeUndefined()
    expect(await store.list(NOW)).toEqual([{ ...one, until: NOW + 60 }])
    expect(await store.list(NOW + 60)).toEqual([])
  })

  it.skipIf(name === 'Redis' && 'missing' in found)('can be withdrawn, and none that stands makes room', async () => {
    const store = await open(1)
    await store.record({ ...one, until: NOW + 60 }, NOW, 'operator')
    expect(await codeOf(() => store.record({ ...two, until: NOW + 60 }, NOW, 'operator'))).toBe('ERR_REPLAY_STORE_FULL')
    await store.record({ ...one, until: NOW + 90 }, NOW, 'operator')
    expect(await store.withdraw(one)).toBe(true)
    expect(await store.withdraw(one)).toBe(false)
    await store.record({ ...two, until: NOW + 60 }, NOW, 'operator')
    await store.record({ ...one, until: NOW + 90 }, NOW + 60, 'operator')
    expect(await store.find([two, one], NOW + 61)).toEqual(one)
  })

  it.skipIf(name === 'Redis' && 'missing' in found)('leave half of the room to operators, however much clients give up', async () => {
    const store = await open(4)
    const hashes = ['B', 'C', 'D', 'E', 'F'].map((letter) => ({ kind: 'token', hash: letter.repeat(43), until: NOW + 60 }) as const)
    const [first, second, third, ...rest] = hashes
    for (const given of [first, second]) if (given !== undefined) await store.record(given, NOW, 'client')
    if (third === undefined) throw new Error('hashes')
    expect(await codeOf(() => store.record(third, NOW, 'client'))).toBe('ERR_REPLAY_STORE_FULL')
    for (const stopped of rest) await store.record(stopped, NOW, 'operator')
    expect(await codeOf(() => store.record(third, NOW, 'operator'))).toBe('ERR_REPLAY_STORE_FULL')
    await store.record(third, NOW + 60, 'client')
  })
})

it.each([
  ['no address', {}],
  ['two addresses', { url: 'redis://127.0.0.1', urlFile: '/a' }],
  ['one in the clear beyond loopback', { url: 'redis://redis.shop.example' }],
  ['one that is none', { url: 'http://127.0.0.1' }],
  ['a misspelled option', { url: 'redis://127.0.0.1', prefixes: 'a' }],
])('a configuration of Redis is refused with %s', async (_title, redis) => {
  expect(await codeOf(() => parseTokenServiceConfig({ ...bankConfig(), state: { redis } }))).toBe('ERR_OPTIONS_INVALID')
})
