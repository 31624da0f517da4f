import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestAuthority, createTestRuntime, type TestAuthority } from '@wimse/testing'
import { formatPem } from '@wimse/x509'
import { describe, expect, it } from 'vitest'
import { type NatsOptions, openNats } from '../src/index.ts'
import { codeOf, connect, later, message, missing, nats, SUBJECT } from './support.ts'

const STREAM = { name: 'SETTLEMENT', subjects: [SUBJECT] }

const rootOf = (authority: TestAuthority): string =>
  (authority.contents().x509Authorities ?? []).map((der) => formatPem('CERTIFICATE', der)).join('')

describe.skipIf(missing !== undefined)(`a connection to NATS${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('is refused with wrong credentials or none, shows none of them, and takes the right ones', async () => {
    const server = await nats({ options: ['--user', 'orders', '--pass', 'a-secret'] })
    const broker = await connect(server, { credentials: { user: 'orders', password: 'a-secret' } })
    await broker.declareStream(STREAM)
    expect(await broker.publish(message())).toMatchObject({ position: 'SETTLEMENT:1' })
    const refused: readonly Partial<NatsOptions>[] = [
      {},
      { credentials: { user: 'orders', password: 'a-wrong' } },
      { credentials: { user: 'a-secret', password: 'a-wrong' } },
    ]
    for (const options of refused) {
      const failure = await openNats({ url: server.url, ...options }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'ERR_MESSAGE_BROKER_REFUSED' })
      const { message: sentence, detail, cause, stack } = failure as Error & { readonly detail?: string }
      for (const text of [sentence, detail, String(cause), stack]) expect(text).not.toMatch(/a-(?:secret|wrong)/)
    }
  })

  it('speaks TLS to the server that the authority vouches for, and to no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nats-tls-'))
    later(() => rm(folder, { recursive: true, force: true }))
    // OpenSSL goes by the system's clock.
    const runtime = createTestRuntime({ now: Date.now() })
    const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
    const stranger = await createTestAuthority({ trustDomain: 'bank.example', runtime })
    const ca = rootOf(authority)
    const serve = async (name: string, addresses: readonly string[]): Promise<string> => {
      const svid = await authority.issueX509Svid('spiffe://shop.example/nats', { dnsNames: [name], ipAddresses: [...addresses] })
      const tls = { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}-key.pem`), caFile: join(folder, 'ca.pem') }
      await writeFile(tls.certFile, svid.chain.map((der) => formatPem('CERTIFICATE', der)).join(''))
      await writeFile(tls.keyFile, formatPem('PRIVATE KEY', svid.privateKey))
      await writeFile(tls.caFile, ca)
      return (await nats({ tls })).url
    }
    const url = await serve('nats.shop.example', ['127.0.0.1'])
    for (const tls of [{ ca, serverName: 'nats.shop.example' }, { ca }]) {
      const broker = await connect({ url }, { tls })
      await broker.declareStream(STREAM)
    }
    const refused = [{ ca: rootOf(stranger) }, { ca, serverName: 'other.shop.example' }, {}]
    for (const tls of refused) expect(await codeOf(openNats({ url, tls, startTimeoutMs: 300 }))).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
    // The address isn't in the certificate; that `localhost` is makes no difference.
    const nameOnly = await serve('localhost', [])
    expect(await codeOf(openNats({ url: nameOnly, tls: { ca }, startTimeoutMs: 300 }))).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
  })

  it('is refused by a server that speaks no TLS where the address says so', async () => {
    const { port } = await nats()
    const failure = await codeOf(openNats({ url: `tls://127.0.0.1:${port}`, startTimeoutMs: 300 }))
    expect(['ERR_MESSAGE_BROKER_UNAVAILABLE', 'ERR_OPTIONS_INVALID']).toContain(failure)
  })

  it('is there once the server is', async () => {
    const server = await nats()
    await server.kill()
    const opening = openNats({ url: server.url })
    await server.start()
    const broker = await opening
    later(() => broker.close())
    await broker.declareStream(STREAM)
  })

  it('says so when there is none in time, also of a server that says nothing', async () => {
    const server = await nats()
    await server.kill()
    expect(await codeOf(openNats({ url: server.url, startTimeoutMs: 100 }))).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
    const silent = createServer().listen(0, '127.0.0.1')
    later(() => silent.close())
    await new Promise((resolve) => silent.once('listening', resolve))
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : undefined
    expect(await codeOf(openNats({ url: `nats://127.0.0.1:${port}`, startTimeoutMs: 200 }))).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
  })

  it('waits no longer than the timeout for a server that stands still, and ends without it', async () => {
    const server = await nats()
    const broker = await connect(server, { timeoutMs: 300 })
    await broker.declareStream(STREAM)
    await server.pause()
    const publish = (): Promise<unknown> => codeOf(broker.publish(message()))
    let outcome = await publish()
    // The signal takes its time.
    while (typeof outcome !== 'string') outcome = await publish()
    expect(outcome).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
    await broker.close()
    expect(await codeOf(broker.publish(message()))).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
  })

  it.each([
    ['a timeout that is no number', { timeoutMs: Number.NaN }, 'ERR_OPTIONS_INVALID'],
    ['a start timeout of nothing', { startTimeoutMs: 0 }, 'ERR_OPTIONS_INVALID'],
    ['credentials of NATS that are none', { credentials: { creds: 'a-secret' } }, 'ERR_OPTIONS_INVALID'],
    ['an address beyond loopback in the clear', { url: 'nats://192.0.2.1' }, 'ERR_INSECURE_CHANNEL'],
  ] as const)('is refused: %s', async (_title, options, code) => {
    expect(await codeOf(openNats({ url: 'nats://127.0.0.1:1', startTimeoutMs: 100, ...options }))).toBe(code)
  })
})
