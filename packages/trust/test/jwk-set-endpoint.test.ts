import type { WimseError } from '@wimse/core'
import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { allowInsecureEndpoint, type JwkSetEndpoint, type JwkSetEndpointOptions, jwkSetEndpoint, parseJwkSet } from '../src/index.ts'
import { codeOf, type Jwk, json, tokenKey } from './fixtures.ts'

const URL_OF_KEYS = 'https://login.shop.example/jwks'

let one: Jwk
let two: Jwk
let clock: TestRuntime
let answer: () => Response | Promise<Response>
let requests: Request[]
let failures: WimseError[]

beforeAll(async () => {
  one = await tokenKey('sig', '1')
  two = await tokenKey('sig', '2')
})

beforeEach(() => {
  requests = []
  failures = []
  answer = () => new Response(json({ keys: [one] }))
  clock = createTestRuntime({
    fetch: async (input, init) => {
      requests.push(new Request(input, init))
      return answer()
    },
  })
})

function endpointOf(more: Partial<JwkSetEndpointOptions> = {}): JwkSetEndpoint {
  return jwkSetEndpoint({ url: URL_OF_KEYS, runtime: clock, onFailure: (error) => void failures.push(error), ...more })
}

const kids = (endpoint: JwkSetEndpoint) => endpoint.current()?.map(({ keyId }) => keyId)

describe('a JWK set', () => {
  test.each<[string, string, () => unknown]>([
    ['no object', 'ERR_TRUST_BUNDLE_MALFORMED', () => []],
    ['no keys', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({})],
    ['a key that is none', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({ keys: [one, 1] })],
    ['a private key', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({ keys: [one, { ...two, d: 'AA' }] })],
    ['a symmetric key', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({ keys: [one, { kty: 'oct', k: 'AA', kid: '2' }] })],
    ['one kid twice', 'ERR_TRUST_BUNDLE_MALFORMED', () => ({ keys: [one, { ...two, kid: '1' }] })],
    ['nothing but keys for other uses', 'ERR_TRUST_BUNDLE_EMPTY', () => ({ keys: [{ ...one, use: 'enc' }] })],
    ['more keys than the limit', 'ERR_TRUST_BUNDLE_TOO_LARGE', () => ({ keys: [one, two] })],
  ])('is refused with %s (%s)', async (_title, code, set) => {
    expect(await codeOf(() => parseJwkSet(set(), { maxKeys: code === 'ERR_TRUST_BUNDLE_TOO_LARGE' ? 1 : 64, runtime: clock }))).toBe(code)
  })

  test('RFC 7517 section 5: may hold what is not for us, and may be empty', () => {
    const others = [
      { ...two, use: 'enc' },
      { kty: 'AKP', kid: 'pq', alg: 'ML-DSA-65', pub: 'AA' },
    ]
    expect(parseJwkSet({ keys: [...others, one] }, { runtime: clock }).map(({ keyId }) => keyId)).toEqual(['1'])
    expect(parseJwkSet({ keys: [] })).toEqual([])
    expect(() => parseJwkSet({ keys: [] }, { maxKeys: Number.NaN })).toThrowError(
      expect.objectContaining({ code: 'ERR_TRUST_BUNDLE_TOO_LARGE' }),
    )
  })
})

describe('the endpoint of a JWK set', () => {
  test('is asked when somebody asks, and by one GET', async () => {
    const endpoint = endpointOf()
    expect([kids(endpoint), requests.length]).toEqual([undefined, 0])
    expect(await endpoint.refresh()).toBe(true)
    expect(kids(endpoint)).toEqual(['1'])
    expect(requests.map(({ method, url, redirect }) => [method, url, redirect])).toEqual([['GET', URL_OF_KEYS, 'manual']])
  })

  test('is asked once per cooldown because of a missing key, and by all who come meanwhile together', async () => {
    const endpoint = endpointOf({ refreshCooldownSeconds: 30 })
    expect(await Promise.all([endpoint.refresh(), endpoint.refresh(), endpoint.retrieve()])).toEqual([true, true, true])
    answer = () => new Response(json({ keys: [one, two] }))
    expect(await endpoint.refresh()).toBe(false)
    clock.advance(29)
    expect([await endpoint.refresh(), requests.length]).toEqual([false, 1])
    clock.advance(1)
    expect([await endpoint.refresh(), requests.length, kids(endpoint)]).toEqual([true, 2, ['1', '2']])
    expect([await endpoint.retrieve(), requests.length]).toEqual([false, 3])
  })

  test('gives the same array until a key changes, and withdraws keys at once', async () => {
    const endpoint = endpointOf()
    await endpoint.retrieve()
    const before = endpoint.current()
    await endpoint.retrieve()
    expect(endpoint.current()).toBe(before)
    answer = () => new Response(json({ keys: [] }))
    expect([await endpoint.retrieve(), kids(endpoint)]).toEqual([true, []])
  })

  test.each<[string, string, () => Response | Promise<Response>]>([
    ['a redirect', 'ERR_TRUST_REDIRECT', () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } })],
    ['another status', 'ERR_TRUST_ENDPOINT', () => new Response('{}', { status: 503 })],
    ['no JSON', 'ERR_TRUST_BUNDLE_MALFORMED', () => new Response('<html>')],
    ['a member twice', 'ERR_TRUST_BUNDLE_MALFORMED', () => new Response('{"keys":[],"keys":[]}')],
    ['a private key', 'ERR_TRUST_BUNDLE_MALFORMED', () => new Response(json({ keys: [{ ...two, d: 'AA' }] }))],
    ['too much', 'ERR_TRUST_BUNDLE_TOO_LARGE', () => new Response(`{"keys":[],"x":"${'x'.repeat(65_536)}"}`)],
    ['nothing', 'ERR_TRUST_ENDPOINT', () => Promise.reject(new TypeError('refused'))],
  ])('leaves the keys in use until they are too old, where it answers with %s (%s)', async (_title, code, bad) => {
    const endpoint = endpointOf({ maxAgeSeconds: 100 })
    await endpoint.retrieve()
    answer = bad
    expect(await endpoint.retrieve()).toBe(false)
    expect(failures.map((error) => error.code)).toEqual([code])
    clock.advance(99)
    expect(kids(endpoint)).toEqual(['1'])
    clock.advance(1)
    expect(kids(endpoint)).toBeUndefined()
    answer = () => new Response(json({ keys: [one] }))
    // The keys are current again, and no others.
    expect([await endpoint.retrieve(), kids(endpoint)]).toEqual([false, ['1']])
  })

  test('is given up when it does not answer in time', async () => {
    const endpoint = endpointOf({ timeoutMs: 5000 })
    answer = () => new Promise(() => undefined)
    const asked = endpoint.retrieve()
    clock.advance(5)
    expect(await asked).toBe(false)
    expect(failures.map(({ code }) => code)).toEqual(['ERR_TRUST_ENDPOINT'])
  })

  test('gives nothing after it was closed, and hears nothing', async () => {
    const endpoint = endpointOf()
    await endpoint.retrieve()
    answer = () => Promise.reject(new TypeError('refused'))
    const asked = endpoint.retrieve()
    endpoint.close()
    expect([await asked, kids(endpoint), await endpoint.retrieve(), failures]).toEqual([false, undefined, false, []])
  })

  test('may be authenticated otherwise', async () => {
    const endpoint = endpointOf({ fetchKeys: async ({ authentication }) => json({ keys: authentication.kind === 'web-pki' ? [two] : [] }) })
    await endpoint.retrieve()
    expect([kids(endpoint), requests.length]).toEqual([['2'], 0])
  })

  test.each<[string, string, Partial<JwkSetEndpointOptions>]>([
    ['an http URL', 'ERR_TRUST_ENDPOINT_URL', { url: 'http://login.shop.example/jwks' }],
    ['another scheme', 'ERR_TRUST_ENDPOINT_URL', { url: 'file:///jwks', [allowInsecureEndpoint]: true }],
    ['user information', 'ERR_TRUST_ENDPOINT_URL', { url: 'https://@login.shop.example/jwks' }],
    ['no URL', 'ERR_TRUST_ENDPOINT_URL', { url: 'login' }],
    ['no age', 'ERR_OPTIONS_INVALID', { maxAgeSeconds: Number.NaN }],
    ['no time', 'ERR_OPTIONS_INVALID', { timeoutMs: 0 }],
    ['no room', 'ERR_OPTIONS_INVALID', { maxBytes: 0 }],
    ['a cooldown below zero', 'ERR_OPTIONS_INVALID', { refreshCooldownSeconds: -1 }],
  ])('is refused with %s (%s)', async (_title, code, options) => {
    expect(await codeOf(() => endpointOf(options))).toBe(code)
    expect(await codeOf(() => endpointOf({ url: 'http://127.0.0.1/jwks', [allowInsecureEndpoint]: true }))).toBeUndefined()
  })
})
