import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { defaultRuntime } from '@wimse/keys'
import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import { type CertificateAuthority, formatPem } from '@wimse/x509'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type BundleEndpointOptions,
  bundleEndpointSource,
  createTrustStore,
  type ManagedTrustStore,
  parseSpiffeBundle,
} from '../src/index.ts'
import { nodeFetchBundle } from '../src/node.ts'
import {
  BANK,
  type Jwk,
  json,
  type Leaf,
  leafOf,
  rootEntry,
  rootOf,
  runtime,
  SHOP,
  scriptedSource,
  settle,
  TEST_EPOCH_MS,
  tokenKey,
} from './fixtures.ts'

const SERVER = 'spiffe://bank.example/spire/server'

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

let webRoot: CertificateAuthority
let bankRoot: CertificateAuthority
let newBankRoot: CertificateAuthority
let shopRoot: CertificateAuthority
let w1: Jwk
let answer: Answer
let clock: TestRuntime
let requests: number
const servers: Server[] = []

beforeAll(async () => {
  webRoot = await rootOf()
  bankRoot = await rootOf(BANK)
  newBankRoot = await rootOf(BANK)
  shopRoot = await rootOf(SHOP)
  w1 = await tokenKey('wit-svid', 'w1')
})

beforeEach(() => {
  requests = 0
  clock = createTestRuntime({ seed: 1 })
  answer = { body: json({ keys: [rootEntry(bankRoot), w1], spiffe_sequence: 1 }) }
})

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

const pemOf = ({ chain, key }: Leaf) => ({
  cert: chain.map((der) => formatPem('CERTIFICATE', der)).join(''),
  key: formatPem('PRIVATE KEY', key.privateKey),
})

/** A server with the certificate of a leaf, on loopback; gives its URL. */
async function serve(leaf: Leaf): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer({ ...pemOf(leaf) }, (_, response) => {
    requests += 1
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers }).end(answer.body)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/bundle`, server }
}

type Endpoint = Pick<BundleEndpointOptions, 'url' | 'profile'> & { readonly ca?: string; readonly maxBytes?: number }

async function follow({ ca, ...endpoint }: Endpoint, roots: readonly CertificateAuthority[] = []): Promise<ManagedTrustStore> {
  const fetchBundle = nodeFetchBundle({ runtime: clock, ...(ca === undefined ? {} : { ca }) })
  const source = bundleEndpointSource({ trustDomain: 'bank.example', ...endpoint, fetchBundle, runtime: clock })
  const federation = scriptedSource(
    roots.length === 0 ? [] : [{ trustDomain: BANK, x509Authorities: roots.map((root) => root.certificate) }],
  )
  const store = createTrustStore({ sources: [{ source: federation, kinds: ['x509'] }, source], runtime: clock })
  await store.start()
  return store
}

/** The outcome for the trust domain: the key ids of its WIT authorities, or the code of the failure. */
function outcome(store: ManagedTrustStore): unknown {
  const failed = store.status().find(({ trustDomain }) => trustDomain === BANK)?.errors[0]?.code
  store.close()
  return failed ?? 'accepted'
}

const spiffe = (endpointIdentifier = SERVER): Endpoint['profile'] => ({ kind: 'https_spiffe', endpointIdentifier })
const pem = (root: CertificateAuthority) => formatPem('CERTIFICATE', root.certificate)

describe('https_spiffe', () => {
  test('FED-5.2.2.3-01, FED-5.2.2.3-02, FED-5.2.2.4-01: a valid X509-SVID of the configured identifier; host names play no part', async () => {
    const { url } = await serve(await leafOf(bankRoot, SERVER))
    const store = await follow({ url, profile: spiffe() }, [bankRoot])
    expect(store.bundle(BANK).witAuthorities.map(({ keyId }) => keyId)).toEqual(['w1'])
    expect(outcome(store)).toBe('accepted')
  })

  test.each<[string, () => Promise<Leaf>, string]>([
    [
      'FED-5.2.2.4-01: another identifier of the same trust domain',
      () => leafOf(bankRoot, 'spiffe://bank.example/other'),
      'ERR_TRUST_ENDPOINT_PEER',
    ],
    ['FED-5.2.2.4-01: an expired X509-SVID', () => leafOf(bankRoot, SERVER, TEST_EPOCH_MS / 1000 - 1), 'ERR_X509_EXPIRED'],
    ['FED-5.2.2.4-02: the right identifier under another root', () => leafOf(newBankRoot, SERVER), 'ERR_X509_NO_PATH'],
    ['FED-7.3-01: the right identifier signed by another trust domain', () => leafOf(shopRoot, SERVER), 'ERR_X509_NO_PATH'],
    [
      'FED-5.2.2.4-04: an identifier of another trust domain',
      () => leafOf(shopRoot, 'spiffe://shop.example/spire/server'),
      'ERR_X509_NO_ANCHORS',
    ],
    ['FED-5.2.2.3-01: a Web PKI certificate', () => leafOf(webRoot, 'localhost'), 'ERR_X509_URI_SAN_COUNT'],
  ])('refused before the request is sent: %s', async (_, leaf, code) => {
    const { url } = await serve(await leaf())
    expect(outcome(await follow({ url, profile: spiffe(), ca: pem(webRoot) }, [bankRoot]))).toBe(code)
    expect(requests).toBe(0)
  })

  test('FED-5.2.2.2-03, FED-5.2.2.4-03, FED-5.2.2.3-03: self-serving, over a rotation of the root', async () => {
    const { url, server } = await serve(await leafOf(bankRoot, SERVER))
    const bootstrap = parseSpiffeBundle(json({ keys: [rootEntry(bankRoot)] }), { trustDomain: BANK, runtime })
    answer = { body: json({ keys: [rootEntry(bankRoot), rootEntry(newBankRoot), w1], spiffe_sequence: 1 }) }
    const fetchBundle = nodeFetchBundle({ runtime: clock })
    const profile = { kind: 'https_spiffe', endpointIdentifier: SERVER, bootstrap } as const
    const source = bundleEndpointSource({ trustDomain: 'bank.example', url, profile, fetchBundle, runtime: clock })
    const store = createTrustStore({ sources: [source], refreshCooldownSeconds: 0, runtime: clock })
    await store.start()
    answer = { body: json({ keys: [rootEntry(newBankRoot), w1], spiffe_sequence: 2 }) }
    server.setSecureContext(pemOf(await leafOf(newBankRoot, SERVER)))
    expect(await store.refresh(BANK)).toBe(true)
    expect(store.bundle(BANK).x509Authorities).toEqual([newBankRoot.certificate])
    server.setSecureContext(pemOf(await leafOf(bankRoot, SERVER)))
    expect(await store.refresh(BANK)).toBe(false)
    expect(outcome(store)).toBe('ERR_X509_NO_PATH')
  })

  test('MTLS: a server with an intermediate authority', async () => {
    const { issueAuthority, generateCertificateKey } = await import('@wimse/x509')
    const key = await generateCertificateKey('ES256', runtime)
    const window = { notBefore: TEST_EPOCH_MS / 1000 - 60, notAfter: TEST_EPOCH_MS / 1000 + 3600 }
    const issuer = await issueAuthority({
      key,
      issuer: bankRoot,
      trustDomain: BANK,
      subject: { commonName: 'between' },
      ...window,
      runtime,
    })
    const { url } = await serve(await leafOf(issuer, SERVER, TEST_EPOCH_MS / 1000 + 60))
    expect(outcome(await follow({ url, profile: spiffe() }, [bankRoot]))).toBe('accepted')
  })
})

describe('https_web', () => {
  const web = { kind: 'https_web' } as const

  test('FED-5.2.1.4-01, FED-5.2.1.4-02, FED-5.2.1.4-03, FED-5.2.1.3-02: a certificate of a trusted authority that names the host', async () => {
    const { url } = await serve(await leafOf(webRoot, 'localhost'))
    expect(outcome(await follow({ url, profile: web, ca: pem(webRoot) }))).toBe('accepted')
    expect(requests).toBe(1)
  })

  test.each<[string, () => Promise<Leaf>]>([
    ['FED-5.2.1.4-02: an authority that is not trusted', async () => leafOf(await rootOf(), 'localhost')],
    ['FED-5.2.1.4-03: another host', () => leafOf(webRoot, 'other.example')],
    ['FED-7.2-02: an X509-SVID', () => leafOf(bankRoot, SERVER)],
  ])('refused before the request is sent: %s', async (_, leaf) => {
    const { url } = await serve(await leaf())
    expect(outcome(await follow({ url, profile: web, ca: pem(webRoot) }, [bankRoot]))).toBe('ERR_TRUST_ENDPOINT')
    expect(requests).toBe(0)
  })

  test("without a private authority the platform's store judges", async () => {
    const { url } = await serve(await leafOf(webRoot, 'localhost'))
    expect(outcome(await follow({ url, profile: web }))).toBe('ERR_TRUST_ENDPOINT')
  })

  test.each<[string, () => Answer, string]>([
    ['a redirect', () => ({ status: 302, headers: { location: 'https://localhost/' }, body: answer.body }), 'ERR_TRUST_REDIRECT'],
    ['an error', () => ({ status: 404, body: answer.body }), 'ERR_TRUST_ENDPOINT'],
    ['too much', () => ({ body: new Uint8Array(1_000_000) }), 'ERR_TRUST_BUNDLE_TOO_LARGE'],
    ['a bundle of another trust domain', () => ({ body: json({ keys: [rootEntry(shopRoot)] }) }), 'ERR_TRUST_BUNDLE_TRUST_DOMAIN'],
    ['no bundle', () => ({ body: json([]) }), 'ERR_TRUST_BUNDLE_MALFORMED'],
  ])('refused: %s', async (_, bad, code) => {
    const { url } = await serve(await leafOf(webRoot, 'localhost'))
    answer = bad()
    expect(outcome(await follow({ url, profile: web, ca: pem(webRoot), maxBytes: 10_000 }))).toBe(code)
  })

  test('nobody listens', async () => {
    const { url, server } = await serve(await leafOf(webRoot, 'localhost'))
    await new Promise((resolve) => server.close(resolve))
    expect(outcome(await follow({ url, profile: web, ca: pem(webRoot) }))).toBe('ERR_TRUST_ENDPOINT')
  })

  test('a server that accepts and says nothing is given up in time', async () => {
    const { createServer: createTcpServer } = await import('node:net')
    const silent = createTcpServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const accepted = new Promise<void>((resolve) => silent.once('connection', (socket) => socket.on('error', () => undefined) && resolve()))
    const following = follow({ url: `https://localhost:${(silent.address() as AddressInfo).port}/`, profile: web })
    await accepted
    await settle()
    clock.advance(10)
    expect(outcome(await following)).toBe('ERR_TRUST_ENDPOINT')
    silent.close()
  })

  test('the default runtime serves as well', async () => {
    const { url } = await serve(await leafOf(webRoot, 'localhost'))
    const signal = new AbortController().signal
    const octets = await nodeFetchBundle({ ca: [pem(webRoot)] })({
      url: new URL(url),
      authentication: { kind: 'web-pki' },
      maxBytes: 10_000,
      signal,
    })
    expect(parseSpiffeBundle(octets, { trustDomain: BANK, runtime: defaultRuntime() }).sequence).toBe(1)
  })
})
