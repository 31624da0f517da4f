import type { ErrorCode, JsonObject } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthenticatedClient,
  type AuthorizationGrantContents,
  type ClaimsTable,
  createTargetTable,
  createTranscription,
  issueAccessToken,
  issueAuthorizationGrant,
  type Target,
  type TranscribedClaims,
  type VerifyAuthorizationGrantOptions,
  verifyAuthorizationGrant,
} from '../src/index.ts'
import { BANK, codeOf, createWorld, type Forgery, LEDGER, NOW, ORDERS, PAYMENTS, SHOP, type World } from './support/world.ts'

let world: World
let payments: AuthenticatedClient
let orders: AuthenticatedClient
let count = 0
beforeAll(async () => {
  world = await createWorld()
  payments = await world.clientOf(world.payments)
  orders = await world.clientOf(world.orders)
})

/** A grant without fault but for what is told. */
function forge(forgery: Forgery = {}): Promise<string> {
  count += 1
  return world.forge(
    {
      header: { typ: 'authorization-grant+jwt', kid: '1' },
      claims: {
        iss: SHOP,
        sub: 'spiffe://shop.example/services',
        aud: BANK,
        iat: NOW,
        exp: NOW + 60,
        jti: `grant-${count}`,
        client_id: PAYMENTS,
        scope: 'post read',
        requested_cnf: { jkt: world.payments.signer.thumbprint },
      },
    },
    forgery,
  )
}

function redeem(grant: string, changes: Partial<VerifyAuthorizationGrantOptions> = {}): ReturnType<typeof verifyAuthorizationGrant> {
  const { issuers, replay, runtime } = world
  return verifyAuthorizationGrant(grant, { issuers, audience: BANK, client: payments, scope: undefined, replay, runtime, ...changes })
}

function issue(changes: Partial<AuthorizationGrantContents> = {}): ReturnType<typeof issueAuthorizationGrant> {
  const contents = {
    audience: BANK,
    subject: 'alice',
    actors: [{ sub: PAYMENTS }],
    scope: ['post'],
    client: payments.identifier,
    ...changes,
  }
  return issueAuthorizationGrant(contents, { issuer: SHOP, signer: world.signer, keyId: '1', runtime: world.runtime })
}

describe('a grant', () => {
  it('CHN-2.3.3-02, CHN-2.3.3-04, CHN-2.4.2-01, CHN-2.4.2-02, CHN-5.5-02, CHN-B.3-01, CHN-B.3-02, CHN-B.3-03: is issued in one domain and redeemed in the other', async () => {
    const { confirmation } = payments
    const { token, expiresAt, expiresInSeconds, jti } = await issue(
      confirmation === undefined ? {} : { confirmation, claims: { tier: 'gold' } },
    )
    expect([expiresAt, expiresInSeconds]).toEqual([NOW + 60, 60])
    expect(await redeem(token)).toMatchObject({
      issuer: SHOP,
      subject: 'alice',
      actors: [{ sub: PAYMENTS }],
      scope: ['post'],
      confirmation: { jkt: world.payments.signer.thumbprint },
      jti,
      expiresAt,
      claims: { aud: BANK, tier: 'gold' },
    })
  })

  it('TEX-5-01: does not outlive what it was made of', async () => {
    expect(await issue({ notAfter: NOW + 10.5 })).toMatchObject({ expiresAt: NOW + 10, expiresInSeconds: 10 })
    expect(await codeOf(issue({ notAfter: NOW }))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
  })

  it.each([
    ['CHN-5.5-02: that lives two minutes', { lifetimeSeconds: 120 }, 'ERR_OPTIONS_INVALID'],
    ['that lives no second', { lifetimeSeconds: 0.5 }, 'ERR_OPTIONS_INVALID'],
    ['CHN-2.3.3-02: for no authorization server', { audience: 'bank' }, 'ERR_OPTIONS_INVALID'],
    ['without a subject', { subject: '' }, 'ERR_OPTIONS_INVALID'],
    ['TEX-6-03: with a claim that it has for itself', { claims: { aud: 'x' } }, 'ERR_OPTIONS_INVALID'],
    ['without a scope', { scope: [] }, 'ERR_EXCHANGE_SCOPE'],
  ] as readonly (readonly [string, Partial<AuthorizationGrantContents>, ErrorCode])[])(
    'is not issued: %s',
    async (_title, changes, code) => {
      expect(await codeOf(issue(changes))).toBe(code)
    },
  )

  it('CHN-5.5-01: is not issued for anyone', async () => {
    const anyone = { audience: BANK, subject: 'alice', actors: [], scope: ['post'] }
    const options = { issuer: SHOP, signer: world.signer, keyId: '1', runtime: world.runtime }
    expect(await codeOf(issueAuthorizationGrant(anyone, options))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(issueAuthorizationGrant({ ...anyone, client: payments.identifier }, { ...options, keyId: '' }))).toBe(
      'ERR_OPTIONS_INVALID',
    )
  })

  it.each([
    ['without fault', {}],
    ['JAS-4-05: with aud as a list of one', { claims: { aud: [BANK] } }],
    ['with the client named alone', { claims: { requested_cnf: undefined } }],
    ['with the key named alone', { claims: { client_id: undefined } }],
    ['without kid, where one key fits', { header: { kid: undefined } }],
    ['BCP-3.11-01: with application/ before typ', { header: { typ: 'application/authorization-grant+jwt' } }],
  ] as readonly (readonly [string, Forgery])[])('is redeemed: %s', async (_title, forgery) => {
    expect(await codeOf(redeem(await forge(forgery)))).toBe('ok')
  })

  it('JAS-4-04, CHN-2.4.2-02: is redeemed when it names the token endpoint and that is configured', async () => {
    const grant = await forge({ claims: { aud: `${BANK}/token` } })
    expect(await codeOf(redeem(grant, { audience: [BANK, `${BANK}/token`] }))).toBe('ok')
    expect(await codeOf(redeem(grant))).toBe('ERR_EXCHANGE_GRANT_AUD')
  })

  it('CHN-2.5-04: gives the part of the scope that is asked for, and no more', async () => {
    expect((await redeem(await forge(), { scope: ['read'] })).scope).toEqual(['read'])
    expect(await codeOf(redeem(await forge(), { scope: ['read', 'admin'] }))).toBe('ERR_EXCHANGE_SCOPE')
    expect(await codeOf(redeem(await forge({ claims: { scope: undefined } })))).toBe('ERR_EXCHANGE_SCOPE')
  })

  const rows: readonly (readonly [title: string, forgery: Forgery, code: ErrorCode])[] = [
    ['without typ', { header: { typ: undefined } }, 'ERR_EXCHANGE_GRANT_TYP'],
    ['BCP-3.12-01: of typ at+jwt', { header: { typ: 'at+jwt' } }, 'ERR_EXCHANGE_GRANT_TYP'],
    ['of typ JWT', { header: { typ: 'JWT' } }, 'ERR_EXCHANGE_GRANT_TYP'],
    ['with alg none', { header: { alg: 'none' } }, 'ERR_EXCHANGE_GRANT_ALG'],
    ['with alg HS256', { header: { alg: 'HS256' } }, 'ERR_EXCHANGE_GRANT_ALG'],
    ['with the alg of another kind of key', { header: { alg: 'ES384' } }, 'ERR_EXCHANGE_GRANT_ALG'],
    ['with crit', { header: { crit: ['a'], a: 1 } }, 'ERR_EXCHANGE_GRANT_MALFORMED'],
    ['with a kid that is a number', { header: { kid: 1 } }, 'ERR_EXCHANGE_GRANT_MALFORMED'],
    ['CHN-2.1-01, CHN-2.4.2-04: of an unknown issuer', { claims: { iss: BANK } }, 'ERR_EXCHANGE_GRANT_ISSUER'],
    ['CHN-2.4.2-01: without iss', { claims: { iss: undefined } }, 'ERR_EXCHANGE_GRANT_ISSUER'],
    ['JAS-4-02: of the issuer with a slash behind it', { claims: { iss: `${SHOP}/` } }, 'ERR_EXCHANGE_GRANT_ISSUER'],
    ['CHN-2.1-01: with an unknown kid', { header: { kid: '2' } }, 'ERR_EXCHANGE_GRANT_KEY_UNKNOWN'],
    ['CHN-2.4.2-01: without exp', { claims: { exp: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without iat', { claims: { iat: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with nbf as a text', { claims: { nbf: 'x' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['not valid yet', { claims: { nbf: NOW + 31 } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['CHN-2.4.2-01: expired', { claims: { iat: NOW - 90, exp: NOW - 30 } }, 'ERR_EXCHANGE_GRANT_EXPIRED'],
    ['CHN-5.5-02: that lives too long', { claims: { exp: NOW + 61 } }, 'ERR_EXCHANGE_GRANT_LIFETIME'],
    ['CHN-2.4.2-02: for a third domain', { claims: { aud: 'https://tokens.other.example' } }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['CHN-2.4.2-02, JAS-4-01: without aud', { claims: { aud: undefined } }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['CHN-2.3.3-04: for two domains', { claims: { aud: [BANK, SHOP] } }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['JAS-4-02: for the issuer in other letters', { claims: { aud: BANK.toUpperCase() } }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['CHN-2.4.2-03: without sub', { claims: { sub: undefined } }, 'ERR_EXCHANGE_GRANT_SUBJECT'],
    ['CHN-5.5-03: without jti', { claims: { jti: undefined } }, 'ERR_EXCHANGE_GRANT_JTI'],
    ['with a jti that is too long to remember', { claims: { jti: 'a'.repeat(257) } }, 'ERR_EXCHANGE_GRANT_JTI'],
    ['TEX-4.1-01: with act as a text', { claims: { act: 'x' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['TEX-4.2-01: with scope as a list', { claims: { scope: ['post'] } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['CHN-5.5-04: for another client', { claims: { client_id: ORDERS } }, 'ERR_EXCHANGE_GRANT_CLIENT'],
    ['CHN-5.5-01: for anyone', { claims: { client_id: undefined, requested_cnf: undefined } }, 'ERR_EXCHANGE_GRANT_CLIENT'],
    ['CHN-B.3-04: for another key', { claims: { requested_cnf: { jkt: 'A'.repeat(43) } } }, 'ERR_EXCHANGE_GRANT_CLIENT'],
    ['CHN-B.3-04: for a certificate', { claims: { requested_cnf: { 'x5t#S256': 'A'.repeat(43) } } }, 'ERR_EXCHANGE_GRANT_CLIENT'],
    ['with a key that is no thumbprint', { claims: { requested_cnf: { jkt: 'x' } } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with two keys', { claims: { requested_cnf: { jkt: 'A'.repeat(43), 'x5t#S256': 'A'.repeat(43) } } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
  ]
  it.each(rows)('is refused: %s', async (_title, forgery, code) => {
    expect(await codeOf(redeem(await forge(forgery)))).toBe(code)
  })

  it('CHN-2.1-01: is refused when another key has signed it', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    expect(await codeOf(redeem(await forge({ signer })))).toBe('ERR_EXCHANGE_GRANT_SIGNATURE')
  })

  it('CHN-5.5-04: is refused when another workload presents it, and still good for its own', async () => {
    const grant = await forge()
    expect(await codeOf(redeem(grant, { client: orders }))).toBe('ERR_EXCHANGE_GRANT_CLIENT')
    expect(await codeOf(redeem(grant))).toBe('ok')
  })

  it('CHN-5.5-03, CHN-5.4-02: is redeemed once', async () => {
    const grant = await forge()
    const ends = await Promise.all([codeOf(redeem(grant)), codeOf(redeem(grant)), codeOf(redeem(grant))])
    expect(ends.sort()).toEqual(['ERR_EXCHANGE_GRANT_REPLAYED', 'ERR_EXCHANGE_GRANT_REPLAYED', 'ok'])
  })

  it('is not used up by a request that fails for another reason', async () => {
    const grant = await forge()
    expect(await codeOf(redeem(grant, { scope: ['admin'] }))).toBe('ERR_EXCHANGE_SCOPE')
    expect(await codeOf(redeem(grant))).toBe('ok')
  })

  it('BCP-3.12-01: is no access token, and an access token is no grant', async () => {
    const { confirmation, identifier: client } = payments
    if (confirmation === undefined) throw new Error('no key')
    const contents = { audience: BANK, subject: 'alice', actors: [], scope: ['post'], client, confirmation, lifetimeSeconds: 60 }
    const { token } = await issueAccessToken(contents, { issuer: SHOP, signer: world.signer, keyId: '1', runtime: world.runtime })
    expect(await codeOf(redeem(token))).toBe('ERR_EXCHANGE_GRANT_TYP')
  })

  it('is refused when a character of it changes', async () => {
    const grant = await forge()
    for (let at = 0; at < grant.length; at += 3) {
      const changed = grant.slice(0, at) + (grant[at] === 'A' ? 'B' : 'A') + grant.slice(at + 1)
      expect(await codeOf(redeem(changed)), `at ${at}`).toMatch(/^ERR_EXCHANGE_GRANT_/)
    }
  })

  it('options that are none are refused', async () => {
    const grant = await forge()
    expect(await codeOf(redeem(grant, { audience: [] }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(redeem(grant, { maxLifetimeSeconds: 61 }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(redeem(grant, { clockToleranceSeconds: Number.NaN }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(redeem(grant, { client: { ...payments } }))).toBe('ERR_OPTIONS_INVALID')
  })
})

describe('a transcription', () => {
  const table: ClaimsTable = {
    subjects: [
      { from: 'spiffe://shop.example/*', to: 'spiffe://shop.example/services' },
      { from: 'alice', to: 'customer' },
      { from: 'bob' },
    ],
    actors: [{ from: 'spiffe://shop.example/*', to: 'spiffe://shop.example/services' }],
    scope: { pay: 'post', read: 'read' },
    claims: { level: { as: 'assurance', values: { high: 'substantial' } }, locale: {} },
  }
  const run = (claims: JsonObject, scope?: readonly string[]): TranscribedClaims => createTranscription(table)(claims, { scope })

  it('CHN-2.5-01, CHN-2.5-02, CHN-6-01: carries over what the table lists, and nothing else', () => {
    const claims = { sub: ORDERS, scope: 'pay refund', level: 'high', locale: 'de', email: 'a@b.example', act: { sub: PAYMENTS, x: 1 } }
    expect(run(claims)).toEqual({
      subject: 'spiffe://shop.example/services',
      actors: [{ sub: 'spiffe://shop.example/services' }],
      scope: ['post'],
      claims: { assurance: 'substantial', locale: 'de' },
    })
    expect(run({ sub: 'bob', scope: 'read', level: 'low', locale: 7 })).toEqual({ subject: 'bob', actors: [], scope: ['read'], claims: {} })
  })

  it('carries over the members of a claim that the table lists, and whose claim it was, where there is one', () => {
    const members = { worker: {}, requester: { as: 'for' }, kind: { values: { night: 'late' } } }
    const carry = createTranscription({ ...table, claims: { deferral: { as: 'job', members, subjectAs: 'user' } } })
    const deferral = { worker: 'w', requester: 'r', kind: 'night', txn: 't', uses: 1 }
    const { subject, claims } = carry({ sub: 'alice', scope: 'read', deferral }, { scope: undefined })
    expect([subject, claims]).toEqual(['customer', { job: { worker: 'w', for: 'r', kind: 'late', user: 'alice' } }])
    for (const other of [
      {},
      { deferral: 'w' },
      { deferral: ['w'] },
      { deferral: null },
      { deferral: {} },
      { deferral: { worker: 3, txn: 't' } },
    ]) {
      expect(carry({ sub: 'alice', scope: 'read', ...other }, { scope: undefined }).claims).toEqual({})
    }
  })

  it('CHN-2.3.1-02, CHN-2.5-04: gives the scope that is asked for', () => {
    expect(run({ sub: 'alice', scope: 'pay read' }, ['read']).scope).toEqual(['read'])
  })

  it.each([
    ['CHN-2.5-03: a scope that the token has not', { scope: 'read' }, ['pay'], 'ERR_EXCHANGE_SCOPE'],
    ['a scope that does not cross', { scope: 'read refund' }, ['refund'], 'ERR_EXCHANGE_SCOPE'],
    ['no scope that crosses', { scope: 'refund' }, undefined, 'ERR_EXCHANGE_SCOPE'],
    ['no scope', {}, undefined, 'ERR_EXCHANGE_SCOPE'],
    ['CHN-2.4.2-03: a subject without a rule', { sub: 'mallory', scope: 'read' }, undefined, 'ERR_EXCHANGE_TRANSCRIPTION'],
    ['a subject that is no text', { sub: 7, scope: 'read' }, undefined, 'ERR_EXCHANGE_TRANSCRIPTION'],
    ['an actor without a rule: a chain is not cut', { scope: 'read', act: { sub: 'mallory' } }, undefined, 'ERR_EXCHANGE_TRANSCRIPTION'],
    ['a chain that is none', { scope: 'read', act: 'x' }, undefined, 'ERR_EXCHANGE_ACTOR_CHAIN'],
  ] as readonly (readonly [string, JsonObject, readonly string[] | undefined, ErrorCode])[])(
    'refuses %s',
    async (_title, claims, scope, code) => {
      expect(await codeOf(() => run({ sub: 'alice', ...claims }, scope))).toBe(code)
    },
  )

  it.each([
    ['makes a claim that tokens have for themselves', { claims: { level: { as: 'aud' } } }],
    ['carries one over', { claims: { cnf: {} } }],
    ['makes one claim of two', { claims: { a: { as: 'c' }, b: { as: 'c' } } }],
    ['makes one member of two', { claims: { a: { members: { b: {}, c: { as: 'b' } } } } }],
    ['makes a member of the subject that is one already', { claims: { a: { members: { b: {} }, subjectAs: 'b' } } }],
    ['names a subject beside no members', { claims: { a: { subjectAs: 'b' } } }],
    ['has values for an object', { claims: { a: { members: { b: {} }, values: { c: 'd' } } } }],
    ['makes an empty name', { subjects: [{ from: '*', to: '' }] }],
    ['makes two scope values of one', { scope: { pay: 'post read' } }],
  ] as readonly (readonly [string, Partial<ClaimsTable>])[])('is refused as a table when it %s', async (_title, change) => {
    expect(await codeOf(() => createTranscription({ ...table, ...change }))).toBe('ERR_OPTIONS_INVALID')
  })
})

describe('targets', () => {
  const bank: Target = { audience: BANK, names: ['bank'], resources: [`${BANK}/`], allow: [PAYMENTS] }
  const ledger: Target = { audience: LEDGER, allow: ['spiffe://shop.example/*'] }
  const table = createTargetTable([bank, ledger])
  const resolve = (audiences: readonly string[], resources: readonly string[] = [], by = payments): Target =>
    table.resolve({ audiences, resources }, by.identifier)

  it('CHN-2.3.1-03, CHN-2.3.1-04, CHN-2.3.1-05, TEX-2.1-12: are found by name, by URI, and by several of one', () => {
    expect([resolve(['bank']), resolve([BANK]), resolve([], [BANK]), resolve(['bank'], [`${BANK}/`])]).toEqual([bank, bank, bank, bank])
    expect(resolve([LEDGER], [], orders)).toBe(ledger)
  })

  it.each([
    ['CHN-2.3.1-03: none', [], [], 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['TEX-2.2.2-03, CHN-2.3.2-02: an unknown name', ['other'], [], 'ERR_EXCHANGE_TARGET'],
    ['CHN-2.3.1-04: the URI of a resource behind it', [], [`${BANK}/accounts`], 'ERR_EXCHANGE_TARGET'],
    ['TEX-2.1.1-01, TEX-2.1.1-03: two of them', ['bank', LEDGER], [], 'ERR_EXCHANGE_TARGET'],
    ['a known and an unknown one', ['bank', 'other'], [], 'ERR_EXCHANGE_TARGET'],
    ['a name where a URI belongs', [], ['bank'], 'ERR_EXCHANGE_TARGET'],
    ['a name that every object has', ['constructor'], [], 'ERR_EXCHANGE_TARGET'],
  ] as const)('are refused: %s', async (_title, audiences, resources, code) => {
    expect(await codeOf(() => resolve(audiences, resources))).toBe(code)
  })

  it('CHN-2.3.2-03: are refused to clients that may not ask for them', async () => {
    expect(await codeOf(() => resolve(['bank'], [], orders))).toBe('ERR_EXCHANGE_TARGET')
  })

  it('TEX-2.1-11: have names of their own', async () => {
    expect(await codeOf(() => createTargetTable([bank, { ...ledger, names: ['bank'] }]))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(() => createTargetTable([bank, { ...ledger, names: [''] }]))).toBe('ERR_OPTIONS_INVALID')
  })
})
