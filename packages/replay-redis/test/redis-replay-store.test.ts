import { defaultRuntime } from '@wimse/keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redisReplayStore } from '../src/index.ts'
import { codeOf, connect, missing, NOW, redis } from './support.ts'

const scope = 'wpt:key'
const expiresAt = NOW + 60

describe.skipIf(missing !== undefined)(`a replay store on Redis${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('WPT-2-38, SIG-3-41: takes a proof once, and others of the same sender and of others', async () => {
    const connection = await connect(await redis())
    const store = await redisReplayStore({ connection, prefix: 'a:' })
    expect(await store.record({ scope, id: 'one', expiresAt }, NOW)).toBe(true)
    expect(await store.record({ scope, id: 'one', expiresAt }, NOW)).toBe(false)
    expect(await store.record({ scope, id: 'two', expiresAt }, NOW)).toBe(true)
    expect(await store.record({ scope: 'wpt:other', id: 'one', expiresAt }, NOW)).toBe(true)
    const other = await redisReplayStore({ connection, prefix: 'b:' })
    expect(await other.record({ scope, id: 'one', expiresAt }, NOW)).toBe(true)
  })

  it('WPT-2-38: of many records of one proof at the same moment, from two instances, one is new', async () => {
    const server = await redis()
    const stores = await Promise.all([1, 2].map(async () => redisReplayStore({ connection: await connect(server), prefix: 'a:' })))
    for (let round = 0; round < 20; round += 1) {
      const entry = { scope, id: `round ${round}`, expiresAt }
      const answers = await Promise.all(Array.from({ length: 25 }).flatMap(() => stores.map((store) => store.record(entry, NOW))))
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(answers).toHaveLength(50)
    }
  })

  it.each([
    ['a proof of a minute', 60, {}, 120_000],
    ['no skew of clocks', 60, { clockSkewSeconds: 0 }, 60_000],
    ['a proof that ends now', 0, { clockSkewSeconds: 0 }, 1000],
    ['a proof that has ended', -60, {}, 1000],
  ])('keeps it as long as any instance could take it: %s', async (_title, seconds, options, lifeMs) => {
    const connection = await connect(await redis())
    const store = await redisReplayStore({ connection, prefix: 'a:', ...options })
    await store.record({ scope, id: 'one', expiresAt: NOW + seconds }, NOW)
    const [keys] = await connection.send([['KEYS', '*']])
    const [left] = await connection.send([['PTTL', String(Array.isArray(keys) ? keys[0] : '')]])
    expect(Number(left)).toBeLessThanOrEqual(lifeMs)
    expect(Number(left)).toBeGreaterThan(lifeMs - 900)
  })

  it('leaves nothing in Redis that could be used', async () => {
    const connection = await connect(await redis())
    const store = await redisReplayStore({ connection, prefix: 'wimse:' })
    await store.record({ scope, id: 'the-jti', expiresAt }, NOW)
    const [keys] = await connection.send([['KEYS', '*']])
    expect(keys).toEqual([expect.stringMatching(/^wimse:[A-Za-z0-9_-]{43}$/)])
    expect(await connection.send([['GET', String(Array.isArray(keys) && keys[0])]])).toEqual(['1'])
  })

  it('tells any two proofs apart, and knows each again', async () => {
    const store = await redisReplayStore({ connection: await connect(await redis()), prefix: 'a:' })
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    let run = 0
    await fc.assert(
      fc.asyncProperty(text, text, text, async (first, second, third) => {
        run += 1
        const at = `${run}:`
        expect(await store.record({ scope: at + first, id: second + third, expiresAt }, NOW)).toBe(true)
        expect(await store.record({ scope: at + first, id: second + third, expiresAt }, NOW)).toBe(false)
        if (second !== '') expect(await store.record({ scope: at + first + second, id: third, expiresAt }, NOW)).toBe(true)
      }),
    )
  })

  it.each([
    ['expiry of a proof', Number.POSITIVE_INFINITY, 'ERR_OPTIONS_INVALID'],
    ['no number', Number.NaN, 'ERR_OPTIONS_INVALID'],
    ['an end that Redis can not count to', 1e300, 'ERR_REPLAY_STORE_UNAVAILABLE'],
  ])('refuses a proof without an end: %s', async (_title, end, code) => {
    const store = await redisReplayStore({ connection: await connect(await redis()), prefix: 'a:' })
    expect(await codeOf(store.record({ scope, id: 'one', expiresAt: end }, NOW))).toBe(code)
  })

  it('waits for replicas where told, and refuses a proof that too few have', async () => {
    const primary = await redis(['--repl-diskless-sync-delay', '0'])
    const replica = await redis(['--replicaof', '127.0.0.1', String(primary.port)])
    const operator = await connect(replica)
    while (!String(await operator.send([['INFO', 'replication']])).includes('master_link_status:up')) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    const options = { url: primary.url, prefix: 'a:', timeoutMs: 2000, waitForReplicas: { replicas: 1, timeoutMs: 1000 } }
    const store = await redisReplayStore(options)
    try {
      expect(await store.record({ scope, id: 'one', expiresAt }, NOW)).toBe(true)
      expect(await store.record({ scope, id: 'one', expiresAt }, NOW)).toBe(false)
      // What the primary said is known where a failover would lead to.
      expect(await operator.send([['DBSIZE']])).toEqual([1])
      await replica.kill()
      expect(await codeOf(store.record({ scope, id: 'two', expiresAt }, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    } finally {
      await store.close()
    }
  })

  it.each([
    ['no prefix', { prefix: '' }],
    ['a skew that is no number', { clockSkewSeconds: Number.NaN }],
    ['no replicas to wait for', { waitForReplicas: { replicas: 0 } }],
    ['a wait without an end', { waitForReplicas: { replicas: 1, timeoutMs: 0 } }],
    ['a wait that is longer than the timeout', { waitForReplicas: { replicas: 1, timeoutMs: 500 } }],
  ])('refuses options: %s', async (_title, change) => {
    const connection = { send: async () => [], close: async () => undefined }
    expect(await codeOf(redisReplayStore({ connection, prefix: 'a:', ...change }))).toBe('ERR_OPTIONS_INVALID')
  })
})

it.each([['nothing'], [1], ['QUEUED'], [undefined], [['OK']]])(
  'takes no reply but the two that it knows for an answer: %j',
  async (reply) => {
    const connection = { send: async () => [reply], close: async () => undefined }
    const store = await redisReplayStore({ connection, prefix: 'a:', runtime: defaultRuntime() })
    expect(await codeOf(store.record({ scope, id: 'one', expiresAt }, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
  },
)
