import type { ErrorCode } from '@wimse/core'
import { generateSigner, type SignatureAlgorithm, SVID_ALGORITHMS, WIMSE_ALGORITHMS } from '@wimse/keys'
import { beforeAll, describe, expect, it } from 'vitest'
import { assertVerifiedWit, createWitVerifier, type VerifyWitOptions, verifyWit, type WitProfileName } from '../src/index.ts'
import { codeOf, createWorld, type Forgery, forgeJws, NOW, SUBJECT, signerOf, trustIn, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const profiles: readonly WitProfileName[] = ['wimse', 'wit-svid']
type Options = Partial<VerifyWitOptions>

describe.each(profiles)('the profile %s accepts', (profile) => {
  const rows: readonly (readonly [title: string, forgery: Forgery, options?: Options])[] = [
    ['CRED-5.1.4-02, WSVID-1-01, CRED-5.1.4-05, WSVID-2.2-02, CRED-5.1.4-06, WSVID-4-04, WSVID-B-01: a WIT without fault', {}],
    ['CRED-5.1-05, WSVID-3.7-01: iss, any URI', { claims: { iss: 'https://issuer.shop.example' } }],
    ['CRED-5.1-09, WSVID-3.3-01: no jti', { claims: { jti: undefined } }],
    ['WSVID-3.6-01: no iat', { claims: { iat: undefined } }],
    ['WSVID-3.6-02: an iat in the future, which limits nothing', { claims: { iat: NOW + 10 } }],
    ['WSVID-3.5-01: nbf in the past', { claims: { nbf: NOW - 60 } }],
    ['WSVID-3.5-02: nbf within the clock tolerance', { claims: { nbf: NOW + 30 } }],
    ['WSVID-3.4-04, CRED-9.2.1-01: exp in the past within the clock tolerance', { claims: { exp: NOW - 29 } }],
    ['CRED-5.1.4-10, WSVID-3.5-05: exp at the ceiling', { claims: { exp: NOW + 600 } }, { maxLifetimeSeconds: 600 }],
    [
      'CRED-5.1.2-04, CRED-5.1.4-09, WSVID-3.8-03: claims that it does not understand',
      { claims: { act: { sub: 'x' }, role: ['a', null], 'shop.example/zone': 3.5 } },
    ],
    ['WSVID-2.4-02: a header that it does not understand', { header: { foo: { bar: 1 } } }],
    ['CRED-4-05: another identifier in a private claim, which names nobody', { claims: { instance: 'spiffe://bank.example/ledger' } }],
    ['CRED-9.1-02: a listed issuer', { claims: { iss: 'urn:a' } }, { issuers: { 'shop.example': ['urn:b', 'urn:a'] } }],
    ['CRED-9.1-02: any issuer, where those of another trust domain are listed', {}, { issuers: { 'bank.example': ['urn:b'] } }],
    ['CRED-3-07, BCP-3.1-01: an algorithm of the policy', {}, { algorithms: { default: ['ES256'] } }],
  ]
  it.each(rows.map(([title, forgery, options = {}]) => [title, forgery, options] as const))('%s', async (_title, forgery, options) => {
    const wit = await world.verify(await world.forge(forgery), { profile, ...options })
    expect(wit.identifier).toBe(SUBJECT)
  })
})

describe.each(profiles)('the profile %s refuses', (profile) => {
  const other = 'spiffe://shop.example/payments'
  const rows: readonly (readonly [title: string, forgery: Forgery, code: ErrorCode, options?: Options])[] = [
    ['CRED-5.1.4-01, CRED-3-06, WSVID-2.4-03: crit', { header: { crit: ['foo'], foo: 1 } }, 'ERR_WIT_MALFORMED'],
    ['WSVID-2.4-03: crit that names an absent parameter', { header: { crit: ['foo'] } }, 'ERR_WIT_MALFORMED'],
    ['CRED-5.1.4-01: b64', { header: { b64: false } }, 'ERR_WIT_MALFORMED'],
    ['CRED-5.1-04, WSVID-2.2-01, WSVID-B-01: no typ', { header: { typ: undefined } }, 'ERR_WIT_TYP'],
    ['CRED-5.1.4-05, WSVID-2.2-02: typ JWT', { header: { typ: 'JWT' } }, 'ERR_WIT_TYP'],
    ['CRED-5.1.4-05, WSVID-2.2-02, BCP-3.12-01: typ wpt+jwt', { header: { typ: 'wpt+jwt' } }, 'ERR_WIT_TYP'],
    ['CRED-5.1.4-05: typ that is no text', { header: { typ: ['wit+jwt'] } }, 'ERR_WIT_TYP'],
    ['CRED-5.1.4-05: a longer typ', { header: { typ: 'wit+jwt;v=1' } }, 'ERR_WIT_TYP'],
    ['CRED-5.1-02, WSVID-2.3-01, WSVID-B-01: no alg', { header: { alg: undefined } }, 'ERR_WIT_ALG'],
    ['CRED-5.1-03, WSVID-2.3-02: alg none', { header: { alg: 'none' } }, 'ERR_WIT_ALG'],
    ['CRED-5.1-03, BCP-3.1-08: alg NONE', { header: { alg: 'NONE' } }, 'ERR_WIT_ALG'],
    ['CRED-5.1-02, WSVID-2.3-02: alg HS256', { header: { alg: 'HS256' } }, 'ERR_WIT_ALG'],
    ['BCP-3.1-08: alg es256', { header: { alg: 'es256' } }, 'ERR_WIT_ALG'],
    ['BCP-3.1-03: alg ES384 for a key of ES256', { header: { alg: 'ES384' } }, 'ERR_WIT_ALG'],
    ['CRED-3-07, BCP-3.1-02: alg outside the policy', {}, 'ERR_WIT_ALG', { algorithms: { default: ['ES384'] } }],
    [
      'CRED-3-07, BCP-3.1-04: alg outside the policy for the trust domain',
      {},
      'ERR_WIT_ALG',
      { algorithms: { default: ['ES256'], byTrustDomain: { 'shop.example': ['ES384'] } } },
    ],
    ['CRED-3-07: any alg where the policy leaves none', {}, 'ERR_WIT_ALG', { algorithms: { default: [] } }],
    ['CRED-5.1-07, CRED-5.1.4-03, WSVID-3.1-01, WSVID-B-01: no sub', { claims: { sub: undefined } }, 'ERR_WIT_SUB'],
    ['CRED-5.1.4-03: an empty sub', { claims: { sub: '' } }, 'ERR_WIT_SUB'],
    ['CRED-4-01, CRED-5.1.4-03: two identifiers', { claims: { sub: [SUBJECT, other] } }, 'ERR_WIT_SUB'],
    ['CRED-5.1.4-03, WSVID-3.1-02: sub that is no identifier', { claims: { sub: 'orders' } }, 'ERR_WIT_SUB'],
    ['CRED-1.3-01: sub with a query', { claims: { sub: `${SUBJECT}?a=b` } }, 'ERR_WIT_SUB'],
    ['CRED-1.3-01: sub with a port', { claims: { sub: 'spiffe://shop.example:8443/orders' } }, 'ERR_WIT_SUB'],
    ['CRED-5.1.4-03: sub that is not canonical', { claims: { sub: 'spiffe://Shop.example/orders' } }, 'ERR_WIT_SUB'],
    ['CRED-5.1.4-03: the trust domain itself', { claims: { sub: 'spiffe://shop.example' } }, 'ERR_WIT_SUB'],
    ['CRED-5.1.4-04, CRED-3-01: a trust domain without anchors', { claims: { sub: 'spiffe://evil.example/x' } }, 'ERR_WIT_TRUST_DOMAIN'],
    [
      'CRED-3-03, CRED-5.1.4-04: an unknown trust domain that iss speaks for',
      { claims: { sub: 'spiffe://evil.example/x', iss: 'https://shop.example' } },
      'ERR_WIT_TRUST_DOMAIN',
    ],
    ['CRED-3-08: a kid that no anchor has', { header: { kid: '2' } }, 'ERR_WIT_KEY_UNKNOWN'],
    ['BCP-3.10-01: a kid that is a path', { header: { kid: '../1' } }, 'ERR_WIT_KEY_UNKNOWN'],
    ['BCP-3.10-01: a kid that names a member of every object', { header: { kid: '__proto__' } }, 'ERR_WIT_KEY_UNKNOWN'],
    ['BCP-3.10-01: a kid that is no text', { header: { kid: 1 } }, 'ERR_WIT_MALFORMED'],
    ['CRED-5.1-08, WSVID-3.4-02, WSVID-B-01: no exp', { claims: { exp: undefined } }, 'ERR_WIT_EXP'],
    ['CRED-5.1-08: exp as text', { claims: { exp: String(NOW + 300) } }, 'ERR_WIT_EXP'],
    ['WSVID-3.4-02: exp null', { claims: { exp: null } }, 'ERR_WIT_EXP'],
    ['CRED-9.2.1-01, WSVID-3.4-03: exp in the past', { claims: { exp: NOW - 3600 } }, 'ERR_WIT_EXPIRED'],
    ['WSVID-3.4-04: exp in the past by just the clock tolerance', { claims: { exp: NOW - 30 } }, 'ERR_WIT_EXPIRED'],
    ['WSVID-3.5-02: nbf in the future', { claims: { nbf: NOW + 31 } }, 'ERR_WIT_NOT_YET_VALID'],
    ['CRED-5.1.4-01: nbf that is no time', { claims: { nbf: 'now' } }, 'ERR_WIT_CLAIM'],
    ['CRED-5.1.4-01: iat that is no time', { claims: { iat: null } }, 'ERR_WIT_CLAIM'],
    ['CRED-5.1.4-10: exp over the ceiling of a day', { claims: { exp: NOW + 86_400 + 31 } }, 'ERR_WIT_LIFETIME'],
    ['WSVID-3.5-05: exp over a set ceiling', { claims: { exp: NOW + 631 } }, 'ERR_WIT_LIFETIME', { maxLifetimeSeconds: 600 }],
    ['CRED-5.1-06: iss that is no URI', { claims: { iss: 'issuer' } }, 'ERR_WIT_CLAIM'],
    ['CRED-5.1-06: iss with white space around it', { claims: { iss: ' urn:a' } }, 'ERR_WIT_CLAIM'],
    ['CRED-5.1-06: iss that is no text', { claims: { iss: ['urn:a'] } }, 'ERR_WIT_CLAIM'],
    [
      'CRED-9.1-02: an issuer that is not listed',
      { claims: { iss: 'urn:c' } },
      'ERR_WIT_ISSUER',
      { issuers: { 'shop.example': ['urn:a'] } },
    ],
    ['CRED-9.1-02: no issuer where some are listed', {}, 'ERR_WIT_ISSUER', { issuers: { 'shop.example': ['urn:a'] } }],
    ['CRED-5.1-10, CRED-5.1.4-07, WSVID-3.2-02, WSVID-B-01: no cnf', { claims: { cnf: undefined } }, 'ERR_WIT_CNF'],
    ['WSVID-3.2-02: cnf null', { claims: { cnf: null } }, 'ERR_WIT_CNF'],
    ['CRED-5.1-11, WSVID-3.2-03: cnf with jkt only', { claims: { cnf: { jkt: 'abc' } } }, 'ERR_WIT_CNF'],
    ['CRED-5.1-11, WSVID-3.2-03: cnf with kid only', { claims: { cnf: { kid: '1' } } }, 'ERR_WIT_CNF'],
    ['CRED-5.1.4-07: cnf.jwk as text', { claims: { cnf: { jwk: '{}' } } }, 'ERR_WIT_CNF'],
    ['CRED-5.1.4-07: cnf.jwk as a list', { claims: { cnf: { jwk: [] } } }, 'ERR_WIT_CNF'],
    ['CRED-5.1-14, CRED-5.1.4-08, WSVID-3.2-04: cnf.jwk without alg', { jwk: { alg: undefined } }, 'ERR_WIT_CNF_ALG'],
    ['CRED-5.1-15: cnf.jwk.alg that is not registered', { jwk: { alg: 'FOO256' } }, 'ERR_WIT_CNF_ALG'],
    ['CRED-5.1-17: cnf.jwk.alg none', { jwk: { alg: 'none' } }, 'ERR_WIT_CNF_ALG'],
    ['CRED-5.1-18: cnf.jwk.alg HS256', { jwk: { alg: 'HS256' } }, 'ERR_WIT_CNF_ALG'],
    ['CRED-5.1-19: cnf.jwk.alg RSA-OAEP', { jwk: { alg: 'RSA-OAEP' } }, 'ERR_WIT_CNF_ALG'],
    ['CRED-5.1-19: cnf.jwk.alg ECDH-ES', { jwk: { alg: 'ECDH-ES' } }, 'ERR_WIT_CNF_ALG'],
    ['CRED-5.1-15: cnf.jwk.alg that does not fit the key', { jwk: { alg: 'ES384' } }, 'ERR_WIT_CNF_KEY'],
    [
      'CRED-5.1-18, WSVID-3.2-03: a symmetric key',
      { claims: { cnf: { jwk: { kty: 'oct', k: 'AAAA', alg: 'ES256' } } } },
      'ERR_WIT_CNF_KEY',
    ],
    ['CRED-5.1-11, CRED-9.4-01: a private key', { jwk: { d: 'AAAA' } }, 'ERR_WIT_CNF_KEY'],
    ['WSVID-3.2-03: a key for encryption', { jwk: { use: 'enc' } }, 'ERR_WIT_CNF_KEY'],
  ]
  it.each(rows.map(([title, forgery, code, options = {}]) => [title, forgery, code, options] as const))(
    '%s',
    async (_title, forgery, code, options) => {
      expect(await codeOf(world.verify(await world.forge(forgery), { profile, ...options }))).toBe(code)
    },
  )

  it.each<readonly [title: string, change: (token: string) => string]>([
    ['CRED-5.1-01: an unsecured JWT', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
    ['CRED-5.1-01, BCP-3.3-03: five parts', (token) => `${token}.AAAA.AAAA`],
    ['CRED-5.1.1-02: two parts', (token) => token.slice(0, token.lastIndexOf('.'))],
    ['CRED-5.1.1-02: padding', (token) => `${token}=`],
    ['CRED-5.1.1-02: white space', (token) => `${token} `],
    ['CRED-5.1.4-02: two tokens', (token) => `${token},${token}`],
    ['CRED-5.1.4-02: bad base64url', (token) => token.replace('.', '.+')],
    ['CRED-5.1.4-02: bad JSON', (token) => token.replace(/\.[^.]+\./, '.AAAA.')],
    ['CRED-5.1.4-02, BCP-3.14-01: JSON serialization', (token) => JSON.stringify({ payload: token })],
    ['CRED-5.1.4-02: nothing', () => ''],
    ['CRED-5.1.4-02: more than is read', (token) => token + 'A'.repeat(8192)],
  ])('%s', async (_title, change) => {
    expect(await codeOf(world.verify(change(await world.forge()), { profile }))).toBe('ERR_WIT_MALFORMED')
  })

  it('CRED-5.1.1-04: a token in another case', async () => {
    const token = await world.forge()
    expect(await codeOf(world.verify(token.toLowerCase(), { profile }))).not.toBe('ok')
  })

  it('CRED-3-04, CRED-5.1.4-06, WSVID-4-01: a signature by another key', async () => {
    expect(await codeOf(world.verify(await world.forge({ signer: await signerOf('other') }), { profile }))).toBe('ERR_WIT_SIGNATURE')
  })

  it('CRED-3-03, CRED-3-07: a key that the token itself brings, and asks nobody for one', async () => {
    const signer = await signerOf('other')
    const header = { jwk: signer.publicJwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example/chain' }
    let asked = 0
    const runtime = { ...world.runtime, fetch: () => Promise.reject(new Error(`asked ${++asked}`)) }
    expect(await codeOf(world.verify(await world.forge({ signer, header }), { profile, runtime }))).toBe('ERR_WIT_SIGNATURE')
    expect(asked).toBe(0)
  })
})

describe('the keys of a trust domain', () => {
  it('CRED-3-05, CRED-3-08: of several, the one that kid names', async () => {
    const [one, two] = [await signerOf('one'), await signerOf('two')]
    const trust = trustIn('shop.example', { one, two })
    for (const [kid, signer] of Object.entries({ one, two })) {
      expect((await world.verify(await world.forge({ header: { kid }, signer }), { trust })).identifier).toBe(SUBJECT)
    }
    expect(await codeOf(world.verify(await world.forge({ header: { kid: 'one' }, signer: two }), { trust }))).toBe('ERR_WIT_SIGNATURE')
  })

  it('WSVID-2.1-02: kid in its own case, whatever characters it has', async () => {
    const issuer = await signerOf('issuer')
    const trust = trustIn('shop.example', { 'A b/ü': issuer })
    expect(await codeOf(world.verify(await world.forge({ header: { kid: 'A b/ü' } }), { trust }))).toBe('ok')
    expect(await codeOf(world.verify(await world.forge({ header: { kid: 'a b/ü' } }), { trust }))).toBe('ERR_WIT_KEY_UNKNOWN')
  })

  it('CRED-3-09: without kid, the only one that fits, and never one of two', async () => {
    const token = await world.forge({ header: { kid: undefined } })
    const [issuer, other] = [await signerOf('issuer'), await signerOf('other')]
    expect(await codeOf(world.verify(token, { trust: trustIn('shop.example', { issuer }) }))).toBe('ok')
    const oneOfIts = trustIn('shop.example', { issuer, big: await signerOf('big', 'ES384') })
    expect(await codeOf(world.verify(token, { trust: oneOfIts }))).toBe('ok')
    expect(await codeOf(world.verify(token, { trust: trustIn('shop.example', { issuer, other }) }))).toBe('ERR_WIT_KEY_AMBIGUOUS')
    expect(await codeOf(world.verify(token, { trust: trustIn('shop.example', {}) }))).toBe('ERR_WIT_KEY_UNKNOWN')
  })

  it('CRED-3-01, CRED-3-04, CRED-9.1-01: an identifier of one trust domain signed by another', async () => {
    const token = await world.forge({ claims: { sub: 'spiffe://bank.example/ledger' } })
    const trust = trustIn('bank.example', { '1': await signerOf('bank') })
    expect(await codeOf(world.verify(token, { trust }))).toBe('ERR_WIT_SIGNATURE')
  })

  it('WSVID-6.2-01, WSVID-6.2-02, WSVID-6.2-03: those of other credentials serve for no WIT', async () => {
    const bundle = world.trust.bundle((await world.verify(await world.forge())).trustDomain)
    const trust = { ...world.trust, bundle: () => ({ ...bundle, jwtAuthorities: bundle.witAuthorities, witAuthorities: [] }) }
    expect(await codeOf(world.verify(await world.forge(), { trust }))).toBe('ERR_WIT_KEY_UNKNOWN')
  })
})

describe('the differences of the profiles', () => {
  it.each<readonly [title: string, forgery: Forgery, wimse: string, svid: string]>([
    ['BCP-3.11-01, WSVID-2.2-02: application/ before typ', { header: { typ: 'application/wit+jwt' } }, 'ok', 'ERR_WIT_TYP'],
    ['CRED-5.1.4-05, WSVID-2.2-02: typ in another case', { header: { typ: 'WIT+JWT' } }, 'ok', 'ERR_WIT_TYP'],
    ['CRED-5.1-21, WSVID-3.1-02: the scheme wimse', { claims: { sub: 'wimse://shop.example/orders' } }, 'ok', 'ERR_WIT_SUB'],
    ['CRED-3-09, WSVID-2.1-01, WSVID-B-01: no kid', { header: { kid: undefined } }, 'ok', 'ERR_WIT_KID_MISSING'],
    ['WSVID-3.8-01, WSVID-B-04: aud', { claims: { aud: 'https://payments.shop.example' } }, 'ok', 'ERR_WIT_AUD'],
    ['WSVID-3.8-01: aud as a list', { claims: { aud: [] } }, 'ok', 'ERR_WIT_AUD'],
  ])('%s', async (_title, forgery, wimse, svid) => {
    const token = await world.forge(forgery)
    expect(await codeOf(world.verify(token, { profile: 'wimse' }))).toBe(wimse)
    expect(await codeOf(world.verify(token, { profile: 'wit-svid' }))).toBe(svid)
  })

  const all: readonly SignatureAlgorithm[] = [...new Set([...WIMSE_ALGORITHMS, ...SVID_ALGORITHMS])]
  const takes = { wimse: WIMSE_ALGORITHMS, 'wit-svid': SVID_ALGORITHMS }

  it.each(all)('CRED-5.1-20, CRED-3-07, WSVID-2.3-01, WSVID-2.3-02: a WIT signed with %s', async (algorithm) => {
    const issuer = await signerOf('issuer', algorithm)
    const token = await world.forge({ signer: issuer })
    const trust = trustIn('shop.example', { '1': issuer })
    for (const profile of profiles) {
      expect(await codeOf(world.verify(token, { profile, trust }))).toBe(takes[profile].includes(algorithm) ? 'ok' : 'ERR_WIT_ALG')
    }
  })

  it.each(all)('CRED-5.1-15, WSVID-3.2-04: a key for %s in cnf', async (algorithm) => {
    const { signer } = await generateSigner(algorithm, world.runtime)
    const token = await world.forge({ claims: { cnf: { jwk: signer.publicJwk } } })
    for (const profile of profiles) {
      expect(await codeOf(world.verify(token, { profile }))).toBe(takes[profile].includes(algorithm) ? 'ok' : 'ERR_WIT_CNF_ALG')
    }
  })
})

describe('a verified WIT', () => {
  it('CRED-4-02, CRED-7-03: takes the identity from sub alone, and holds what proofs need', async () => {
    const token = await world.forge({ claims: { iss: 'spiffe://bank.example/issuer', nested: { a: [1] } } })
    const wit = await world.verify(token, { profile: 'wit-svid' })
    expect(wit).toMatchObject({ token, identifier: SUBJECT, trustDomain: 'shop.example', expiresAt: NOW + 300, refusedFrom: NOW + 330 })
    expect(wit.issuer).toBe('spiffe://bank.example/issuer')
    expect(wit.confirmation.thumbprint).toBe((await signerOf('workload')).thumbprint)
    expect(() => assertVerifiedWit(wit)).not.toThrow()
  })

  it('WSVID-3.3-04: is used many times', async () => {
    const verify = createWitVerifier({ trust: world.trust, profile: 'wit-svid', runtime: world.runtime, cacheSize: 0 })
    const token = await world.forge()
    await verify(token)
    expect((await verify(token)).identifier).toBe(SUBJECT)
  })

  it('can be changed by nobody, as one object serves many requests', async () => {
    const wit = await world.verify(await world.forge({ claims: { groups: { names: ['a'] } } }))
    const groups = wit.claims['groups'] as { names: string[] }
    expect(() => groups.names.push('admin')).toThrow(TypeError)
    expect(() => Object.assign(wit.claims, { sub: 'x' })).toThrow(TypeError)
    expect(() => Object.assign(wit, { identifier: 'x' })).toThrow(TypeError)
  })

  it('CRED-7-03: is not what merely looks like one', async () => {
    const wit = await world.verify(await world.forge())
    expect(await codeOf(() => assertVerifiedWit({ ...wit }))).toBe('ERR_OPTIONS_INVALID')
  })
})

it.each<readonly [string, object]>([
  ['an unknown profile', { profile: 'none' }],
  ['the name of an inherited member as the profile', { profile: 'toString' }],
  ['a clock tolerance over 120 s', { clockToleranceSeconds: 121 }],
  ['a negative one', { clockToleranceSeconds: -1 }],
  ['one that is no number', { clockToleranceSeconds: Number.NaN }],
  ['a lifetime that is no number', { maxLifetimeSeconds: Number.NaN }],
  ['a token size that is no number', { maxTokenBytes: Number.NaN }],
  ['a cache size that is no number', { cacheSize: Number.NaN }],
  ['a negative cache size', { cacheSize: -1 }],
])('refuses %s as an option', async (_title, options) => {
  const all = { trust: world.trust, profile: 'wimse', runtime: world.runtime, ...options } as VerifyWitOptions
  expect(await codeOf(() => createWitVerifier(all))).toBe('ERR_OPTIONS_INVALID')
  expect(await codeOf(() => verifyWit('', { ...all, cacheSize: 0 }))).toBe(
    'cacheSize' in options ? 'ERR_WIT_MALFORMED' : 'ERR_OPTIONS_INVALID',
  )
})

it('no error holds any of the token', async () => {
  const tokens = [await world.forge({ claims: { exp: 1 } }), await world.forge({ claims: { sub: 'spiffe://evil.example/secret' } })]
  tokens.push(await forgeJws({ typ: 'wit+jwt', alg: 'ES256' }, { sub: 'secret' }, await signerOf('other')), 'secret.secret')
  for (const token of tokens) {
    const error: unknown = await world.verify(token).catch((reason: unknown) => reason)
    const seen = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause)
    expect(seen).not.toContain('secret')
    for (const part of token.split('.')) expect(seen).not.toContain(part)
  }
})
