import { type ErrorCode, parseTrustDomain, utf8, type WimseError } from '@wimse/core'
import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import type { BundleRequest } from '@wimse/trust'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  parseTokenServiceKeys,
  staticTokenServiceKeys,
  type TokenServiceEndpointKeys,
  type TokenServiceEndpointOptions,
  tokenServiceEndpointKeys,
  verifyTransactionToken,
} from '../src/index.ts'
import { codeOf, createWorld, jwksOf, SHOP, signerOf, type World } from './support/world.ts'

const URL_OF_KEYS = 'https://tokens.shop.example/jwks'
const shop = parseTrustDomain(SHOP)

let world: World
let good: object
beforeEach(async () => {
  world = await createWorld()
  good = jwksOf({ '1': world.service })
})

describe('a JWK set of a token service', () => {
  it('RFC 7517: may hold keys for other uses and of other kinds', async () => {
    const { publicJwk } = await signerOf('other')
    const others = [
      { ...publicJwk, kid: 'enc', use: 'enc' },
      { kty: 'AKP', kid: 'pq', alg: 'ML-DSA-65', pub: 'AA' },
    ]
    const authorities = parseTokenServiceKeys({ keys: [...others, ...jwksOf({ '1': world.service }).keys], more: 1 })
    expect(authorities.map(({ keyId }) => keyId)).toEqual(['1'])
  })

  it('TXN-13.11-01: may be empty, and then withdraws every key', async () => {
    const keys = staticTokenServiceKeys({ [SHOP]: { keys: [] } })
    expect(await codeOf(world.verify(await world.forge(), { keys }))).toBe('ERR_TXN_KEY_UNKNOWN')
  })

  it.each<readonly [title: string, code: ErrorCode, set: (jwk: object) => unknown]>([
    ['no object', 'ERR_TRUST_BUNDLE_MALFORMED', () => []],
    ['no keys', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({})],
    ['keys that are none', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({ keys: [1] })],
    ['a private key', 'ERR_TRUST_BUNDLE_MALFORMED', (jwk) => ({ keys: [{ ...jwk, d: 'AA' }] })],
    ['a symmetric key', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({ keys: [{ kty: 'oct', k: 'AA', kid: '1' }] })],
    ['one kid twice', 'ERR_TRUST_BUNDLE_MALFORMED', (jwk) => ({ keys: [jwk, jwk] })],
    ['only keys for other uses', 'ERR_TRUST_BUNDLE_EMPTY', (jwk) => ({ keys: [{ ...jwk, use: 'enc' }] })],
    [
      'too many keys',
      'ERR_TRUST_BUNDLE_TOO_LARGE',
      (jwk) => ({ keys: Array.from({ length: 65 }, (_, kid) => ({ ...jwk, kid: String(kid) })) }),
    ],
  ])('TXN-13.7-02: with %s is refused (%s)', async (_title, code, set) => {
    const [jwk] = jwksOf({ '1': world.service }).keys
    expect(await codeOf(() => parseTokenServiceKeys(set({ ...jwk })))).toBe(code)
    expect(await codeOf(() => staticTokenServiceKeys({ [SHOP]: set({ ...jwk }) }))).toBe(code)
  })
})

/** Keys of an endpoint whose answers a test gives. */
interface Setup {
  readonly keys: TokenServiceEndpointKeys
  readonly clock: TestRuntime
  readonly requests: BundleRequest[]
  readonly failures: WimseError[]
  /** What the endpoint answers from now on. */
  answer(answer: Response | (() => Promise<Response>)): void
}

function setup(options: Partial<TokenServiceEndpointOptions> = {}): Setup {
  let next: () => Promise<Response> = async () => Response.json(good)
  const clock = createTestRuntime({
    fetch: async (url, init) => {
      requests.push({ url: new URL(String(url)), ...init } as unknown as BundleRequest)
      return next()
    },
  })
  const requests: BundleRequest[] = []
  const failures: WimseError[] = []
  const onFailure = (error: WimseError): void => void failures.push(error)
  return {
    keys: tokenServiceEndpointKeys({ trustDomain: SHOP, url: URL_OF_KEYS, runtime: clock, onFailure, ...options }),
    clock,
    requests,
    failures,
    answer(answer) {
      next = typeof answer === 'function' ? answer : async () => answer.clone()
    },
  }
}

const verifyWith = async (keys: TokenServiceEndpointKeys, runtime: TestRuntime): Promise<string> =>
  codeOf(
    verifyTransactionToken(await world.forge({ claims: { exp: runtime.now() / 1000 + 60, iat: runtime.now() / 1000 } }), {
      keys,
      audience: SHOP,
      runtime,
    }),
  )

describe('keys of an endpoint', () => {
  it('TXN-13.7-01, TXN-13.7-03: come from the configured URL and verify tokens', async () => {
    const { keys, clock, requests } = setup()
    expect(await verifyWith(keys, clock)).toBe('ERR_TRUST_STALE')
    await keys.start()
    expect(requests.map(({ url }) => url.href)).toEqual([URL_OF_KEYS])
    expect(await verifyWith(keys, clock)).toBe('ok')
    expect(await codeOf(() => keys.current(parseTrustDomain('bank.example')))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    expect(await codeOf(keys.start())).toBe('ERR_OPTIONS_INVALID')
    keys.close()
    expect(await verifyWith(keys, clock)).toBe('ERR_TRUST_STALE')
    expect(await keys.refresh(shop)).toBe(false)
  })

  it('are the same array until one changes, and then the new ones at once', async () => {
    const { keys, clock, answer } = setup({ refreshCooldownSeconds: 0 })
    await keys.start()
    const before = keys.current(shop)
    expect(await keys.refresh(shop)).toBe(false)
    expect(keys.current(shop)).toBe(before)
    answer(Response.json(jwksOf({ '2': await signerOf('next') })))
    expect(await keys.refresh(shop)).toBe(true)
    expect(await verifyWith(keys, clock)).toBe('ERR_TXN_KEY_UNKNOWN')
    keys.close()
  })

  it('TXN-13.11-01: are asked for when one is unknown, once per cooldown', async () => {
    const { keys, clock, requests, answer } = setup()
    answer(Response.json(jwksOf({ '2': await signerOf('next') })))
    await keys.start()
    expect(await verifyWith(keys, clock)).toBe('ERR_TXN_KEY_UNKNOWN')
    expect(requests).toHaveLength(1)
    clock.advance(10)
    answer(Response.json(good))
    expect(await Promise.all([verifyWith(keys, clock), verifyWith(keys, clock)])).toEqual(['ok', 'ok'])
    expect(requests).toHaveLength(2)
    expect(await keys.refresh(parseTrustDomain('bank.example'))).toBe(false)
    keys.close()
  })

  it('are asked for again and again', async () => {
    const { keys, clock, requests } = setup({ pollSeconds: 60 })
    await keys.start()
    expect(await clock.nextDelay()).toBe(60_000)
    clock.advance(60)
    // Joins what the end of the wait has begun.
    await keys.refresh(shop)
    expect(await clock.nextDelay()).toBe(60_000)
    expect(requests).toHaveLength(2)
    keys.close()
  })

  it.each<readonly [title: string, code: ErrorCode, answer: () => Promise<Response>]>([
    ['a redirect', 'ERR_TRUST_REDIRECT', async () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } })],
    ['another status', 'ERR_TRUST_ENDPOINT', async () => new Response('{}', { status: 500 })],
    ['no JSON', 'ERR_TRUST_BUNDLE_MALFORMED', async () => new Response('<html>')],
    ['a member twice', 'ERR_TRUST_BUNDLE_MALFORMED', async () => new Response('{"keys":[],"keys":[]}')],
    ['a set that is malformed', 'ERR_TRUST_BUNDLE_MALFORMED', async () => new Response('{"keys":{}}')],
    ['too much', 'ERR_TRUST_BUNDLE_TOO_LARGE', async () => new Response(`{"keys":[],"x":"${'x'.repeat(65_536)}"}`)],
    ['nothing', 'ERR_TRUST_ENDPOINT', async () => Promise.reject(new TypeError('refused'))],
  ])('TXN-13.7-02: stay until their age is over, where the endpoint answers with %s (%s)', async (_title, code, answer) => {
    const { keys, clock, failures, ...endpoint } = setup({ refreshCooldownSeconds: 0, maxAgeSeconds: 100 })
    await keys.start()
    endpoint.answer(answer)
    expect(await keys.refresh(shop)).toBe(false)
    expect(failures.map((error) => error.code)).toEqual([code])
    clock.advance(99)
    expect(await verifyWith(keys, clock)).toBe('ok')
    clock.advance(1)
    expect(await verifyWith(keys, clock)).toBe('ERR_TRUST_STALE')
    keys.close()
  })

  it('stay where the endpoint does not answer in time', async () => {
    const { keys, clock, failures, answer } = setup({ refreshCooldownSeconds: 0, timeoutMs: 5000 })
    await keys.start()
    answer(() => new Promise(() => undefined))
    const asked = keys.refresh(shop)
    clock.advance(5)
    expect(await asked).toBe(false)
    expect(failures.map((error) => error.code)).toEqual(['ERR_TRUST_ENDPOINT'])
    keys.close()
  })

  it('TXN-13.9-01, TXN-11.5-02: come from an endpoint that is authenticated as told', async () => {
    const asked: BundleRequest[] = []
    const { keys } = setup({
      authenticate: () => ({ kind: 'web-pki' }),
      fetchKeys: async (request) => {
        asked.push(request)
        return utf8(JSON.stringify(good))
      },
    })
    await keys.start()
    expect(asked.map(({ authentication, maxBytes }) => [authentication.kind, maxBytes])).toEqual([['web-pki', 65_536]])
    keys.close()
  })

  it.each<readonly [title: string, code: ErrorCode, options: Partial<TokenServiceEndpointOptions>]>([
    ['an http URL', 'ERR_TRUST_ENDPOINT_URL', { url: 'http://tokens.shop.example/jwks' }],
    ['user information in the URL', 'ERR_TRUST_ENDPOINT_URL', { url: 'https://a:b@tokens.shop.example/jwks' }],
    ['no URL', 'ERR_TRUST_ENDPOINT_URL', { url: 'tokens' }],
    ['a trust domain that is none', 'ERR_TRUST_DOMAIN_MALFORMED', { trustDomain: 'https://shop.example' }],
    ['no interval', 'ERR_OPTIONS_INVALID', { pollSeconds: 0 }],
    ['no age', 'ERR_OPTIONS_INVALID', { maxAgeSeconds: Number.NaN }],
    ['a cooldown below zero', 'ERR_OPTIONS_INVALID', { refreshCooldownSeconds: -1 }],
  ])('TXN-13.7-03: with %s are refused (%s)', async (_title, code, options) => {
    expect(await codeOf(() => setup(options))).toBe(code)
  })
})
