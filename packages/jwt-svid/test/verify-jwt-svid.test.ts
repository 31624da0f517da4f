import { type CryptoEngine, type ErrorCode, type FieldLines, parseTrustDomain, type Runtime, WimseError } from '@wimse/core'
import { type SignatureAlgorithm, SVID_ALGORITHMS } from '@wimse/keys'
import { createTestAuthority } from '@wimse/testing'
import { createTrustStore, keyAuthority, type TrustSink } from '@wimse/trust'
import { beforeAll, describe, expect, it } from 'vitest'
import { readBearerField, type VerifyJwtSvidOptions, verifyJwtSvid } from '../src/index.ts'
import { AUDIENCE, codeOf, createWorld, type Forgery, NOW, SUBJECT, signerOf, trustIn, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

type Options = Partial<VerifyJwtSvidOptions>

describe('a JWT-SVID is accepted', () => {
  const rows: readonly (readonly [title: string, forgery: Forgery, options?: Options])[] = [
    ['JSVID-5.1-01, JSVID-4-02, JSVID-3.1-01, JSVID-2-01: without fault', {}],
    ['JSVID-2.3-02: with typ JOSE', { header: { typ: 'JOSE' } }],
    ['JSVID-2.3-02: without typ', { header: { typ: undefined } }],
    ['JSVID-2.2-01: without kid, where one key fits', { header: { kid: undefined } }],
    ['JSVID-4-03: with aud as text', { claims: { aud: AUDIENCE } }],
    ['JSVID-3.2-03: with the own audience among several', { claims: { aud: ['https://a.example', AUDIENCE] } }],
    ['JSVID-3.2-03: with one of several own audiences', {}, { audience: ['spiffe://shop.example/payments', AUDIENCE] }],
    ['JSVID-A-05: with exp in the past within the clock tolerance', { claims: { exp: NOW - 29 } }],
    ['JSVID-3.3-02, JSVID-4-04: with exp at the ceiling', { claims: { exp: NOW + 3600 } }],
    ['JSVID-7.1-02: with jti and other claims, which are ignored', { claims: { jti: 'a', 'shop.example/zone': [1] } }],
    ['BCP-3.1-01: with an algorithm of the policy', {}, { algorithms: { default: ['ES256'] } }],
  ]
  it.each(rows.map(([title, forgery, options = {}]) => [title, forgery, options] as const))('%s', async (_title, forgery, options) => {
    expect(await world.verify(await world.forge(forgery), options)).toMatchObject({
      kind: 'jwt-svid',
      identifier: SUBJECT,
      trustDomain: 'shop.example',
    })
  })

  it.each(SVID_ALGORITHMS)('JSVID-2.1-01: with %s', async (algorithm) => {
    const signer = await signerOf('issuer', algorithm)
    const trust = trustIn('shop.example', { '1': signer })
    expect(await codeOf(world.verify(await world.forge({ signer }), { trust }))).toBe('ok')
  })

  it('JSVID-7.1-02: twice', async () => {
    const token = await world.forge({ claims: { jti: 'a' } })
    expect([await codeOf(world.verify(token)), await codeOf(world.verify(token))]).toEqual(['ok', 'ok'])
  })
})

describe('a JWT-SVID is refused', () => {
  const rows: readonly (readonly [title: string, forgery: Forgery, code: ErrorCode, options?: Options])[] = [
    ['JSVID-2.1-02, JSVID-A-01, JSVID-4-01: with alg none', { header: { alg: 'none' } }, 'ERR_JWT_SVID_ALG'],
    ['JSVID-2.1-02: with alg HS256', { header: { alg: 'HS256' } }, 'ERR_JWT_SVID_ALG'],
    ['JSVID-2.1-02: with alg EdDSA', { header: { alg: 'EdDSA' } }, 'ERR_JWT_SVID_ALG'],
    ['JSVID-2.1-02: with alg ES256K', { header: { alg: 'ES256K' } }, 'ERR_JWT_SVID_ALG'],
    ['JSVID-2.1-02: without alg', { header: { alg: undefined } }, 'ERR_JWT_SVID_ALG'],
    ['BCP-3.1-03: with alg ES384 for a key of ES256', { header: { alg: 'ES384' } }, 'ERR_JWT_SVID_ALG'],
    ['BCP-3.1-04: with an algorithm outside the policy', {}, 'ERR_JWT_SVID_ALG', { algorithms: { default: ['RS256'] } }],
    ['BCP-3.1-04: where the policy leaves no algorithm', {}, 'ERR_JWT_SVID_ALG', { algorithms: { default: [] } }],
    ['JSVID-2-01: with jku', { header: { jku: 'https://evil.example' } }, 'ERR_JWT_SVID_HEADER'],
    ['JSVID-2-01: with jwk', { header: { jwk: {} } }, 'ERR_JWT_SVID_HEADER'],
    ['JSVID-2-01: with crit', { header: { crit: ['a'], a: 1 } }, 'ERR_JWT_SVID_HEADER'],
    ['JSVID-2.3-02, WSVID-7.1-04, BCP-3.11-05: with typ wit+jwt', { header: { typ: 'wit+jwt' } }, 'ERR_JWT_SVID_TYP'],
    ['JSVID-2.3-02: with typ at+jwt', { header: { typ: 'at+jwt' } }, 'ERR_JWT_SVID_TYP'],
    ['JSVID-2.3-02: with typ jwt', { header: { typ: 'jwt' } }, 'ERR_JWT_SVID_TYP'],
    ['JSVID-3.1-01: without sub', { claims: { sub: undefined } }, 'ERR_JWT_SVID_SUB'],
    ['JSVID-3.1-01: with sub that is no identifier', { claims: { sub: 'orders' } }, 'ERR_JWT_SVID_SUB'],
    ['JSVID-3.1-01: with a wimse identifier', { claims: { sub: 'wimse://shop.example/orders' } }, 'ERR_JWT_SVID_SUB'],
    ['JSVID-3.1-01: with two identifiers', { claims: { sub: [SUBJECT] } }, 'ERR_JWT_SVID_SUB'],
    ['JSVID-6.2-03: of an unknown trust domain', { claims: { sub: 'spiffe://evil.example/x' } }, 'ERR_JWT_SVID_TRUST_DOMAIN'],
    ['BCP-3.10-01: with an unknown kid', { header: { kid: '2' } }, 'ERR_JWT_SVID_KEY_UNKNOWN'],
    ['BCP-3.10-01: with a kid that is no text', { header: { kid: 1 } }, 'ERR_JWT_SVID_MALFORMED'],
    ['JSVID-3.3-02, JSVID-4-05: without exp', { claims: { exp: undefined } }, 'ERR_JWT_SVID_EXP'],
    ['JSVID-3.3-02: with exp null', { claims: { exp: null } }, 'ERR_JWT_SVID_EXP'],
    ['JSVID-3.3-02: with exp as text', { claims: { exp: String(NOW + 300) } }, 'ERR_JWT_SVID_EXP'],
    ['JSVID-4-04, JSVID-A-04: with exp in the past', { claims: { exp: NOW - 3600 } }, 'ERR_JWT_SVID_EXPIRED'],
    ['JSVID-4-04: with exp now, without clock tolerance', { claims: { exp: NOW } }, 'ERR_JWT_SVID_EXPIRED', { clockToleranceSeconds: 0 }],
    ['JSVID-A-05: with exp beyond the clock tolerance', { claims: { exp: NOW - 30 } }, 'ERR_JWT_SVID_EXPIRED'],
    ['JSVID-4-02: with nbf in the future', { claims: { nbf: NOW + 31 } }, 'ERR_JWT_SVID_NOT_YET_VALID'],
    ['JSVID-4-02: with nbf that is no time', { claims: { nbf: 'x' } }, 'ERR_JWT_SVID_CLAIM'],
    ['JSVID-4-02: with iat that is no time', { claims: { iat: null } }, 'ERR_JWT_SVID_CLAIM'],
    ['JSVID-3.3-03: with exp over the ceiling', { claims: { exp: NOW + 3631 } }, 'ERR_JWT_SVID_LIFETIME'],
    ['JSVID-3.2-02, JSVID-A-02, JSVID-4-05: without aud', { claims: { aud: undefined } }, 'ERR_JWT_SVID_AUD_MISSING'],
    ['JSVID-3.2-02: with an empty aud', { claims: { aud: [] } }, 'ERR_JWT_SVID_AUD_MISSING'],
    ['JSVID-4-03: with aud that is no text', { claims: { aud: [AUDIENCE, 1] } }, 'ERR_JWT_SVID_CLAIM'],
    ['JSVID-3.2-03, BCP-3.9-02: with another audience', { claims: { aud: ['https://a.example'] } }, 'ERR_JWT_SVID_AUD'],
    ['JSVID-3.2-03: with the audience in another case', { claims: { aud: AUDIENCE.toUpperCase() } }, 'ERR_JWT_SVID_AUD'],
    ['JSVID-3.2-03: with a longer audience', { claims: { aud: `${AUDIENCE}/charges` } }, 'ERR_JWT_SVID_AUD'],
  ]
  it.each(rows.map(([title, forgery, code, options = {}]) => [title, forgery, code, options] as const))(
    '%s',
    async (_title, forgery, code, options) => {
      expect(await codeOf(world.verify(await world.forge(forgery), options))).toBe(code)
    },
  )

  it.each<readonly [title: string, change: (token: string) => string]>([
    ['JSVID-1-01, JSVID-5.1-02: in JSON serialization', (token) => JSON.stringify({ payload: token, signatures: [{ header: {} }] })],
    ['JSVID-2-02: encrypted, in five parts', (token) => `${token}.AAAA.AAAA`],
    ['JSVID-5.1-01: in two parts', (token) => token.slice(0, token.lastIndexOf('.'))],
    ['JSVID-5.1-01: in more octets than are read', (token) => token + 'A'.repeat(8192)],
  ])('%s', async (_title, change) => {
    expect(await codeOf(world.verify(change(await world.forge())))).toBe('ERR_JWT_SVID_MALFORMED')
  })

  it('JSVID-4-02: when another key has signed it', async () => {
    expect(await codeOf(world.verify(await world.forge({ signer: await signerOf('other') })))).toBe('ERR_JWT_SVID_SIGNATURE')
  })

  it('JSVID-2.2-01: without kid, where two keys fit', async () => {
    const trust = trustIn('shop.example', { '1': world.issuer, '2': await signerOf('other') })
    expect(await codeOf(world.verify(await world.forge({ header: { kid: undefined } }), { trust }))).toBe('ERR_JWT_SVID_KEY_UNKNOWN')
  })

  it('JSVID-6.2-01, JSVID-6.2-02, JSVID-6.2-03: by keys that the trust domain has for WITs alone', async () => {
    const bundle = world.trust.bundle(parseTrustDomain('shop.example'))
    const trust = { ...world.trust, bundle: () => ({ ...bundle, witAuthorities: bundle.jwtAuthorities, jwtAuthorities: [] }) }
    expect(await codeOf(world.verify(await world.forge(), { trust }))).toBe('ERR_JWT_SVID_KEY_UNKNOWN')
  })

  it('WSVID-7.1-04, BCP-3.12-01: when it is a WIT, although every key is known', async () => {
    const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime: world.runtime })
    const { witAuthorities = [] } = authority.contents()
    const bundle = { trustDomain: authority.trustDomain, x509Authorities: [], jwtAuthorities: witAuthorities, witAuthorities }
    const trust = { bundle: () => bundle, refresh: async () => false }
    const { credential } = await authority.issueWit(SUBJECT)
    expect(await codeOf(world.verify(credential.token, { trust }))).toBe('ERR_JWT_SVID_TYP')
  })

  it.each<SignatureAlgorithm>(['EdDSA', 'Ed25519'])('JSVID-2.1-02: when it is well signed with %s', async (algorithm) => {
    const signer = await signerOf('issuer', algorithm)
    const trust = trustIn('shop.example', { '1': signer })
    expect(await codeOf(world.verify(await world.forge({ signer }), { trust }))).toBe('ERR_JWT_SVID_ALG')
  })
})

describe('of several faults the earliest decides', () => {
  const faults: readonly (readonly [code: ErrorCode, fault: Forgery])[] = [
    ['ERR_JWT_SVID_AUD_MISSING', { claims: { aud: undefined } }],
    ['ERR_JWT_SVID_LIFETIME', { claims: { exp: NOW + 100_000 } }],
    ['ERR_JWT_SVID_CLAIM', { claims: { iat: 'x' } }],
    ['ERR_JWT_SVID_NOT_YET_VALID', { claims: { nbf: NOW + 100 } }],
    ['ERR_JWT_SVID_EXPIRED', { claims: { exp: NOW - 100 } }],
    ['ERR_JWT_SVID_SIGNATURE', {}],
    ['ERR_JWT_SVID_KEY_UNKNOWN', { header: { kid: '2' } }],
    ['ERR_JWT_SVID_TRUST_DOMAIN', { claims: { sub: 'spiffe://evil.example/x' } }],
    ['ERR_JWT_SVID_SUB', { claims: { sub: 'x' } }],
    ['ERR_JWT_SVID_TYP', { header: { typ: 'x' } }],
    ['ERR_JWT_SVID_HEADER', { header: { jku: 'x' } }],
    ['ERR_JWT_SVID_ALG', { header: { alg: 'none' } }],
  ]
  it.each(faults.map(([code], index) => [code, index] as const))('JSVID-4-01: %s', async (code, index) => {
    let verifications = 0
    const crypto: CryptoEngine = {
      ...world.runtime.crypto,
      verify(...args) {
        verifications += 1
        return world.runtime.crypto.verify(...args)
      },
    }
    const runtime: Runtime = { ...world.runtime, crypto }
    const chosen = faults.slice(0, index + 1).map(([, fault]) => fault)
    const header = Object.assign({}, ...chosen.map((fault) => fault.header))
    const claims = Object.assign({}, ...chosen.map((fault) => fault.claims))
    const signed = index < faults.findIndex(([other]) => other === 'ERR_JWT_SVID_SIGNATURE')
    const token = await world.forge({ header, claims, signer: signed ? world.issuer : await signerOf('other') })
    const trust = trustIn('shop.example', { '1': world.issuer }, runtime)
    expect(await codeOf(world.verify(token, { trust, runtime }))).toBe(code)
    expect(verifications).toBe(signed || code === 'ERR_JWT_SVID_SIGNATURE' ? 1 : 0)
  })
})

describe('the anchors', () => {
  it('are asked for again once, when a kid is unknown, and are not used when they are stale', async () => {
    const [one, two] = [await signerOf('issuer'), await signerOf('other')]
    const trustDomain = parseTrustDomain('shop.example')
    let sink: TrustSink | undefined
    let refreshes = 0
    const publish = (keys: Readonly<Record<string, typeof one>>): void =>
      sink?.replace([
        { trustDomain, jwtAuthorities: Object.entries(keys).map(([kid, { publicJwk }]) => keyAuthority({ ...publicJwk, kid })) },
      ])
    const { runtime, forge } = await createWorld()
    const trust = createTrustStore({
      sources: [
        {
          origin: 'test',
          trustDomains: [trustDomain],
          async start(given) {
            sink = given
            publish({ '1': one })
          },
          async refresh() {
            refreshes += 1
            publish({ '1': one, '2': two })
          },
          close() {},
        },
      ],
      runtime,
    })
    await trust.start()
    const verify = (token: string): Promise<unknown> => verifyJwtSvid(token, { trust, audience: AUDIENCE, runtime })
    expect(await codeOf(verify(await forge({ header: { kid: '2' }, signer: two })))).toBe('ok')
    expect(await codeOf(verify(await forge({ header: { kid: '3' } })))).toBe('ERR_JWT_SVID_KEY_UNKNOWN')
    expect(refreshes).toBe(1)
    sink?.lost(new WimseError('ERR_TRUST_STALE'))
    runtime.advance(3601)
    expect(await codeOf(verify(await forge({ claims: { exp: NOW + 3700 } })))).toBe('ERR_TRUST_STALE')
  })
})

describe('the field Authorization', () => {
  it.each<readonly [string, FieldLines]>([
    ['JSVID-5.2-01: is read', [['Authorization', 'Bearer a.b.c']]],
    ['JSVID-5.2-01: is found in any case, with the scheme in any case and any number of spaces', [['AUTHORIZATION', ' bearer   a.b.c ']]],
  ])('%s', (_title, fields) => {
    expect(readBearerField(fields)).toBe('a.b.c')
  })

  it.each<readonly [string, FieldLines, ErrorCode]>([
    ['missing', [], 'ERR_JWT_SVID_MISSING'],
    ['with another scheme', [['authorization', 'WPT a.b.c']], 'ERR_JWT_SVID_MISSING'],
    ['with a longer scheme', [['authorization', 'BearerX a.b.c']], 'ERR_JWT_SVID_MISSING'],
    ['without a token', [['authorization', 'Bearer']], 'ERR_JWT_SVID_MALFORMED'],
    ['with two tokens', [['authorization', 'Bearer a.b.c, Bearer a.b.c']], 'ERR_JWT_SVID_MALFORMED'],
    ['with other white space', [['authorization', 'Bearer \u00a0a.b.c']], 'ERR_JWT_SVID_MALFORMED'],
    [
      'twice',
      [
        ['authorization', 'WPT a.b.c'],
        ['authorization', 'Bearer a.b.c'],
      ],
      'ERR_JWT_SVID_MALFORMED',
    ],
  ])('JSVID-5.2-01: is refused %s', async (_title, fields, code) => {
    expect(await codeOf(() => readBearerField(fields))).toBe(code)
  })
})

it.each<readonly [string, object]>([
  ['JSVID-A-03: no audience', { audience: [] }],
  ['JSVID-A-03: an empty audience', { audience: '' }],
  ['JSVID-A-03: an audience that is not given', { audience: undefined }],
  ['a clock tolerance over 120 s', { clockToleranceSeconds: 121 }],
  ['a clock tolerance that is no number', { clockToleranceSeconds: Number.NaN }],
  ['a lifetime that is no number', { maxLifetimeSeconds: Number.NaN }],
  ['a token size that is no number', { maxTokenBytes: Number.NaN }],
])('%s is refused as an option', async (_title, options) => {
  expect(await codeOf(world.verify(await world.forge(), options))).toBe('ERR_OPTIONS_INVALID')
})
