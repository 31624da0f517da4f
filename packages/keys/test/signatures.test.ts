import { formatBase64url, parseBase64url, utf8 } from '@wimse/core'
import { CompactSign, compactVerify, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  algorithmRegistry,
  createSigner,
  createVerifier,
  decodeUnverifiedJws,
  generateSigner,
  type SignatureAlgorithm,
  signCompactJws,
} from '../src/index.ts'
import { codeOf, engines, privateJwk, publicOf, rsaPrivateJwk } from './fixtures.ts'

const algorithms = Object.keys(algorithmRegistry) as SignatureAlgorithm[]
const data = utf8('signed')
const pairs = Object.entries(engines).flatMap(([name, runtime]) => algorithms.map((algorithm) => [algorithm, name, runtime] as const))

const withFlip = (octets: Uint8Array, index: number): Uint8Array => octets.map((octet, at) => (at === index ? octet ^ 1 : octet))

describe.each(pairs)('%s on the %s engine', (algorithm, _name, runtime) => {
  it('CRED-5.1-20: signs what it verifies, and other engines verify as well', async () => {
    const signer = await createSigner(privateJwk(algorithm), { algorithm, runtime })
    const signature = await signer.sign(data)
    expect(signer.algorithm).toBe(algorithm)
    for (const other of Object.values(engines)) {
      const verifier = await createVerifier(signer.publicJwk, { runtime: other })
      // More than once: an engine may treat the first use of a key in another way.
      for (let use = 0; use < 3; use += 1) expect(await verifier.verify(data, signature)).toBe(true)
    }
  })

  it('refuses changed data, a changed, cut or empty signature, and the signature of another key', async () => {
    const signer = await createSigner(privateJwk(algorithm), { algorithm, runtime })
    const signature = await signer.sign(data)
    const other = await generateSigner(algorithm, runtime)
    const verifier = await createVerifier(signer.publicJwk, { runtime })
    const attempts: readonly (readonly [Uint8Array, Uint8Array])[] = [
      [utf8('signeD'), signature],
      [data, withFlip(signature, 0)],
      [data, withFlip(signature, signature.length - 1)],
      [data, signature.subarray(1)],
      [data, new Uint8Array([...signature, 0])],
      [data, new Uint8Array()],
      [data, new Uint8Array(signature.length)],
      [data, await other.signer.sign(data)],
    ]
    for (const [octets, candidate] of attempts) expect(await verifier.verify(octets, candidate)).toBe(false)
    expect(await verifier.verify(data, signature)).toBe(true)
  })

  it('generates keys that hold', async () => {
    const { signer, exportPrivateJwk } = await generateSigner(algorithm, runtime)
    const again = await createSigner(exportPrivateJwk(), { runtime })
    expect(again.thumbprint).toBe(signer.thumbprint)
    expect(signer.publicJwk.alg).toBe(algorithm)
    expect(JSON.stringify(signer)).not.toContain('"d"')
    const verifier = await createVerifier(signer.publicJwk, { runtime })
    expect(await verifier.verify(data, await again.sign(data))).toBe(true)
  })

  it('BCP-3.3-01: agrees with jose in both directions', async () => {
    const jwk = privateJwk(algorithm)
    const signer = await createSigner(jwk, { algorithm, runtime })
    const ours = await signCompactJws({ typ: 'wit+jwt' }, { sub: 'wimse://td.example/a' }, signer)
    const joseKey = await importJWK(publicOf(jwk), algorithm)
    const { protectedHeader, payload } = await compactVerify(ours, joseKey, { algorithms: [algorithm] })
    expect(protectedHeader).toEqual({ alg: algorithm, typ: 'wit+jwt' })
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ sub: 'wimse://td.example/a' })

    const theirs = await new CompactSign(utf8('{"a":1}')).setProtectedHeader({ alg: algorithm }).sign(await importJWK(jwk, algorithm))
    const decoded = decodeUnverifiedJws(theirs)
    const verifier = await createVerifier(publicOf(jwk), { algorithm, runtime })
    expect(await verifier.verify(decoded.signingInput, decoded.signature)).toBe(true)
    expect(decoded.payload).toEqual({ a: 1 })
  })
})

describe.each(Object.entries(engines))('the %s engine', (name, runtime) => {
  it.each([
    ['sha-256', 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'],
    ['sha-512', '3a81oZNherrMQXNJriBBMRLm-k6JqX6iCp7u5ktV05ohkpkqJ0_BqDa6PCOj_uu9RU1EI2Q86A4qmslPpUyknw'],
  ] as const)('digests "abc" with %s as FIPS 180 does', async (algorithm, expected) => {
    expect(formatBase64url(await runtime.crypto.digest(algorithm, utf8('abc')))).toBe(expected)
    expect(await runtime.crypto.digestText(algorithm, 'abc')).toBe(expected)
  })

  it('digests texts in UTF-8', async () => {
    expect(await runtime.crypto.digestText('sha-256', 'é€😀')).toBe(formatBase64url(await runtime.crypto.digest('sha-256', utf8('é€😀'))))
  })

  it('BCP-3.4-01, BCP-3.4-02: a point off its curve verifies nothing and makes no signer', async () => {
    const jwk = { ...privateJwk('ES256') }
    const off = { ...jwk, y: formatBase64url(withFlip(parseBase64url(String(jwk['y'])), 31)) }
    const verifier = await createVerifier(publicOf(off), { algorithm: 'ES256', runtime })
    for (let use = 0; use < 2; use += 1) expect(await verifier.verify(data, new Uint8Array(64))).toBe(false)
    expect(await codeOf(() => createSigner(off, { algorithm: 'ES256', runtime }))).toBe('ERR_KEY_MALFORMED')
  })

  it('BCP-3.4-01: the point at infinity and coordinates over the field verify nothing', async () => {
    for (const octet of [0, 0xff]) {
      const coordinate = formatBase64url(new Uint8Array(32).fill(octet))
      const verifier = await createVerifier({ kty: 'EC', crv: 'P-256', x: coordinate, y: coordinate }, { algorithm: 'ES256', runtime })
      expect(await verifier.verify(data, new Uint8Array(64))).toBe(false)
    }
  })

  it.each(['ES256', 'PS256', 'Ed25519'] as const)('refuses halves that do not belong together: %s', async (algorithm) => {
    const { exportPrivateJwk } = await generateSigner(algorithm, runtime)
    const { exportPrivateJwk: exportOther } = await generateSigner(algorithm, runtime)
    const mixed = { ...exportPrivateJwk(), ...publicOf(exportOther()) }
    expect(await codeOf(() => createSigner(mixed, { algorithm, runtime }))).toBe('ERR_KEY_MALFORMED')
  })

  it('BCP-3.5-01: makes no signer of a small RSA key', async () => {
    expect(await codeOf(() => createSigner(rsaPrivateJwk(1024), { algorithm: 'RS256', runtime }))).toBe('ERR_KEY_WEAK')
  })

  it.each([
    ['no object', 'key', 'ERR_KEY_MALFORMED'],
    ['null', null, 'ERR_KEY_MALFORMED'],
    ['a public key', publicOf(privateJwk('ES256')), 'ERR_KEY_MALFORMED'],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }, 'ERR_KEY_SYMMETRIC'],
    ['a private half that is no base64url', { ...privateJwk('ES256'), d: '***' }, 'ERR_KEY_MALFORMED'],
    ['a private half of another length', { ...privateJwk('ES256'), d: 'AAAA' }, 'ERR_KEY_MALFORMED'],
    ['a key for encryption', { ...privateJwk('ES256'), use: 'enc' }, 'ERR_KEY_USE'],
    ['a key that may not sign', { ...privateJwk('ES256'), key_ops: ['verify'] }, 'ERR_KEY_USE'],
    ['a key of another algorithm', { ...privateJwk('ES256'), alg: 'ES384' }, 'ERR_KEY_ALGORITHM'],
    ['an RSA key with more than two primes', { ...privateJwk('RS256'), oth: [] }, 'ERR_KEY_MALFORMED'],
  ])('makes no signer of %s', async (_title, value, code) => {
    expect(await codeOf(() => createSigner(value, { algorithm: 'ES256', runtime }))).toBe(code)
  })

  it('makes no signer without an algorithm', async () => {
    expect(await codeOf(() => createSigner(privateJwk('ES256'), { runtime }))).toBe('ERR_KEY_ALGORITHM')
    expect(await codeOf(() => generateSigner('HS256' as 'ES256', runtime))).toBe('ERR_KEY_ALGORITHM')
  })

  it(`takes a key with key_ops sign (${name})`, async () => {
    expect(
      await codeOf(() => createSigner({ ...privateJwk('ES256'), use: 'sig', key_ops: ['sign'] }, { algorithm: 'ES256', runtime })),
    ).toBe('ok')
  })
})
