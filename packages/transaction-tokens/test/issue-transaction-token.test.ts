import { type ErrorCode, formatBase64url, type JsonObject, type JsonValue, utf8 } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { issueTransactionToken, type TokenServiceOptions, type TransactionGrant } from '../src/index.ts'
import { codeOf, createWorld, forgeJws, NOW, partsOf, SHOP, STOREFRONT, signerOf, type World } from './support/world.ts'

const GRANT: TransactionGrant = { trustDomain: SHOP, subject: 'ada', scope: ['orders.place'], requester: STOREFRONT }
let world: World
let options: TokenServiceOptions
beforeAll(async () => {
  world = await createWorld()
  options = { signer: world.service, keyId: '1', runtime: world.runtime }
})

const issue = (grant: Partial<TransactionGrant> = {}, more: Partial<TokenServiceOptions> = {}): Promise<string> =>
  issueTransactionToken({ ...GRANT, ...grant }, { ...options, ...more })

describe('an issued transaction token', () => {
  it('TXN-9-01, TXN-9.1-01, TXN-9.1-02, TXN-9.1-03, TXN-9.2-01: has this header, these claims and no others', async () => {
    const [header, claims] = partsOf(await issue({ transaction: 't-1' }))
    expect(header).toEqual({ alg: 'ES256', typ: 'txntoken+jwt', kid: '1' })
    expect(claims).toEqual({
      iat: NOW,
      aud: 'shop.example',
      exp: NOW + 60,
      txn: 't-1',
      sub: 'ada',
      scope: 'orders.place',
      req_wl: STOREFRONT,
    })
  })

  it('TXN-9.2-13, TXN-9.2-14, TXN-9.2.2-01, TXN-9.2.3-01, TXN-11.3-11: has the contexts, iss and more claims that it is given', async () => {
    const grant = { transactionContext: { amount: 1 }, requesterContext: { req_ip: '192.0.2.1' }, claims: { 'shop.example/x': [null] } }
    const verified = await world.verify(await issue(grant, { issuer: 'https://tokens.shop.example' }))
    expect(verified).toMatchObject({
      transactionContext: { amount: 1 },
      requesterContext: { req_ip: '192.0.2.1' },
      issuer: 'https://tokens.shop.example',
      claims: { 'shop.example/x': [null] },
    })
  })

  it('TXN-11.3-05, TXN-11.3-06, TXN-11.3-08, TXN-13.1-01: begins now, ends after the lifetime asked for, and is for the trust domain', async () => {
    const verified = await world.verify(await issue({ lifetimeSeconds: 300 }))
    expect(verified).toMatchObject({ issuedAt: NOW, expiresAt: NOW + 300, trustDomain: SHOP })
  })

  it('TXN-9.2-07, TXN-11.3-10, TXN-13.2-01: has a transaction identifier of 128 random bits of its own', async () => {
    const names = await Promise.all(Array.from({ length: 100 }, async () => partsOf(await issue())[1]?.['txn']))
    expect(new Set(names).size).toBe(100)
    for (const name of names) expect(name).toMatch(/^[\w-]{22}$/)
  })

  it('TXN-6-02, TXN-11.3-09: ends with the token that was presented', async () => {
    expect((await world.verify(await issue({ subjectExpiresAt: NOW + 5 }))).expiresAt).toBe(NOW + 5)
    expect((await world.verify(await issue({ subjectExpiresAt: NOW + 500 }))).expiresAt).toBe(NOW + 60)
  })

  it('TXN-13.4-01: may hold texts with dots that are no tokens', async () => {
    const transactionContext = { host: 'payments.shop.example', version: '1.2.3', text: 'a.b.c', empty: '', 'x.y.z': ['eyJ.eyJ.x'] }
    expect(await codeOf(issue({ transactionContext }))).toBe('ok')
  })
})

describe('no transaction token is issued', () => {
  const nested = (depth: number): JsonValue => (depth === 0 ? 1 : { a: nested(depth - 1) })
  const rows: readonly (readonly [title: string, code: ErrorCode, grant: object, options?: object])[] = [
    ['TXN-6-02: for a token that has expired', 'ERR_TXN_SUBJECT_EXPIRED', { subjectExpiresAt: NOW - 1 }],
    ['TXN-6-02: for a token that expires now', 'ERR_TXN_SUBJECT_EXPIRED', { subjectExpiresAt: NOW }],
    ['TXN-6-02: for a token whose end is no time', 'ERR_OPTIONS_INVALID', { subjectExpiresAt: Number.NaN }],
    ['TXN-6-05, TXN-13.1-01: that lives too long', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 301 }],
    ['TXN-13.1-01: that lives longer than configured', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 31 }, { maxLifetimeSeconds: 30 }],
    ['TXN-9.2-06: without a lifetime', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 0 }],
    ['TXN-9.2-06: with a lifetime that is no number', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: Number.NaN }],
    ['TXN-9.2-04: for a service', 'ERR_TRUST_DOMAIN_MALFORMED', { trustDomain: 'https://payments.shop.example' }],
    ['TXN-9.2-08: without a principal', 'ERR_TXN_SUB', { subject: '' }],
    ['TXN-9.2-07: with an empty transaction', 'ERR_TXN_TXN', { transaction: '' }],
    ['TXN-9.2-11: without scope', 'ERR_TXN_SCOPE', { scope: [] }],
    ['TXN-9.2-11: with two values as one', 'ERR_TXN_SCOPE', { scope: ['a b'] }],
    ['TXN-9.2-11: with a text as scope', 'ERR_TXN_SCOPE', { scope: 'ab' }],
    ['TXN-9.2-15: for something that is no workload', 'ERR_IDENTIFIER_MALFORMED', { requester: 'storefront' }],
    ['TXN-9.2-13: with a list as context', 'ERR_TXN_CONTEXT', { transactionContext: [] }],
    ['TXN-9.2-14: with a text as context', 'ERR_TXN_CONTEXT', { requesterContext: 'x' }],
    ['TXN-9.2-13: with a context that is no JSON', 'ERR_TXN_CONTEXT', { transactionContext: { a: 1n } }],
    ['TXN-9.2-13: with a number that JSON has not', 'ERR_TXN_CONTEXT', { transactionContext: { a: [Number.NaN] } }],
    ['TXN-9.2-13: with an object of a class', 'ERR_TXN_CONTEXT', { transactionContext: { a: new Date(0) } }],
    ['TXN-9.2-13: with a member that nothing is', 'ERR_TXN_CONTEXT', { transactionContext: { a: undefined } }],
    ['TXN-9.2-13: with half a character', 'ERR_TXN_CONTEXT', { transactionContext: { a: '\ud800' } }],
    ['TXN-9.2-13: with __proto__', 'ERR_TXN_CONTEXT', { transactionContext: JSON.parse('{"__proto__":1}') }],
    ['TXN-9.2-13: with a context too deep', 'ERR_TXN_CONTEXT', { transactionContext: nested(40) }],
    ['TXN-9-01: larger than recipients accept', 'ERR_TXN_TOO_LARGE', { transactionContext: { a: 'x'.repeat(8192) } }],
    ['TXN-9.1-03: without a key identifier', 'ERR_OPTIONS_INVALID', {}, { keyId: '' }],
    ['TXN-9.2-01: with an issuer that is none', 'ERR_OPTIONS_INVALID', {}, { issuer: 'a: b' }],
    ['TXN-12.2-02: with an algorithm that recipients do not take', 'ERR_TXN_ALG', {}, { algorithms: ['PS256'] }],
    ['TXN-13.4-01: where a presented token is empty', 'ERR_OPTIONS_INVALID', {}, { presentedTokens: [''] }],
  ]
  it.each(rows.map(([title, code, grant, more = {}]) => [title, code, grant, more] as const))(
    '%s (%s)',
    async (_title, code, grant, more) => {
      expect(await codeOf(issue(grant, more))).toBe(code)
    },
  )

  it.each(['iss', 'iat', 'aud', 'exp', 'nbf', 'jti', 'txn', 'sub', 'scope', 'req_wl', 'tctx', 'rctx'])(
    'TXN-9.2.3-02: where more claims have %s',
    async (name) => {
      expect(await codeOf(issue({ claims: { [name]: 'x' } }))).toBe('ERR_OPTIONS_INVALID')
    },
  )
})

describe('TXN-13.4-01: no token stands in a transaction token', () => {
  const places: readonly (readonly [place: string, grant: (text: string) => Partial<TransactionGrant>])[] = [
    ['tctx', (text) => ({ transactionContext: { token: text } })],
    ['rctx', (text) => ({ requesterContext: { token: text } })],
    ['a list deep in tctx', (text) => ({ transactionContext: { a: [{ b: [text] }] } })],
    ['a member name', (text) => ({ transactionContext: { [text]: true } as JsonObject })],
    ['a claim of its own', (text) => ({ claims: { x: text } })],
    ['sub', (text) => ({ subject: text.slice(0, 2048) })],
    ['txn', (text) => ({ transaction: text.slice(0, 256) })],
    ['scope', (text) => ({ scope: [text.replaceAll(/[\s"]/g, ':')] })],
  ]

  it.each(places)('a JWT in %s', async (_place, grant) => {
    const token = await forgeJws({ alg: 'EdDSA' }, { a: 1 }, await signerOf('external', 'Ed25519'))
    for (const text of [token, `Bearer ${token}`, `"${token}";`, `a.${token}.b`, `${token.slice(0, token.lastIndexOf('.'))}.`]) {
      expect(await codeOf(issue(grant(text)))).toBe('ERR_TXN_EMBEDDED_TOKEN')
    }
  })

  it.each(['', ' ', '\t', '\n', '\r', ' \r\n\t '])('a JOSE header with %j before it', async (space) => {
    const token = `${formatBase64url(utf8(`${space}{"alg":"ES256"}`))}.aa.bb`
    expect(await codeOf(issue({ transactionContext: { token } }))).toBe('ERR_TXN_EMBEDDED_TOKEN')
  })

  it('a JWE', async () => {
    const token = `${formatBase64url(utf8('{"alg":"dir","enc":"A128GCM"}'))}..aa.bb.cc`
    expect(await codeOf(issue({ transactionContext: { token } }))).toBe('ERR_TXN_EMBEDDED_TOKEN')
  })

  it.each(places)('the opaque token that was presented, in %s', async (_place, grant) => {
    const presentedTokens = ['2YotnFZFEjr1zCsicMWpAA']
    expect(await codeOf(issue(grant('2YotnFZFEjr1zCsicMWpAA'), { presentedTokens }))).toBe('ERR_TXN_EMBEDDED_TOKEN')
    expect(await codeOf(issue(grant('x2YotnFZFEjr1zCsicMWpAAx'), { presentedTokens }))).toBe('ERR_TXN_EMBEDDED_TOKEN')
    expect(await codeOf(issue(grant('2YotnFZFEjr1zCsicMWp'), { presentedTokens }))).toBe('ok')
  })
})
