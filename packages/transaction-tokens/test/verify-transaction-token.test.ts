import type { ErrorCode } from '@wimse/core'
import { formatBase64url } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createTransactionTokenVerifier,
  staticTokenServiceKeys,
  type VerifyTransactionTokenOptions,
  verifyTransactionToken,
} from '../src/index.ts'
import { CLAIMS, codeOf, createWorld, type Forgery, jwksOf, NOW, ORDERS, SHOP, STOREFRONT, signerOf, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

type Options = Partial<VerifyTransactionTokenOptions>

describe('a transaction token is accepted', () => {
  const rows: readonly (readonly [title: string, forgery: Forgery, options?: Options])[] = [
    [
      'TXN-9-01, TXN-9.1-01, TXN-9.1-02, TXN-9.2-02, TXN-9.2-03, TXN-9.2-04, TXN-9.2-06, TXN-9.2-07, TXN-9.2-08, TXN-9.2-11, TXN-9.2-15, TXN-12.2-02, TXN-12.2-03, TXN-12.2-04: without fault',
      {},
    ],
    ['TXN-9.1-02: with application/ before typ, in any case', { header: { typ: 'application/TxnToken+JWT' } }],
    ['TXN-9.1-03: without kid, where one key fits', { header: { kid: undefined } }],
    ['TXN-9.2-01: with iss', { claims: { iss: 'https://tokens.shop.example' } }],
    ['TXN-9.2-13, TXN-9.2-14: without contexts', { claims: { tctx: undefined, rctx: undefined } }],
    ['TXN-9.2-15: with a chain of requesters', { claims: { req_wl: [STOREFRONT, ORDERS] } }],
    ['TXN-9.2-15: with a requester that is no URI', { claims: { req_wl: 'apigateway.trust-domain.example' } }],
    ['TXN-9.2.2-02: with members that nobody understands', { claims: { rctx: { x: [1] }, 'shop.example/y': 1, act: null } }],
    ['TXN-12.2-04: with exp a moment ahead', { claims: { exp: NOW + 0.001 } }],
    [
      'TXN-12.2-04: with exp in the past within a tolerance that is configured',
      { claims: { exp: NOW - 9 } },
      { clockToleranceSeconds: 10 },
    ],
    ['TXN-9.2-02: with iat ahead by what clocks differ', { claims: { iat: NOW + 30 } }],
    ['TXN-13.1-01: with the longest lifetime', { claims: { exp: NOW + 600 } }],
  ]
  it.each(rows.map(([title, forgery, options = {}]) => [title, forgery, options] as const))('%s', async (_title, forgery, options) => {
    expect(await codeOf(world.forge(forgery).then((token) => world.verify(token, options)))).toBe('ok')
  })

  it.each(['ES384', 'ES512', 'PS256', 'Ed25519'] as const)('TXN-12.2-02: signed with %s', async (algorithm) => {
    const other = await createWorld(algorithm)
    expect(await codeOf(other.verify(await other.forge()))).toBe('ok')
  })

  it('TXN-9.2-08, TXN-9.2-15, TXN-12.2-06, TXN-15.2-02: and says what it is about, and its hash', async () => {
    const token = await world.forge({ claims: { req_wl: [STOREFRONT, ORDERS] } })
    const verified = await world.verify(token)
    expect(verified).toMatchObject({
      token,
      hash: world.runtime.crypto.digestText('sha-256', token),
      trustDomain: SHOP,
      transaction: CLAIMS['txn'],
      subject: CLAIMS['sub'],
      scope: ['orders.place', 'payments.charge'],
      requestingWorkloads: [STOREFRONT, ORDERS],
      transactionContext: CLAIMS['tctx'],
      requesterContext: CLAIMS['rctx'],
      issuedAt: NOW,
      expiresAt: NOW + 60,
      refusedFrom: NOW + 60,
      issuer: undefined,
    })
    expect(Object.isFrozen(verified.transactionContext?.['customer'])).toBe(true)
  })

  it('TXN-9.2-10: iss makes no other principal of the same sub', async () => {
    const [one, other] = await Promise.all([
      world.verify(await world.forge()),
      world.verify(await world.forge({ claims: { iss: 'urn:other' } })),
    ])
    expect(one.subject).toBe(other.subject)
  })

  it('TXN-9.1-03, TXN-13.11-01: signed with a key that is about to go, while its kid is published', async () => {
    const keys = staticTokenServiceKeys({ [SHOP]: jwksOf({ '1': world.service, '2': await signerOf('next') }) })
    for (const forgery of [{}, { header: { kid: '2' }, signer: await signerOf('next') }]) {
      expect(await codeOf(world.verify(await world.forge(forgery), { keys }))).toBe('ok')
    }
  })
})

describe('a transaction token is refused', () => {
  const long = 'x'.repeat(3000)
  const rows: readonly (readonly [title: string, code: ErrorCode, forgery: Forgery, options?: Options])[] = [
    ['TXN-9.1-01: without typ', 'ERR_TXN_TYP', { header: { typ: undefined } }],
    ['TXN-9.1-02: of typ JWT', 'ERR_TXN_TYP', { header: { typ: 'JWT' } }],
    ['TXN-9.1-02: of typ at+jwt', 'ERR_TXN_TYP', { header: { typ: 'at+jwt' } }],
    ['TXN-9.1-02: of typ wit+jwt', 'ERR_TXN_TYP', { header: { typ: 'wit+jwt' } }],
    ['TXN-9-01: without a signature algorithm', 'ERR_TXN_ALG', { header: { alg: 'none' } }],
    ['TXN-12.2-02: with a symmetric algorithm', 'ERR_TXN_ALG', { header: { alg: 'HS256' } }],
    ['TXN-12.2-02: with an algorithm that the key does not fit', 'ERR_TXN_ALG', { header: { alg: 'ES384' } }],
    ['TXN-12.2-02: with an algorithm that is not configured', 'ERR_TXN_ALG', {}, { algorithms: ['ES384'] }],
    ['TXN-12.2-02: with an unknown kid', 'ERR_TXN_KEY_UNKNOWN', { header: { kid: '9' } }],
    ['TXN-9.1-03: with a kid that is no text', 'ERR_TXN_MALFORMED', { header: { kid: 1 } }],
    ['TXN-9-01: with a critical header', 'ERR_TXN_MALFORMED', { header: { crit: ['x'] } }],
    ['TXN-9.2-03: without aud', 'ERR_TXN_AUD_MISSING', { claims: { aud: undefined } }],
    ['TXN-9.2-05, TXN-12.2-03: for another trust domain', 'ERR_TXN_AUD', { claims: { aud: 'bank.example' } }],
    ['TXN-12.2-03: for a trust domain below', 'ERR_TXN_AUD', { claims: { aud: 'eu.shop.example' } }],
    ['TXN-9.2-04: for a service', 'ERR_TXN_AUD', { claims: { aud: 'https://payments.shop.example' } }],
    ['TXN-12.2-03: for this trust domain and another one', 'ERR_TXN_AUD', { claims: { aud: ['shop.example', 'bank.example'] } }],
    ['TXN-12.2-03: for this trust domain in a list', 'ERR_TXN_AUD', { claims: { aud: ['shop.example'] } }],
    ['TXN-9.2-06: without exp', 'ERR_TXN_EXP', { claims: { exp: undefined } }],
    ['TXN-9.2-06: with exp as text', 'ERR_TXN_EXP', { claims: { exp: String(NOW + 60) } }],
    ['TXN-12.2-04: with exp in the past', 'ERR_TXN_EXPIRED', { claims: { exp: NOW - 1 } }],
    ['TXN-12.2-04: with exp now', 'ERR_TXN_EXPIRED', { claims: { exp: NOW } }],
    ['TXN-12.2-04: with exp at the end of the tolerance', 'ERR_TXN_EXPIRED', { claims: { exp: NOW - 10 } }, { clockToleranceSeconds: 10 }],
    ['TXN-9.2-02: without iat', 'ERR_TXN_IAT', { claims: { iat: undefined } }],
    ['TXN-9.2-02: with iat as text', 'ERR_TXN_IAT', { claims: { iat: 'now' } }],
    ['TXN-9.2-02: from the future', 'ERR_TXN_NOT_YET_VALID', { claims: { iat: NOW + 31 } }],
    ['TXN-9.2-02: with nbf in the future', 'ERR_TXN_NOT_YET_VALID', { claims: { nbf: NOW + 31 } }],
    ['TXN-9-01: with nbf as text', 'ERR_TXN_CLAIM', { claims: { nbf: '1' } }],
    ['TXN-6-01, TXN-6-05, TXN-13.1-01: that lives too long', 'ERR_TXN_LIFETIME', { claims: { exp: NOW + 601 } }],
    ['TXN-13.1-01: that was issued long ago and lives still', 'ERR_TXN_LIFETIME', { claims: { iat: NOW - 600 } }],
    ['TXN-13.1-01: that lives longer than configured', 'ERR_TXN_LIFETIME', {}, { maxLifetimeSeconds: 59 }],
    ['TXN-9.2-07: without txn', 'ERR_TXN_TXN', { claims: { txn: undefined } }],
    ['TXN-9.2-07: with an empty txn', 'ERR_TXN_TXN', { claims: { txn: '' } }],
    ['TXN-9.2-07: with a number as txn', 'ERR_TXN_TXN', { claims: { txn: 1 } }],
    ['TXN-9.2-07: with an endless txn', 'ERR_TXN_TXN', { claims: { txn: 'x'.repeat(257) } }],
    ['TXN-9.2-08: without sub', 'ERR_TXN_SUB', { claims: { sub: undefined } }],
    ['TXN-9.2-08: with an object as sub', 'ERR_TXN_SUB', { claims: { sub: {} } }],
    ['TXN-9.2-08: with an endless sub', 'ERR_TXN_SUB', { claims: { sub: long } }],
    ['TXN-9.2-11: without scope', 'ERR_TXN_SCOPE', { claims: { scope: undefined } }],
    ['TXN-9.2-11: with an empty scope', 'ERR_TXN_SCOPE', { claims: { scope: '' } }],
    ['TXN-9.2-11: with a list as scope', 'ERR_TXN_SCOPE', { claims: { scope: ['a'] } }],
    ['TXN-9.2-11: with two spaces in the scope', 'ERR_TXN_SCOPE', { claims: { scope: 'a  b' } }],
    ['TXN-9.2-11: with a space at the end of the scope', 'ERR_TXN_SCOPE', { claims: { scope: 'a ' } }],
    ['TXN-9.2-11: with a quotation mark in the scope', 'ERR_TXN_SCOPE', { claims: { scope: 'a"' } }],
    ['TXN-9.2-15: without req_wl', 'ERR_TXN_REQ_WL', { claims: { req_wl: undefined } }],
    ['TXN-9.2-15: with an empty req_wl', 'ERR_TXN_REQ_WL', { claims: { req_wl: '' } }],
    ['TXN-9.2-15: with an empty chain', 'ERR_TXN_REQ_WL', { claims: { req_wl: [] } }],
    ['TXN-9.2-15: with a chain that is no texts', 'ERR_TXN_REQ_WL', { claims: { req_wl: [STOREFRONT, 1] } }],
    ['TXN-9.2-15: with a chain of chains', 'ERR_TXN_REQ_WL', { claims: { req_wl: [[STOREFRONT]] } }],
    ['TXN-9.2-15: with a req_wl that has a colon and is no URI', 'ERR_TXN_REQ_WL', { claims: { req_wl: 'spiffe://shop.example/a b' } }],
    ['TXN-13.15-09: with an endless chain', 'ERR_TXN_REQ_WL', { claims: { req_wl: Array.from({ length: 17 }, () => STOREFRONT) } }],
    ['TXN-9.2-13: with a list as tctx', 'ERR_TXN_CLAIM', { claims: { tctx: [] } }],
    ['TXN-9.2-14: with a text as rctx', 'ERR_TXN_CLAIM', { claims: { rctx: 'x' } }],
    ['TXN-9.2-01: with an iss that is none', 'ERR_TXN_CLAIM', { claims: { iss: 1 } }],
  ]
  it.each(rows.map(([title, code, forgery, options = {}]) => [title, code, forgery, options] as const))(
    '%s (%s)',
    async (_title, code, forgery, options) => {
      expect(await codeOf(world.forge(forgery).then((token) => world.verify(token, options)))).toBe(code)
    },
  )

  it('TXN-12.2-02: signed with another key', async () => {
    expect(await codeOf(world.verify(await world.forge({ signer: await signerOf('other') })))).toBe('ERR_TXN_SIGNATURE')
  })

  it('TXN-13.16-01: signed with a key that it brings along or leads to', async () => {
    const signer = await signerOf('other')
    const header = { jwk: signer.publicJwk, jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5c' }
    expect(await codeOf(world.verify(await world.forge({ signer, header })))).toBe('ERR_TXN_SIGNATURE')
    const token = await world.forge({ signer, header: { ...header, kid: 'evil' }, claims: { iss: 'https://evil.example' } })
    expect(await codeOf(world.verify(token))).toBe('ERR_TXN_KEY_UNKNOWN')
  })

  it('TXN-9.1-03: without kid, where several keys fit', async () => {
    const keys = staticTokenServiceKeys({ [SHOP]: jwksOf({ '1': world.service, '2': await signerOf('next') }) })
    expect(await codeOf(world.verify(await world.forge({ header: { kid: undefined } }), { keys }))).toBe('ERR_TXN_KEY_AMBIGUOUS')
  })

  it('TXN-9-01: as a JWE, in another serialization, too long, or as no text', async () => {
    const token = await world.forge()
    const jwe = `${formatBase64url(new TextEncoder().encode('{"alg":"dir","enc":"A128GCM","typ":"txntoken+jwt"}'))}.a.b.c.d`
    for (const wrong of [jwe, '', '..', JSON.stringify({ payload: token }), `${token}.`, ` ${token}`, `${token}\n`, 'x'.repeat(9000)]) {
      expect(await codeOf(world.verify(wrong))).toBe('ERR_TXN_MALFORMED')
    }
    expect(await codeOf(world.verify(7 as unknown as string))).toBe('ERR_TXN_MALFORMED')
    expect(await codeOf(world.verify(token, { maxTokenBytes: token.length - 1 }))).toBe('ERR_TXN_MALFORMED')
  })

  it('TXN-12.2-02: where the keys are those of another trust domain', async () => {
    const keys = staticTokenServiceKeys({ 'bank.example': jwksOf({ '1': world.service }) })
    expect(await codeOf(world.verify(await world.forge(), { keys }))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
  })

  it('TXN-12.2-06: once it was stopped, remembered or not', async () => {
    const denied = new Set<string>()
    const verify = createTransactionTokenVerifier({
      keys: world.keys,
      audience: SHOP,
      runtime: world.runtime,
      isDenied: ({ transaction, subject }) => denied.has(transaction) || denied.has(subject),
    })
    const token = await world.forge()
    expect(await codeOf(verify(token))).toBe('ok')
    for (const name of ['txn', 'sub']) {
      denied.add(String(CLAIMS[name]))
      expect(await codeOf(verify(token))).toBe('ERR_TXN_DENIED')
      expect(await codeOf(world.verify(token, { isDenied: async () => true }))).toBe('ERR_TXN_DENIED')
      denied.clear()
    }
    expect(await codeOf(world.verify(token, { isDenied: async () => false }))).toBe('ok')
  })
})

it('TXN-13.2-02: a transaction token is accepted as often as its transaction makes calls', async () => {
  const token = await world.forge()
  const options = { keys: world.keys, audience: SHOP, runtime: world.runtime }
  const verify = createTransactionTokenVerifier(options)
  expect([await codeOf(verify(token)), await codeOf(verify(token)), await codeOf(verifyTransactionToken(token, options))]).toEqual([
    'ok',
    'ok',
    'ok',
  ])
})

it.each<readonly [title: string, options: Options]>([
  ['no algorithm', { algorithms: [] }],
  ['an unknown algorithm', { algorithms: ['none' as 'ES256'] }],
  ['a tolerance below zero', { clockToleranceSeconds: -1 }],
  ['a tolerance of hours', { clockToleranceSeconds: 121 }],
  ['a lifetime that is no number', { maxLifetimeSeconds: Number.NaN }],
  ['a size of nothing', { maxTokenBytes: 0 }],
  ['half a cache', { cacheSize: 0.5 }],
])('a verifier with %s is refused', async (_title, options) => {
  const { keys, runtime } = world
  expect(await codeOf(() => createTransactionTokenVerifier({ keys, audience: SHOP, runtime, ...options }))).toBe('ERR_OPTIONS_INVALID')
})

it('TXN-12.2-03: a verifier whose audience is no trust domain is refused', async () => {
  const { keys } = world
  for (const audience of ['', 'https://shop.example', 'spiffe://shop.example', 'Shop.example']) {
    expect(await codeOf(() => createTransactionTokenVerifier({ keys, audience }))).toBe('ERR_TRUST_DOMAIN_MALFORMED')
  }
})
