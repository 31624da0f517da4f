import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestAuthority, createTestRuntime, type TestAuthority } from '@wimse/testing'
import { formatPem } from '@wimse/x509'
import { describe, expect, it } from 'vitest'
import { openRedis, redisReplayStore } from '../src/index.ts'
import { findRedis } from '../src/testing.ts'
import { codeOf, connect, eager, missing, NOW, onceAvailable, redis } from './support.ts'

const entry = { scope: 'wpt:key', id: 'one', expiresAt: NOW + 600 }

const rootOf = (authority: TestAuthority): string =>
  (authority.contents().x509Authorities ?? []).map((der) => formatPem('CERTIFICATE', der)).join('')

describe.skipIf(missing !== undefined)(`a connection to Redis${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('fails closed while the server is away, comes back by itself, and knows what was written', async () => {
    const server = await redis(['--appendonly', 'yes', '--appendfsync', 'always'])
    const connection = await connect(server, { runtime: eager() })
    const store = await redisReplayStore({ connection, prefix: 'a:' })
    expect(await store.record(entry, NOW)).toBe(true)
    await server.kill()
    expect(await codeOf(store.record(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    expect(await codeOf(store.record({ ...entry, id: 'two' }, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    await server.start()
    expect(await onceAvailable(() => store.record(entry, NOW))).toBe(false)
    expect(await store.record({ ...entry, id: 'three' }, NOW)).toBe(true)
  })

  it('waits no longer than the timeout for a server that stands still', async () => {
    const server = await redis()
    const runtime = createTestRuntime()
    const connection = await connect(server, { runtime, timeoutMs: 300 })
    const store = await redisReplayStore({ connection, prefix: 'a:' })
    await server.pause()
    const waiting = [codeOf(store.record(entry, NOW)), codeOf(store.record({ ...entry, id: 'two' }, NOW))]
    expect(await runtime.nextDelay()).toBe(300)
    runtime.advance(0.3)
    expect(await Promise.all(waiting)).toEqual(['ERR_REPLAY_STORE_UNAVAILABLE', 'ERR_REPLAY_STORE_UNAVAILABLE'])
    // Nobody waits for a connection.
    expect(await codeOf(store.record(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    await server.resume()
    const ask = (): Promise<boolean> => {
      runtime.advance(0.1)
      return store.record({ ...entry, id: 'three' }, NOW)
    }
    expect(await onceAvailable(ask)).toBe(true)
  })

  it('gives up a server that turned into a replica, and finds it again when it is the primary', async () => {
    const server = await redis()
    const store = await redisReplayStore({ connection: await connect(server, { runtime: eager() }), prefix: 'a:' })
    const operator = await connect(server)
    await operator.send([['REPLICAOF', '127.0.0.1', '1']])
    expect(await codeOf(store.record(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    await operator.send([['REPLICAOF', 'NO', 'ONE']])
    expect(await onceAvailable(() => store.record(entry, NOW))).toBe(true)
  })

  it('says that there is no room, and takes proofs again when there is', async () => {
    const server = await redis()
    const store = await redisReplayStore({ connection: await connect(server), prefix: 'a:' })
    const operator = await connect(server)
    await operator.send([['CONFIG', 'SET', 'maxmemory', '1']])
    expect(await codeOf(store.record(entry, NOW))).toBe('ERR_REPLAY_STORE_FULL')
    await operator.send([['CONFIG', 'SET', 'maxmemory', '0']])
    expect(await store.record(entry, NOW)).toBe(true)
  })

  it.each(['allkeys-lru', 'volatile-ttl', 'allkeys-random'])('refuses a server that forgets: %s', async (policy) => {
    const server = await redis(['--maxmemory-policy', policy])
    expect(await codeOf(openRedis({ url: server.url }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('looks at that again with each new connection', async () => {
    const server = await redis()
    const store = await redisReplayStore({ connection: await connect(server, { runtime: eager() }), prefix: 'a:' })
    const operator = await connect(server)
    await operator.send([['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']])
    await operator.send([['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']])
    expect(await codeOf(store.record(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    await operator.send([['CONFIG', 'SET', 'maxmemory-policy', 'noeviction']])
    expect(await onceAvailable(() => store.record(entry, NOW))).toBe(true)
  })

  it('takes credentials from the address or beside it, needs no right beyond SET, and shows none of them', async () => {
    const server = await redis()
    const operator = await connect(server)
    await operator.send([['ACL', 'SETUSER', 'proofs', 'on', '>a-secret/:', '~a:*', '+set', '+select']])
    await operator.send([['ACL', 'SETUSER', 'default', 'on', '>other-secret']])
    const address = `redis://proofs:${encodeURIComponent('a-secret/:')}@127.0.0.1:${server.port}`
    for (const options of [{ url: address }, { url: server.url, username: 'proofs', password: 'a-secret/:' }]) {
      const store = await redisReplayStore({ ...options, prefix: 'a:' })
      expect(await store.record({ ...entry, id: options.url }, NOW)).toBe(true)
      await store.close()
      const elsewhere = await redisReplayStore({ ...options, prefix: 'b:' })
      expect(await codeOf(elsewhere.record(entry, NOW))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
      await elsewhere.close()
    }
    for (const url of [server.url, address.replace('secret', 'wrong'), address.replace('proofs', 'nobody')]) {
      const failure = await openRedis({ url }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'ERR_OPTIONS_INVALID' })
      const { message, detail, cause, stack } = failure as Error & { readonly detail?: string }
      for (const text of [message, detail, String(cause), stack]) expect(text).not.toMatch(/a-(?:secret|wrong)/)
    }
  })

  it('speaks TLS to the server that the authority vouches for, and to no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'redis-tls-'))
    try {
      // OpenSSL goes by the system's clock.
      const runtime = createTestRuntime({ now: Date.now() })
      const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
      const stranger = await createTestAuthority({ trustDomain: 'bank.example', runtime })
      const svid = await authority.issueX509Svid('spiffe://shop.example/redis', {
        dnsNames: ['redis.shop.example'],
        ipAddresses: ['127.0.0.1'],
      })
      const ca = rootOf(authority)
      const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem'), caFile: join(folder, 'ca.pem') }
      await writeFile(tls.certFile, svid.chain.map((der) => formatPem('CERTIFICATE', der)).join(''))
      await writeFile(tls.keyFile, formatPem('PRIVATE KEY', svid.privateKey))
      await writeFile(tls.caFile, ca)
      const { url } = await redis([], { tls })
      const store = await redisReplayStore({
        connection: await connect({ url }, { tls: { ca, serverName: 'redis.shop.example' } }),
        prefix: 'a:',
      })
      expect(await store.record(entry, NOW)).toBe(true)
      const byAddress = await redisReplayStore({ url, tls: { ca }, prefix: 'b:' })
      expect(await byAddress.record(entry, NOW)).toBe(true)
      await byAddress.close()
      const refused = [{ ca: rootOf(stranger) }, { ca, serverName: 'other.shop.example' }, {}]
      for (const options of refused) {
        expect(await codeOf(openRedis({ url, tls: options, startTimeoutMs: 300 }))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('says so when there is none in time', async () => {
    const server = await redis()
    await server.kill()
    expect(await codeOf(openRedis({ url: server.url, startTimeoutMs: 100 }))).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
  })
})

it('a Redis for tests is found by name, in PATH, or it is said why not', async () => {
  expect(await findRedis({ WIMSE_REDIS_SERVER: process.execPath })).toEqual({ binary: process.execPath })
  expect(await findRedis({ WIMSE_REDIS_SERVER: '/nowhere' })).toEqual({ missing: expect.any(String) })
})
