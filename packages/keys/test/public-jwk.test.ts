import { formatBase64url, parseTrustDomain } from '@wimse/core'
import { calculateJwkThumbprint } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  algorithmRegistry,
  allowedAlgorithms,
  createVerifier,
  defaultRuntime,
  isSignatureAlgorithm,
  jwkThumbprint,
  parsePublicJwk,
  type SignatureAlgorithm,
  SVID_ALGORITHMS,
  WIMSE_ALGORITHMS,
} from '../src/index.ts'
import { codeOf, engines, privateJwk, publicOf } from './fixtures.ts'

const ec = publicOf(privateJwk('ES256'))
const rsa = publicOf(privateJwk('RS256'))
const okp = publicOf(privateJwk('Ed25519'))
const octets = (length: number, first = 0x80, last = 1): string => {
  const value = new Uint8Array(length).fill(0x55)
  value[0] = first
  value[length - 1] = last
  return formatBase64url(value)
}

describe('parsePublicJwk', () => {
  it.each(Object.keys(algorithmRegistry) as SignatureAlgorithm[])(
    'BCP-3.1-06: accepts a key for %s and keeps what makes it',
    (algorithm) => {
      const jwk = publicOf(privateJwk(algorithm))
      const parsed = parsePublicJwk({ ...jwk, kid: 'a', x5u: 'https://x.example', alg: algorithm })
      expect(parsed).toEqual({ ...jwk, alg: algorithm })
      expect(parsePublicJwk(jwk, { algorithm })).toEqual(parsed)
    },
  )

  it.each([
    ['use sig', { ...ec, use: 'sig' }, {}],
    ['key_ops verify', { ...ec, key_ops: ['verify'] }, {}],
    ['a use that the caller names', { ...ec, use: 'wit-svid' }, { uses: ['wit-svid'] }],
    ['an RSA exponent of 3', { ...rsa, e: 'Aw' }, { algorithm: 'RS256' as const }],
    ['RSA of 2048 bits', { kty: 'RSA', n: octets(256), e: 'AQAB' }, { algorithm: 'PS256' as const }],
    ['RSA of 8192 bits', { kty: 'RSA', n: octets(1024), e: 'AQAB' }, { algorithm: 'PS256' as const }],
  ])('BCP-3.1-03: accepts %s', async (_title, jwk, options) => {
    expect(await codeOf(() => parsePublicJwk(jwk, { algorithm: 'ES256', ...options }))).toBe('ok')
  })

  it.each([
    ['no object', 'a key', 'ERR_KEY_MALFORMED'],
    ['null', null, 'ERR_KEY_MALFORMED'],
    ['an array', [ec], 'ERR_KEY_MALFORMED'],
    ['CRED-5.1-18: a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }, 'ERR_KEY_SYMMETRIC'],
    ['CRED-5.1-18: a symmetric key under the name of another type', { ...ec, k: 'c2VjcmV0' }, 'ERR_KEY_SYMMETRIC'],
    ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'].map(
      (member) => [`CRED-9.4-01: the private member ${member}`, { ...ec, [member]: 'AQ' }, 'ERR_KEY_PRIVATE'] as const,
    ),
    ['CRED-9.4-01: a private member that is null', { ...ec, d: null }, 'ERR_KEY_PRIVATE'],
    ['BCP-3.1-03: another algorithm in the key', { ...ec, alg: 'ES384' }, 'ERR_KEY_ALGORITHM'],
    ['BCP-3.1-08: an algorithm in other letters', { ...ec, alg: 'es256' }, 'ERR_KEY_ALGORITHM'],
    ['BCP-3.1-03: another curve', { ...ec, crv: 'P-384' }, 'ERR_KEY_ALGORITHM'],
    ['BCP-3.1-03: a curve that no algorithm has', { ...ec, crv: 'secp256k1' }, 'ERR_KEY_ALGORITHM'],
    ['BCP-3.1-03: no curve', { ...ec, crv: undefined }, 'ERR_KEY_ALGORITHM'],
    ['BCP-3.1-03: another type', rsa, 'ERR_KEY_ALGORITHM'],
    ['BCP-3.1-03: no type', { ...ec, kty: undefined }, 'ERR_KEY_ALGORITHM'],
    ['BCP-3.1-03: use enc', { ...ec, use: 'enc' }, 'ERR_KEY_USE'],
    ['BCP-3.1-03: a use that is no text', { ...ec, use: ['sig'] }, 'ERR_KEY_USE'],
    ['BCP-3.1-03: key_ops sign', { ...ec, key_ops: ['sign'] }, 'ERR_KEY_USE'],
    ['BCP-3.1-03: key_ops verify and encrypt', { ...ec, key_ops: ['verify', 'encrypt'] }, 'ERR_KEY_USE'],
    ['BCP-3.1-03: empty key_ops', { ...ec, key_ops: [] }, 'ERR_KEY_USE'],
    ['BCP-3.1-03: key_ops that are no list', { ...ec, key_ops: 'verify' }, 'ERR_KEY_USE'],
    ['BCP-3.4-01: no coordinate', { ...ec, y: undefined }, 'ERR_KEY_MALFORMED'],
    ['BCP-3.4-01: a coordinate that is no text', { ...ec, x: 7 }, 'ERR_KEY_MALFORMED'],
    ['BCP-3.4-01: a short coordinate', { ...ec, x: octets(31) }, 'ERR_KEY_MALFORMED'],
    ['BCP-3.4-01: a long coordinate', { ...ec, x: octets(33) }, 'ERR_KEY_MALFORMED'],
    ['BCP-3.14-01: a padded coordinate', { ...ec, x: `${octets(32)}=` }, 'ERR_KEY_MALFORMED'],
  ] as const)('refuses %s', async (_title, value, code) => {
    expect(await codeOf(() => parsePublicJwk(value, { algorithm: 'ES256' }))).toBe(code)
  })

  it.each([
    ['BCP-3.5-01: a modulus of 2047 bits', { kty: 'RSA', n: octets(256, 0x7f), e: 'AQAB' }, 'ERR_KEY_WEAK'],
    ['BCP-3.5-01: a modulus of 1024 bits', { kty: 'RSA', n: octets(128), e: 'AQAB' }, 'ERR_KEY_WEAK'],
    ['BCP-3.5-01: the exponent 1', { ...rsa, e: 'AQ' }, 'ERR_KEY_WEAK'],
    ['BCP-3.5-01: an even exponent', { ...rsa, e: 'AQAC' }, 'ERR_KEY_WEAK'],
    ['a modulus over 8192 bits', { kty: 'RSA', n: octets(1025), e: 'AQAB' }, 'ERR_KEY_MALFORMED'],
    ['an exponent over 32 bits', { ...rsa, e: octets(5) }, 'ERR_KEY_MALFORMED'],
    ['a leading zero in the modulus', { kty: 'RSA', n: octets(257, 0), e: 'AQAB' }, 'ERR_KEY_MALFORMED'],
    ['a leading zero in the exponent', { ...rsa, e: 'AAEAAQ' }, 'ERR_KEY_MALFORMED'],
    ['no modulus', { ...rsa, n: undefined }, 'ERR_KEY_MALFORMED'],
    ['an empty exponent', { ...rsa, e: '' }, 'ERR_KEY_MALFORMED'],
  ])('refuses an RSA key with %s', async (_title, value, code) => {
    expect(await codeOf(() => parsePublicJwk(value, { algorithm: 'PS256' }))).toBe(code)
  })

  it('refuses an EdDSA key of another length or curve', async () => {
    expect(await codeOf(() => parsePublicJwk({ ...okp, x: octets(31) }, { algorithm: 'EdDSA' }))).toBe('ERR_KEY_MALFORMED')
    expect(await codeOf(() => parsePublicJwk({ ...okp, crv: 'X25519' }, { algorithm: 'Ed25519' }))).toBe('ERR_KEY_ALGORITHM')
    expect(await codeOf(() => parsePublicJwk({ ...okp, crv: 'Ed448' }, { algorithm: 'EdDSA' }))).toBe('ERR_KEY_ALGORITHM')
  })

  it.each([undefined, 'none', 'HS256', 'ECDH-ES', 'RSA-OAEP', 'toString', '__proto__', 7])(
    'CRED-5.1-17, CRED-5.1-18, CRED-5.1-19: refuses the algorithm %j',
    async (alg) => {
      expect(isSignatureAlgorithm(alg)).toBe(false)
      expect(await codeOf(() => parsePublicJwk({ ...ec, alg }))).toBe('ERR_KEY_ALGORITHM')
    },
  )

  it('is what createVerifier judges by', async () => {
    expect(await codeOf(() => createVerifier(privateJwk('ES256'), { algorithm: 'ES256', runtime: engines.node }))).toBe('ERR_KEY_PRIVATE')
  })
})

describe('jwkThumbprint', () => {
  const example = {
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB',
    alg: 'RS256',
    kid: '2011-04-29',
  }

  it.each(Object.entries(engines))('RFC 7638 section 3.1: holds the example on the %s engine', async (_name, runtime) => {
    expect(await jwkThumbprint(parsePublicJwk(example), runtime)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  })

  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'Ed25519'] as const)('agrees with jose on keys of %s', async (algorithm) => {
    const jwk = publicOf(privateJwk(algorithm))
    const expected = await calculateJwkThumbprint(jwk)
    for (const runtime of Object.values(engines)) {
      expect((await createVerifier(jwk, { algorithm, runtime })).thumbprint).toBe(expected)
    }
  })

  it('does not depend on the algorithm or on members that are no part of the key', async () => {
    const print = (jwk: unknown, algorithm: SignatureAlgorithm): unknown => jwkThumbprint(parsePublicJwk(jwk, { algorithm }), engines.node)
    expect(await print(rsa, 'RS256')).toBe(await print({ ...rsa, kid: 'x' }, 'PS512'))
  })
})

describe('algorithms', () => {
  it('WSVID-2.3-01, WSVID-3.2-04, JSVID-2.1-01: SVIDs know no EdDSA', () => {
    expect(SVID_ALGORITHMS).toHaveLength(9)
    expect(SVID_ALGORITHMS.filter((name) => name.startsWith('Ed'))).toEqual([])
  })

  it('CRED-5.1-20: ES256 is in every profile; RSA PKCS#1 v1.5 is not in that of WIMSE', () => {
    expect(WIMSE_ALGORITHMS).toContain('ES256')
    expect(SVID_ALGORITHMS).toContain('ES256')
    expect(WIMSE_ALGORITHMS.filter((name) => name.startsWith('RS'))).toEqual([])
  })

  const shop = parseTrustDomain('shop.example')
  const policy = { default: ['ES256', 'ES384'], byTrustDomain: { 'shop.example': ['ES384', 'EdDSA'] } } as const

  it('BCP-3.1-04: a policy narrows the profile, by trust domain', () => {
    expect(allowedAlgorithms(SVID_ALGORITHMS, undefined, shop)).toEqual(SVID_ALGORITHMS)
    expect(allowedAlgorithms(SVID_ALGORITHMS, policy, shop)).toEqual(['ES384'])
    expect(allowedAlgorithms(WIMSE_ALGORITHMS, policy, shop)).toEqual(['ES384', 'EdDSA'])
    expect(allowedAlgorithms(WIMSE_ALGORITHMS, policy, parseTrustDomain('bank.example'))).toEqual(['ES256', 'ES384'])
    expect(allowedAlgorithms(WIMSE_ALGORITHMS, policy, parseTrustDomain('constructor'))).toEqual(['ES256', 'ES384'])
  })

  it('BCP-3.1-02: a policy that leaves nothing is a fault of the configuration, not a way to the default', async () => {
    expect(await codeOf(() => allowedAlgorithms(SVID_ALGORITHMS, { default: ['EdDSA'] }, shop))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(() => allowedAlgorithms(SVID_ALGORITHMS, { default: [] }, shop))).toBe('ERR_OPTIONS_INVALID')
  })
})

describe('defaultRuntime', () => {
  it('is one, and takes node:crypto where it is', () => {
    expect(defaultRuntime()).toBe(defaultRuntime())
    expect(defaultRuntime().crypto.name).toBe('node:crypto')
    expect(defaultRuntime().randomBytes(16)).toHaveLength(16)
  })

  it('waits no longer than the signal lets it', async () => {
    const controller = new AbortController()
    const waiting = defaultRuntime().delay(3_600_000, controller.signal)
    controller.abort()
    await waiting
    await defaultRuntime().delay(3_600_000, AbortSignal.abort())
    await defaultRuntime().delay(0)
  })
})
