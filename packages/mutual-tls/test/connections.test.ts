import { once } from 'node:events'
import { createServer } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { WimseError } from '@wimse/core'
import {
  type CertificateAuthority,
  encodeCertificate,
  encodeName,
  formatPem,
  generateCertificateKey,
  keyUsage,
  subjectAltName,
} from '@wimse/x509'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Authorizer,
  authorizeAnyOf,
  authorizeIdentifier,
  authorizePattern,
  authorizeTrustDomain,
  type ConnectMutualTlsOptions,
  connectMutualTls,
  createMutualTlsServer,
  type MutualTlsServerOptions,
  peerOf,
  recheckPeer,
  type X509Credential,
} from '../src/index.ts'
import {
  ask,
  authority,
  BANK,
  type Clock,
  closeLater,
  credential,
  dial,
  type EchoServer,
  echoServer,
  listen,
  type MovableSource,
  type MovableTrust,
  NOW,
  ORDERS,
  PAYMENTS,
  runtimeOf,
  SHOP,
  sourceOf,
  trustOf,
} from './world.ts'

let shop: CertificateAuthority
let bank: CertificateAuthority
let orders: X509Credential
let payments: X509Credential
beforeAll(async () => {
  shop = await authority(SHOP)
  bank = await authority(BANK)
  orders = await credential(shop, ORDERS)
  payments = await credential(shop, PAYMENTS, { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
})

let clock: Clock
let trust: MovableTrust
let server: MovableSource
let serverOptions: Omit<MutualTlsServerOptions, 'onRefused'>
let client: Omit<ConnectMutualTlsOptions, 'host' | 'port' | 'source'> & { readonly source: MovableSource }
beforeEach(async () => {
  clock = { seconds: NOW }
  trust = await trustOf({ [SHOP]: [shop], [BANK]: [bank] })
  server = sourceOf(payments)
  const common = { trust: trust.store, profile: 'x509-svid', runtime: runtimeOf(clock) } as const
  serverOptions = { ...common, source: server, authorize: authorizeTrustDomain(SHOP) }
  client = { ...common, source: sourceOf(orders), expectedPeer: PAYMENTS }
})

/** Connects and expects that the server refuses, without serving anything. */
async function refusedByServer(echo: EchoServer, options: Partial<typeof client> = {}): Promise<string> {
  const refusal = echo.nextRefusal()
  const socket = await dial(echo.port, { ...client, ...options }).catch(() => undefined)
  if (socket !== undefined) await expect(ask(socket)).rejects.toThrow()
  const code = await refusal
  expect(echo.served).toEqual([])
  return code
}

describe('a connection', () => {
  it('MTLS-3.3-01, MTLS-3.2.1-04, MTLS-5-01, MTLS-5-06, MTLS-5-08: both sides know each other', async () => {
    const echo = await echoServer(serverOptions)
    const socket = await dial(echo.port, client)
    expect(await ask(socket)).toBe(ORDERS)
    expect(peerOf(socket)).toMatchObject({ identifier: PAYMENTS, trustDomain: SHOP })
    expect(socket.getProtocol()).toBe('TLSv1.3')
    expect(peerOf({})).toBeUndefined()
  })

  it('MTLS-3.2-01, MTLS-3.2-08, CRED-9.3-01: across trust domains, each under its own anchors', async () => {
    server.credential = await credential(bank, 'spiffe://bank.example/ledger')
    const echo = await echoServer(serverOptions)
    const socket = await dial(echo.port, { ...client, expectedPeer: 'spiffe://bank.example/ledger' })
    expect(await ask(socket)).toBe(ORDERS)
  })

  it('MTLS-3.1-01: WIC with the wimse scheme', async () => {
    server.credential = await credential(shop, 'wimse://shop.example/payments')
    const echo = await echoServer({ ...serverOptions, profile: 'wic' })
    const source = sourceOf(await credential(shop, 'wimse://shop.example/orders'))
    const socket = await dial(echo.port, { ...client, source, profile: 'wic', expectedPeer: 'wimse://shop.example/payments' })
    expect(await ask(socket)).toBe('wimse://shop.example/orders')
  })

  it('MTLS-3.2-02: intermediates are shown and used', async () => {
    const lower = await authority(SHOP, await authority(SHOP, shop))
    server.credential = await credential(lower, PAYMENTS)
    const echo = await echoServer(serverOptions)
    const socket = await dial(echo.port, { ...client, source: sourceOf(await credential(lower, ORDERS)) })
    expect(await ask(socket)).toBe(ORDERS)
    expect(peerOf(socket)?.certificate.chain).toHaveLength(3)
  })

  it('TLS 1.2 only by option', async () => {
    const old = await echoServer({ ...serverOptions, minVersion: 'TLSv1.2' })
    const offer = (port: number): TLSSocket =>
      connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2', ...pem(orders) })
    const socket = offer(old.port)
    expect(await ask(socket)).toBe(ORDERS)
    expect(socket.getProtocol()).toBe('TLSv1.2')
    socket.destroy()
    const [error] = (await once(offer((await echoServer(serverOptions)).port), 'error')) as [Error & { code: string }]
    expect(error.code).toMatch(/PROTOCOL_VERSION/)
  })
})

const pem = ({ chain, privateKey }: X509Credential) => ({
  cert: chain.map((der) => formatPem('CERTIFICATE', der)).join(''),
  key: formatPem('PRIVATE KEY', privateKey),
})

describe('a server refuses', () => {
  const now = { notAfter: NOW - 1 }
  const cases: readonly (readonly [
    title: string,
    code: string,
    make: () => Promise<X509Credential>,
    options?: Partial<MutualTlsServerOptions>,
  ])[] = [
    [
      'MTLS-5-04, MTLS-5-03, CRED-9.3-02: an identifier of shop.example from the authority of bank.example',
      'ERR_X509_NO_PATH',
      () => credential(bank, ORDERS),
    ],
    [
      'MTLS-3.2-03, MTLS-5-07: a trusted trust domain that is not expected',
      'ERR_POLICY_DENIED',
      () => credential(bank, 'spiffe://bank.example/ledger'),
    ],
    ['MTLS-3.2-01: an unknown trust domain', 'ERR_TRUST_DOMAIN_UNKNOWN', async () => credential(shop, 'spiffe://evil.example/orders')],
    ['MTLS-3.2-02: an expired certificate', 'ERR_X509_EXPIRED', () => credential(shop, ORDERS, now)],
    [
      'MTLS-3.2-06, MTLS-5-02: a certificate for servers',
      'ERR_X509_EXTENDED_KEY_USAGE',
      () => credential(shop, ORDERS, { purposes: ['serverAuth'] }),
      { profile: 'wic' },
    ],
    ['MTLS-3.3-03, MTLS-3.1-01: two identifiers', 'ERR_X509_URI_SAN_COUNT', () => twoNames()],
    [
      'MTLS-3.3-02: the same path in another trust domain',
      'ERR_POLICY_DENIED',
      () => credential(bank, 'spiffe://bank.example/orders'),
      { authorize: (peer) => peer.identifier === ORDERS },
    ],
    ['an authorizer that fails', 'ERR_MTLS_CONNECTION', () => credential(shop, ORDERS), { authorize: () => JSON.parse('{') as boolean }],
  ]
  for (const [title, code, make, options] of cases) {
    it(title, async () => {
      const echo = await echoServer({ ...serverOptions, ...options })
      expect(await refusedByServer(echo, { source: sourceOf(await make()), ...(options?.profile && { profile: options.profile }) })).toBe(
        code,
      )
    })
  }

  it('MTLS-3.2-04: no certificate, unless it is optional', async () => {
    const { source: _source, ...bare } = client
    const strict = await echoServer(serverOptions)
    const refusal = strict.nextRefusal()
    const socket = await dial(strict.port, bare)
    await expect(ask(socket)).rejects.toThrow()
    expect([await refusal, strict.served]).toEqual(['ERR_MTLS_CERTIFICATE_MISSING', []])
    const optional = await echoServer({ ...serverOptions, clientCertificate: 'optional' })
    expect(await ask(await dial(optional.port, bare))).toBe('anonymous')
    expect(await ask(await dial(optional.port, client))).toBe(ORDERS)
  })

  it('MTLS-5-06: a certificate that is not valid, even where none is needed', async () => {
    const echo = await echoServer({ ...serverOptions, clientCertificate: 'optional' })
    expect(await refusedByServer(echo, { source: sourceOf(await credential(bank, ORDERS)) })).toBe('ERR_X509_NO_PATH')
  })

  it('MTLS-5-01: the authorizer is not asked about a path that does not hold', async () => {
    let asked = 0
    const authorize = () => {
      asked += 1
      return true
    }
    const echo = await echoServer({ ...serverOptions, authorize })
    await refusedByServer(echo, { source: sourceOf(await credential(bank, ORDERS)) })
    expect(asked).toBe(0)
  })

  it.each([
    ['a promise', async () => false],
    ['a text', () => 'no'],
  ])('MTLS-5-07: nothing but true of an authorizer admits, and %s is not', async (_title, authorize) => {
    const echo = await echoServer({ ...serverOptions, authorize: authorize as unknown as Authorizer })
    expect(await refusedByServer(echo)).toBe('ERR_POLICY_DENIED')
    const any = authorizeAnyOf(authorize as unknown as Authorizer)
    expect(await refusedByServer(await echoServer({ ...serverOptions, authorize: any }))).toBe('ERR_POLICY_DENIED')
  })

  it('MTLS-3.2-02: a certificate that expired between two connections', async () => {
    const echo = await echoServer(serverOptions)
    expect(await ask(await dial(echo.port, client))).toBe(ORDERS)
    const long = sourceOf(await credential(shop, PAYMENTS, { notAfter: NOW + 7000 }))
    server.credential = long.credential
    clock.seconds = NOW + 3601
    echo.served.length = 0
    expect(await refusedByServer(echo)).toBe('ERR_X509_EXPIRED')
  })

  it('CRED-9.4-03: everyone, while its own credential has expired', async () => {
    const echo = await echoServer({
      ...serverOptions,
      source: {
        current() {
          throw new WimseError('ERR_CREDENTIAL_EXPIRED')
        },
      },
    })
    expect(await refusedByServer(echo)).toBe('ERR_CREDENTIAL_EXPIRED')
  })

  it('MTLS-5-11: a private key that does not fit, without a word about it', async () => {
    server.credential = { ...payments, privateKey: orders.privateKey }
    const echo = await echoServer(serverOptions)
    expect(await refusedByServer(echo)).toBe('ERR_KEY_MALFORMED')
  })
})

async function twoNames(): Promise<X509Credential> {
  const runtime = runtimeOf({ seconds: NOW })
  const key = await generateCertificateKey('ES256', runtime)
  const der = await encodeCertificate(
    {
      issuer: encodeName({ organization: SHOP, commonName: 'root' }),
      subject: encodeName({}),
      notBefore: NOW - 60,
      notAfter: NOW + 60,
      publicKey: key.publicKey,
      extensions: [keyUsage(['digitalSignature']), subjectAltName({ uris: [ORDERS, PAYMENTS] }, true)],
    },
    shop.key,
    runtime,
  )
  return { ...orders, chain: [der], privateKey: key.privateKey }
}

describe('a client', () => {
  const refused = (port: number, options: Partial<ConnectMutualTlsOptions> = {}) =>
    expect(connectMutualTls({ host: '127.0.0.1', port, ...client, ...options })).rejects

  it('MTLS-3.2.1-04, MTLS-3.2.1-07: refuses another workload of the same authority', async () => {
    const echo = await echoServer(serverOptions)
    await refused(echo.port, { expectedPeer: 'spiffe://shop.example/fraud' }).toMatchObject({ code: 'ERR_MTLS_PEER' })
    await refused(echo.port, { expectedPeer: 'spiffe://bank.example/payments' }).toMatchObject({ code: 'ERR_MTLS_PEER' })
    await refused(echo.port, { expectedPeer: authorizeTrustDomain(BANK) }).toMatchObject({ code: 'ERR_MTLS_PEER' })
  })

  it('MTLS-3.2.1-03: refuses to dial without an expectation', async () => {
    const port = 1
    const none = { ...client, expectedPeer: undefined } as unknown as ConnectMutualTlsOptions
    await expect(connectMutualTls({ ...none, host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ERR_MTLS_EXPECTATION' })
  })

  it('MTLS-3.2.1-06: takes an authorizer in place of an identifier', async () => {
    const echo = await echoServer(serverOptions)
    const expectedPeer = authorizeAnyOf(authorizeIdentifier('spiffe://shop.example/fraud'), authorizePattern('spiffe://shop.example/*'))
    expect(await ask(await dial(echo.port, { ...client, expectedPeer }))).toBe(ORDERS)
  })

  it('MTLS-3.2.1-04: nothing but true of an authorizer is an expected server', async () => {
    const echo = await echoServer(serverOptions)
    const expectedPeer = (async () => false) as unknown as Authorizer
    await refused(echo.port, { expectedPeer }).toMatchObject({ code: 'ERR_MTLS_PEER' })
  })

  it('MTLS-3.2-05, MTLS-5-02: refuses a certificate for clients', async () => {
    server.credential = await credential(shop, PAYMENTS, { purposes: ['clientAuth'] })
    await refused((await echoServer(serverOptions)).port, { profile: 'wic' }).toMatchObject({ code: 'ERR_X509_EXTENDED_KEY_USAGE' })
  })

  it('MTLS-3.2-01: refuses a server of another authority', async () => {
    server.credential = await credential(bank, PAYMENTS)
    await refused((await echoServer(serverOptions)).port).toMatchObject({ code: 'ERR_X509_NO_PATH' })
  })

  it('MTLS-3.2.1-02, MTLS-3.2.1-08, MTLS-5-05: checks the DNS name that it used', async () => {
    const echo = await echoServer(serverOptions)
    expect(await ask(await dial(echo.port, { ...client, host: 'localhost' }))).toBe(ORDERS)
    for (const dnsNames of [['payments.shop.example'], []]) {
      server.credential = await credential(shop, PAYMENTS, { dnsNames })
      await refused(echo.port, { host: 'localhost' }).toMatchObject({ code: 'ERR_MTLS_SERVER_NAME' })
    }
  })

  it('MTLS-3.2.1-02: leaves the name out only beside an exact identifier', async () => {
    server.credential = await credential(shop, PAYMENTS)
    const echo = await echoServer(serverOptions)
    expect(await ask(await dial(echo.port, { ...client, host: 'localhost', verifyHostName: false }))).toBe(ORDERS)
    const loose = { host: 'localhost', verifyHostName: false, expectedPeer: authorizeTrustDomain(SHOP) }
    await refused(echo.port, loose).toMatchObject({ code: 'ERR_OPTIONS_INVALID' })
  })

  it('MTLS-3.2.1-05: the trust domain is no host name', async () => {
    const host = 'localhost'
    const local = await authority('localhost' as typeof SHOP)
    trust.set({ localhost: [local], [SHOP]: [shop] })
    server.credential = await credential(local, 'spiffe://localhost/payments')
    const echo = await echoServer(serverOptions)
    await refused(echo.port, { host, expectedPeer: 'spiffe://localhost/payments' }).toMatchObject({ code: 'ERR_MTLS_SERVER_NAME' })
  })

  it('MTLS-3.2.1-09, MTLS-3.2.1-10: checks the IP address only when it is told to', async () => {
    const echo = await echoServer(serverOptions)
    expect(await ask(await dial(echo.port, { ...client, verifyIpAddress: true }))).toBe(ORDERS)
    server.credential = await credential(shop, PAYMENTS, { ipAddresses: ['127.0.0.2'] })
    expect(await ask(await dial(echo.port, client))).toBe(ORDERS)
    await refused(echo.port, { verifyIpAddress: true }).toMatchObject({ code: 'ERR_MTLS_SERVER_NAME' })
  })

  it('says when no one is there, when the other side is no TLS server, and when it is told to stop', async () => {
    await refused(1).toMatchObject({ code: 'ERR_MTLS_CONNECTION' })
    const plain = await listen(createServer((socket) => socket.on('error', () => undefined).end('220 not TLS\r\n')))
    await refused(plain).toMatchObject({ code: 'ERR_MTLS_CONNECTION' })
    await refused((await echoServer(serverOptions)).port, { signal: AbortSignal.abort() }).toMatchObject({ code: 'ERR_MTLS_CONNECTION' })
  })

  it('CRED-9.4-03, MTLS-5-11: does not dial with an expired credential or a key that does not fit', async () => {
    const expired = {
      current(): never {
        throw new WimseError('ERR_CREDENTIAL_EXPIRED')
      },
    }
    await refused(1, { source: expired }).toMatchObject({ code: 'ERR_CREDENTIAL_EXPIRED' })
    const misfit = connectMutualTls({
      ...client,
      host: '127.0.0.1',
      port: 1,
      source: sourceOf({ ...orders, privateKey: payments.privateKey }),
    })
    const error: unknown = await misfit.catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ERR_KEY_MALFORMED' })
    expect((error as WimseError).cause).toBeUndefined()
  })
})

describe('time', () => {
  it('MTLS-5-10: new connections use the new certificate at once, old ones stay', async () => {
    const echo = await echoServer(serverOptions)
    const old = await dial(echo.port, client)
    const serial = peerOf(old)?.certificate.serialNumber
    server.credential = await credential(shop, PAYMENTS)
    client.source.credential = await credential(shop, ORDERS)
    const fresh = await dial(echo.port, client)
    expect(peerOf(fresh)?.certificate.serialNumber).not.toBe(serial)
    expect(await ask(fresh)).toBe(ORDERS)
    expect(await ask(old)).toBe(ORDERS)
  })

  it('an authority that rotated is found by asking the trust store again', async () => {
    const next = await authority(SHOP)
    const echo = await echoServer(serverOptions)
    trust.onRefresh = () => trust.set({ [SHOP]: [shop, next] })
    expect(await ask(await dial(echo.port, { ...client, source: sourceOf(await credential(next, ORDERS)) }))).toBe(ORDERS)
  })

  it.each(['TLSv1.3', 'TLSv1.2'] as const)('MTLS-5-01: a session is not resumed, and would be checked (%s)', async (version) => {
    const echo = await echoServer({ ...serverOptions, minVersion: 'TLSv1.2' })
    const offer = {
      host: '127.0.0.1',
      port: echo.port,
      rejectUnauthorized: false,
      maxVersion: version,
      minVersion: version,
      ...pem(orders),
    } as const
    const first = connect(offer)
    let session: Buffer | undefined
    first.on('session', (given: Buffer) => {
      session = given
    })
    expect(await ask(first)).toBe(ORDERS)
    session ??= first.getSession()
    first.destroy()
    const second = connect({ ...offer, ...(session !== undefined && { session }) })
    expect(await ask(second)).toBe(ORDERS)
    expect(second.isSessionReused()).toBe(false)
    second.destroy()
    trust.set({ [SHOP]: [bank] })
    const refusal = echo.nextRefusal()
    const third = connect({ ...offer, ...(session !== undefined && { session }) })
    await expect(ask(third)).rejects.toThrow()
    expect(await refusal).toBe('ERR_X509_NO_PATH')
  })

  it('recheckPeer: a federation that was withdrawn ends what an open connection may do', async () => {
    server.credential = await credential(bank, 'spiffe://bank.example/ledger')
    const echo = await echoServer(serverOptions)
    const socket = await dial(echo.port, { ...client, expectedPeer: 'spiffe://bank.example/ledger' })
    expect(await recheckPeer(socket)).toBe(peerOf(socket))
    trust.set({ [SHOP]: [shop], [BANK]: [bank, await authority(BANK)] })
    expect(await recheckPeer(socket)).toMatchObject({ trustDomain: BANK })
    clock.seconds += 1_000_000
    trust.set({ [SHOP]: [shop], [BANK]: [bank] })
    expect(await recheckPeer(socket)).toMatchObject({ trustDomain: BANK })
    trust.set({ [SHOP]: [shop] })
    await expect(recheckPeer(socket)).rejects.toMatchObject({ code: 'ERR_TRUST_DOMAIN_UNKNOWN' })
    expect(peerOf(socket)).toBeUndefined()
    expect(await recheckPeer(socket)).toBeUndefined()
  })
})

describe('what changes while a peer is validated', () => {
  it('recheckPeer: an anchor that went meanwhile is noticed, though the handshake was over before', async () => {
    const echo = await echoServer(serverOptions)
    const other = await authority(SHOP)
    const runtime = runtimeOf(clock)
    const { crypto } = runtime
    const verify: typeof crypto.verify = async (...given) => {
      trust.set({ [SHOP]: [other] })
      return crypto.verify(...given)
    }
    const socket = await dial(echo.port, { ...client, runtime: { ...runtime, crypto: { ...crypto, verify } } })
    await expect(recheckPeer(socket)).rejects.toMatchObject({ code: 'ERR_X509_NO_PATH' })
    expect(peerOf(socket)).toBeUndefined()
  })
})

describe('the operator is told', () => {
  it('and a log that fails takes nothing down with it', async () => {
    const failures: unknown[] = []
    const note = (error: unknown): void => void failures.push(error)
    process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note)
    closeLater(() => process.off('unhandledRejection', note).off('uncaughtExceptionMonitor', note))
    let refusals = 0
    const onRefused = (): never => {
      refusals += 1
      throw new Error('the log is full')
    }
    const failing = createMutualTlsServer({ ...serverOptions, authorize: () => false, onRefused })
    const port = await listen(failing)
    await expect(ask(await dial(port, client))).rejects.toThrow()
    const current = (): never => {
      throw new Error('the source is broken')
    }
    const broken = createMutualTlsServer({ ...serverOptions, source: { current }, onRefused })
    await expect(dial(await listen(broken), client)).rejects.toMatchObject({ code: 'ERR_MTLS_CONNECTION' })
    expect(refusals).toBe(2)
    expect(failures).toEqual([])
  })
})

describe('authorizers', () => {
  it.each([
    ['a path alone', () => authorizePattern('/orders')],
    ['a pattern without a trust domain', () => authorizePattern('*/orders')],
    ['no identifier', () => authorizeIdentifier('https://shop.example/orders')],
    ['no trust domain', () => authorizeTrustDomain('Shop.Example')],
  ])('MTLS-5-04: refuse %s at once', (_title, make) => {
    expect(make).toThrow(WimseError)
  })
})
