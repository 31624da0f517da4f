import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type BundleContents,
  type BundleEndpointOptions,
  type BundleRequest,
  bundleEndpointSource,
  createTrustStore,
  type ManagedTrustStore,
  parseSpiffeBundle,
  type TrustSource,
} from '../src/index.ts'
import { BANK, codeOf, type Jwk, json, rootEntry, rootOf, runtime, SHOP, scriptedSource, settle, tokenKey } from './fixtures.ts'

const URL_OF_BANK = 'https://bank.example/bundle'
const SERVER = 'spiffe://bank.example/spire/server'

let root: Jwk
let root2: Jwk
let shopRoot: Jwk
let w1: Jwk
let w2: Jwk
let clock: TestRuntime
let answer: () => Response | Promise<Response>
let requests: Request[]

beforeAll(async () => {
  root = rootEntry(await rootOf(BANK))
  root2 = rootEntry(await rootOf(BANK))
  shopRoot = rootEntry(await rootOf(SHOP))
  w1 = await tokenKey('wit-svid', 'w1')
  w2 = await tokenKey('wit-svid', 'w2')
})

beforeEach(() => {
  requests = []
  clock = createTestRuntime({
    seed: 1,
    fetch: async (input, init) => {
      requests.push(new Request(input, init))
      return answer()
    },
  })
})

const contentsOf = (keys: readonly Jwk[], trustDomain = BANK): BundleContents => parseSpiffeBundle(json({ keys }), { trustDomain, runtime })
const bundle = (keys: readonly Jwk[], more: object = {}): Response => new Response(json({ keys, ...more }))

function webSource(more: Partial<BundleEndpointOptions> = {}): TrustSource {
  return bundleEndpointSource({ trustDomain: 'bank.example', url: URL_OF_BANK, profile: { kind: 'https_web' }, runtime: clock, ...more })
}

async function storeOf(...sources: readonly TrustSource[]): Promise<ManagedTrustStore> {
  const store = createTrustStore({ sources, maxAgeSeconds: 600, runtime: clock })
  await store.start()
  return store
}

/** Moves the clock past the next poll and lets it end. */
async function nextPoll(seconds: number): Promise<void> {
  clock.advance(seconds)
  await settle()
}

const kids = (store: ManagedTrustStore) => store.bundle(BANK).witAuthorities.map(({ keyId }) => keyId)
const errorOf = (store: ManagedTrustStore) => store.status().find(({ trustDomain }) => trustDomain === BANK)?.errors[0]?.code

describe('https_web over fetch', () => {
  test('FED-4-01, FED-5.2.1.4-04, FED-6.1-01, TDD-5.3-06: one GET, and the body under the configured trust domain', async () => {
    answer = () => bundle([root, w1], { spiffe_sequence: 3 })
    const store = await storeOf(webSource())
    expect(kids(store)).toEqual(['w1'])
    expect(requests.map(({ method, url, redirect }) => [method, url, redirect])).toEqual([['GET', URL_OF_BANK, 'manual']])
  })

  test.each<[string, () => Response | Promise<Response>, string]>([
    [
      'TDD-5.3-10: a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://other.example/' } }),
      'ERR_TRUST_REDIRECT',
    ],
    ['FED-7.5.1-02: a permanent redirect', () => new Response(null, { status: 308 }), 'ERR_TRUST_REDIRECT'],
    ['BUNDLE-6.2-01: a bundle of another trust domain', () => bundle([shopRoot, w2]), 'ERR_TRUST_BUNDLE_TRUST_DOMAIN'],
    ['a bundle over the limit', () => new Response(new Uint8Array(3000)), 'ERR_TRUST_BUNDLE_TOO_LARGE'],
    ['FED-5.2.1.4-04: a body that is no bundle', () => new Response('<html>'), 'ERR_TRUST_BUNDLE_MALFORMED'],
    ['BUNDLE-4.1.1-02: a lower sequence', () => bundle([w2], { spiffe_sequence: 2 }), 'ERR_TRUST_SEQUENCE'],
    ['an error status', () => new Response('{}', { status: 500 }), 'ERR_TRUST_ENDPOINT'],
    ['no connection', () => Promise.reject(new TypeError('fetch failed')), 'ERR_TRUST_ENDPOINT'],
  ])('refused, and the old one stays: %s', async (_, bad, code) => {
    answer = () => bundle([root, w1], { spiffe_sequence: 3 })
    const store = await storeOf(webSource({ maxBytes: 2000 }))
    const before = store.bundle(BANK)
    answer = bad
    await nextPoll(300)
    expect(requests).toHaveLength(2)
    expect(errorOf(store)).toBe(code)
    expect(store.bundle(BANK)).toBe(before)
  })

  test('an endpoint that never answers is given up in time', async () => {
    answer = () => new Promise(() => undefined)
    const store = createTrustStore({ sources: [webSource({ timeoutMs: 2000 })], runtime: clock })
    const starting = store.start()
    await settle()
    clock.advance(2)
    await starting
    expect(errorOf(store)).toBe('ERR_TRUST_ENDPOINT')
    expect(requests[0]?.signal.aborted).toBe(true)
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
  })

  test('an endpoint that is out of reach: the last bundle serves until its age', async () => {
    answer = () => bundle([w1])
    const store = await storeOf(webSource())
    answer = () => new Response(null, { status: 503 })
    await nextPoll(300)
    await nextPoll(299)
    expect(kids(store)).toEqual(['w1'])
    await nextPoll(1)
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_STALE')
    answer = () => bundle([w1])
    await nextPoll(300)
    expect(kids(store)).toEqual(['w1'])
  })

  test('FED-6.2-02: removed keys stop at once', async () => {
    answer = () => bundle([w1, w2])
    const store = await storeOf(webSource())
    answer = () => bundle([w2])
    await nextPoll(300)
    expect(kids(store)).toEqual(['w2'])
  })

  test('BUNDLE-4.1.3-03, BUNDLE-4.1.3-04: an empty bundle revokes every key', async () => {
    answer = () => bundle([root, w1], { spiffe_sequence: 3 })
    const store = await storeOf(webSource(), scriptedSource([contentsOf([root, w2])]))
    answer = () => bundle([], { spiffe_sequence: 4 })
    await nextPoll(300)
    expect(store.bundle(BANK)).toMatchObject({ x509Authorities: [], jwtAuthorities: [], witAuthorities: [] })
  })
})

describe('polling', () => {
  test.each<[string, object, number, number]>([
    ['FED-4.1-08, TDD-4.2-03, TDD-6.3-02: the refresh hint', { spiffe_refresh_hint: 60 }, 54, 60],
    ['FED-4.1-09, BUNDLE-6.1-03: five minutes without one', {}, 270, 300],
    ['BUNDLE-4.1.2-03: not below the minimum', { spiffe_refresh_hint: 0 }, 5, 5],
    ['BUNDLE-4.1.2-03: not above the maximum', { spiffe_refresh_hint: 100_000 }, 3240, 3600],
  ])('FED-4.1-07, FED-6.2-01: %s', async (_, hint, least, most) => {
    answer = () => bundle([w1], hint)
    await storeOf(webSource())
    const seconds = (await clock.nextDelay()) / 1000
    expect(seconds).toBeGreaterThanOrEqual(least)
    expect(seconds).toBeLessThanOrEqual(most)
  })

  test('FED-6.2-03: after a failure the next regular interval', async () => {
    answer = () => bundle([w1], { spiffe_refresh_hint: 100 })
    await storeOf(webSource())
    answer = () => new Response(null, { status: 500 })
    await nextPoll(100)
    expect(requests).toHaveLength(2)
    await nextPoll(89)
    expect(requests).toHaveLength(2)
    await nextPoll(11)
    expect(requests).toHaveLength(3)
  })

  test('FED-5.2.1.4-09, FED-5.2.1.4-10, FED-7.5.1-02: after a redirect the configured URL is asked again', async () => {
    answer = () => new Response(null, { status: 301, headers: { location: 'https://other.example/' } })
    await storeOf(webSource())
    await nextPoll(300)
    expect(requests.map(({ url }) => url)).toEqual([URL_OF_BANK, URL_OF_BANK])
  })

  test('a refresh asks now; one for another trust domain does not', async () => {
    answer = () => bundle([w1])
    const source = webSource()
    const store = await storeOf(source)
    answer = () => bundle([w2])
    await source.refresh?.(SHOP)
    expect(requests).toHaveLength(1)
    expect(await store.refresh(BANK)).toBe(true)
    expect(kids(store)).toEqual(['w2'])
  })

  test('FED-6.3-01: closed, it asks no more', async () => {
    answer = () => bundle([w1])
    const store = await storeOf(webSource())
    store.close()
    await nextPoll(3600)
    expect(requests).toHaveLength(1)
  })
})

describe('https_spiffe', () => {
  let asked: BundleRequest[]
  let spiffeAnswer: () => Uint8Array
  const fetchBundle = async (request: BundleRequest): Promise<Uint8Array> => {
    asked.push(request)
    return spiffeAnswer()
  }
  const spiffeSource = (bootstrap?: BundleContents): TrustSource =>
    webSource({ profile: { kind: 'https_spiffe', endpointIdentifier: SERVER, ...(bootstrap && { bootstrap }) }, fetchBundle })
  const rootsAsked = () => asked.map(({ authentication }) => (authentication.kind === 'spiffe' ? authentication.anchors : undefined))

  beforeEach(() => {
    asked = []
    spiffeAnswer = () => json({ keys: [root, w1] })
  })

  test('FED-5.2.2.4-02, FED-5.2.2.4-03, FED-5.2.2.2-06: self-serving: first the bootstrap bundle, then the latest', async () => {
    const bootstrap = contentsOf([root])
    spiffeAnswer = () => json({ keys: [root2, w1], spiffe_sequence: 2 })
    const store = await storeOf(spiffeSource(bootstrap))
    await nextPoll(300)
    expect(rootsAsked()).toEqual([bootstrap.x509Authorities, contentsOf([root2]).x509Authorities])
    expect(kids(store)).toEqual(['w1'])
  })

  test('FED-5.2.2.4-03: a bundle that was refused does not authenticate the next connection', async () => {
    spiffeAnswer = () => json({ keys: [root, w1], spiffe_sequence: 2 })
    await storeOf(spiffeSource(contentsOf([root])))
    spiffeAnswer = () => json({ keys: [root2, w2], spiffe_sequence: 1 })
    await nextPoll(300)
    await nextPoll(300)
    expect(rootsAsked()[2]).toEqual(contentsOf([root]).x509Authorities)
  })

  test('FED-5.2.2.2-07, FED-5.2.2.2-08, FED-5.2.2.4-04: otherwise the anchors that the store has of the server’s trust domain', async () => {
    const federation = scriptedSource([{ trustDomain: BANK, x509Authorities: contentsOf([root2]).x509Authorities ?? [] }])
    const store = await storeOf(spiffeSource(), federation)
    expect(rootsAsked()).toEqual([contentsOf([root2]).x509Authorities])
    expect(kids(store)).toEqual(['w1'])
    federation.sink().replace([])
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    await nextPoll(300)
    expect(asked).toHaveLength(1)
    expect(errorOf(store)).toBe('ERR_X509_NO_ANCHORS')
  })

  test('FED-5.2.2.2-07: anchors of the fetched trust domain do not help where the server is of another', async () => {
    const source = webSource({ profile: { kind: 'https_spiffe', endpointIdentifier: 'spiffe://shop.example/server' }, fetchBundle })
    const store = await storeOf(source, scriptedSource([contentsOf([root])]))
    expect(asked).toEqual([])
    expect(errorOf(store)).toBe('ERR_X509_NO_ANCHORS')
  })

  test('an answer under anchors that were replaced meanwhile does not count', async () => {
    const federation = scriptedSource([contentsOf([root])])
    const answers = [json({ keys: [root, w2] }), json({ keys: [root, w1] })]
    spiffeAnswer = () => {
      federation.sink().replace([contentsOf([root2])])
      return answers.shift() ?? json({ keys: [root, w1] })
    }
    const store = await storeOf(federation, spiffeSource())
    expect(kids(store)).toEqual(['w1'])
    expect(rootsAsked().slice(0, 2)).toEqual([contentsOf([root]).x509Authorities, contentsOf([root2]).x509Authorities])
  })

  test('an answer under anchors that were withdrawn meanwhile does not count', async () => {
    const federation = scriptedSource([contentsOf([root])])
    spiffeAnswer = () => {
      federation.sink().replace([])
      return json({ keys: [root, w1] })
    }
    const store = await storeOf(federation, spiffeSource())
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    expect(errorOf(store)).toBe('ERR_X509_NO_ANCHORS')
  })

  test('anchors that appear later are used at once', async () => {
    const federation = scriptedSource([])
    const store = await storeOf(spiffeSource(), federation)
    federation.sink().replace([contentsOf([root])])
    await settle()
    expect(kids(store)).toEqual(['w1'])
  })
})

describe('configuration', () => {
  test.each<[string, Partial<BundleEndpointOptions>, string]>([
    ['FED-5.2.1.1-01, TDD-5.3-11: http', { url: 'http://bank.example/' }, 'ERR_TRUST_ENDPOINT_URL'],
    ['FED-5.2.1.1-02: user information', { url: 'https://user@bank.example/' }, 'ERR_TRUST_ENDPOINT_URL'],
    ['FED-5.2.1.1-02: empty user information', { url: 'https://@bank.example/' }, 'ERR_TRUST_ENDPOINT_URL'],
    ['FED-5.1-01: no URL', { url: undefined as unknown as string }, 'ERR_TRUST_ENDPOINT_URL'],
    ['FED-5.1-01, FED-5.2.1.4-05, TDD-6.4-03: no trust domain', { trustDomain: '' }, 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['FED-7.2-01: an unknown profile', { profile: { kind: 'x' } as unknown as { kind: 'https_web' } }, 'ERR_OPTIONS_INVALID'],
    [
      'FED-5.2.2.2-01: https_spiffe without an identifier',
      { profile: { kind: 'https_spiffe', endpointIdentifier: '' }, fetchBundle: async () => new Uint8Array() },
      'ERR_IDENTIFIER_MALFORMED',
    ],
    ['FED-7.2-02: https_spiffe over fetch', { profile: { kind: 'https_spiffe', endpointIdentifier: SERVER } }, 'ERR_OPTIONS_INVALID'],
    ['intervals that make no sense', { pollSeconds: { min: 10, max: 5 } }, 'ERR_OPTIONS_INVALID'],
    ['a time that makes no sense', { timeoutMs: 0 }, 'ERR_OPTIONS_INVALID'],
  ])('refused: %s', async (_, options, code) => {
    expect(await codeOf(() => webSource(options))).toBe(code)
  })

  test('FED-5.2.2.2-07: a bootstrap bundle of another trust domain than the endpoint’s', async () => {
    const profile = { kind: 'https_spiffe', endpointIdentifier: SERVER, bootstrap: contentsOf([shopRoot], SHOP) } as const
    expect(await codeOf(() => webSource({ profile, fetchBundle: async () => new Uint8Array() }))).toBe('ERR_OPTIONS_INVALID')
  })

  test.each(['https://bank.example/', 'https://bank.example:8443/any/path?q=a@b'])(
    'FED-5.2.1.1-03, FED-5.2.2.1-03: accepted: %s',
    (url) => {
      expect(webSource({ url }).origin).toBe(url)
    },
  )
})
