import { describe, expect, it } from 'vitest'
import { redisDeliveryStore, redisReplayStore } from '../src/index.ts'
import { codeOf, connect, missing, NOW, redis } from './support.ts'

const entry = { scope: 'message:key', id: 'one', holder: 'jobs:1', expiresAt: NOW + 60 }

describe.skipIf(missing !== undefined)(`a delivery store on Redis${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('tells the first delivery of a proof, another one of the same message, and a copy', async () => {
    const connection = await connect(await redis())
    const store = await redisDeliveryStore({ connection, prefix: 'a:' })
    expect(await store.claim(entry, NOW)).toBe('new')
    expect(await store.claim(entry, NOW)).toBe('same')
    expect(await store.claim({ ...entry, holder: 'jobs:2' }, NOW)).toBe('other')
    // The copy has changed nothing.
    expect(await store.claim(entry, NOW)).toBe('same')
    expect(await store.claim({ ...entry, id: 'two', holder: 'jobs:2' }, NOW)).toBe('new')
    expect(await store.claim({ ...entry, scope: 'message:other', holder: 'jobs:2' }, NOW)).toBe('new')
    const other = await redisDeliveryStore({ connection, prefix: 'b:' })
    expect(await other.claim({ ...entry, holder: 'jobs:2' }, NOW)).toBe('new')
  })

  it('of many claims at the same moment, from two instances, gives a proof to one message and knows its deliveries', async () => {
    const server = await redis()
    const stores = await Promise.all([1, 2].map(async () => redisDeliveryStore({ connection: await connect(server), prefix: 'a:' })))
    for (let round = 0; round < 20; round += 1) {
      const claims = Array.from({ length: 20 }, (_, index) => ({ ...entry, id: `round ${round}`, holder: `jobs:${index % 5}` }))
      const answers = await Promise.all(
        claims.flatMap((claim) => stores.map(async (store) => ({ holder: claim.holder, kind: await store.claim(claim, NOW) }))),
      )
      const winner = answers.filter(({ kind }) => kind === 'new')
      expect(winner).toHaveLength(1)
      expect(answers.filter(({ holder }) => holder === winner[0]?.holder).filter(({ kind }) => kind === 'same')).toHaveLength(7)
      expect(answers.filter(({ kind }) => kind === 'other')).toHaveLength(32)
    }
  })

  it('keeps a proof as long as any instance could take it, and no delivery prolongs it', async () => {
    const connection = await connect(await redis())
    const store = await redisDeliveryStore({ connection, prefix: 'a:' })
    await store.claim(entry, NOW)
    await store.claim({ ...entry, expiresAt: NOW + 6000 }, NOW)
    const [keys] = await connection.send([['KEYS', '*']])
    const [left] = await connection.send([['PTTL', String(Array.isArray(keys) && keys[0])]])
    expect(Number(left)).toBeLessThanOrEqual(120_000)
    expect(Number(left)).toBeGreaterThan(119_000)
  })

  it('leaves nothing in Redis that could be used or names anybody', async () => {
    const connection = await connect(await redis())
    const store = await redisDeliveryStore({ connection, prefix: 'wimse:' })
    await store.claim(entry, NOW)
    const [keys] = await connection.send([['KEYS', '*']])
    expect(keys).toEqual([expect.stringMatching(/^wimse:[A-Za-z0-9_-]{43}$/)])
    const [value] = await connection.send([['GET', String(Array.isArray(keys) && keys[0])]])
    expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it('refuses what is in the place of a holder and is none', async () => {
    const connection = await connect(await redis())
    const proofs = await redisReplayStore({ connection, prefix: 'a:' })
    const store = await redisDeliveryStore({ connection, prefix: 'a:' })
    await proofs.record(entry, NOW)
    expect(await codeOf(store.claim(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a proof that expires at %s', async (expiresAt) => {
    const store = await redisDeliveryStore({ connection: await connect(await redis()), prefix: 'a:' })
    expect(await codeOf(store.claim({ ...entry, expiresAt }, NOW))).toBe('ERR_OPTIONS_INVALID')
  })

  it('refuses without a connection, and says that there is no room', async () => {
    const server = await redis()
    const store = await redisDeliveryStore({ url: server.url, prefix: 'a:' })
    try {
      const operator = await connect(server)
      await operator.send([['CONFIG', 'SET', 'maxmemory', '1']])
      expect(await codeOf(store.claim(entry, NOW))).toBe('ERR_REPLAY_STORE_FULL')
      await server.kill()
      expect(await codeOf(store.claim(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    } finally {
      await store.close()
    }
  })

  it('waits for replicas where told, for a message that is delivered again as well', async () => {
    const primary = await redis(['--repl-diskless-sync-delay', '0'])
    const replica = await redis(['--replicaof', '127.0.0.1', String(primary.port)])
    const operator = await connect(replica)
    while (!String(await operator.send([['INFO', 'replication']])).includes('master_link_status:up')) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    const options = { url: primary.url, prefix: 'a:', timeoutMs: 2000, waitForReplicas: { replicas: 1, timeoutMs: 1000 } }
    const store = await redisDeliveryStore(options)
    try {
      expect(await store.claim(entry, NOW)).toBe('new')
      expect(await store.claim(entry, NOW)).toBe('same')
      expect(await operator.send([['DBSIZE']])).toEqual([1])
      await replica.kill()
      expect(await codeOf(store.claim({ ...entry, id: 'two' }, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
      // Its entry is in the primary by now, and nowhere else.
      expect(await codeOf(store.claim({ ...entry, id: 'two' }, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
      expect(await store.claim({ ...entry, id: 'two', holder: 'jobs:2' }, NOW)).toBe('other')
    } finally {
      await store.close()
    }
  })

  it('needs no right beyond SET on its keys', async () => {
    const server = await redis()
    const operator = await connect(server)
    await operator.send([['ACL', 'SETUSER', 'messages', 'on', '>secret', '~a:*', '+set', '+select']])
    const account = { url: server.url, username: 'messages', password: 'secret' }
    for (const [prefix, outcome] of [
      ['a:', 'new'],
      ['b:', 'ERR_REPLAY_STORE_UNAVAILABLE'],
    ] as const) {
      const store = await redisDeliveryStore({ ...account, prefix })
      expect(await codeOf(store.claim(entry, NOW))).toBe(outcome)
      await store.close()
    }
  })
})

it.each([['OK'], ['1'], [1], ['QUEUED'], [undefined], [['OK']], ['A'.repeat(42)]])(
  'takes no reply but nothing and a hash for an answer: %j',
  async (reply) => {
    const connection = { send: async () => [reply], close: async () => undefined }
    const store = await redisDeliveryStore({ connection, prefix: 'a:' })
    expect(await codeOf(store.claim(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
  },
)
