import { type ErrorCode, type JsonObject, parseTrustDomain } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthenticatedClient,
  checkRedemption,
  type DeferredGrantContents,
  hashOfParameters,
  issueDeferredGrant,
  jwtSvidAuthentication,
  MAX_DEFERRED_GRANT_LIFETIME_SECONDS,
  type RedemptionRequest,
  TOKEN_TYPES,
  type VerifiedDeferredGrant,
  verifyDeferredGrant,
} from '../src/index.ts'
import { BANK, clientRequest, codeOf, createWorld, type Forgery, NOW, ORDERS, PAYMENTS, SHOP, type World } from './support/world.ts'

const PARAMETERS = { order: '4711', amount: 12 }
const END = NOW + 86_400
const deferral = { worker: 'spiffe://shop.example/*', action: 'settle', parameters: PARAMETERS, end: END } as const

let world: World
let payments: AuthenticatedClient
let orders: AuthenticatedClient
let parametersHash: string
beforeAll(async () => {
  world = await createWorld()
  payments = await world.clientOf(world.payments)
  orders = await world.clientOf(world.orders)
  parametersHash = await hashOfParameters(PARAMETERS, world.runtime)
})

function issue(changes: Partial<DeferredGrantContents> = {}, runtime = world.runtime): ReturnType<typeof issueDeferredGrant> {
  const contents = {
    subject: 'user:alice',
    subjectTokenType: TOKEN_TYPES.accessToken,
    actors: [{ sub: ORDERS }],
    scope: ['pay', 'read'],
    requester: orders.identifier,
    transaction: 'txn-1',
    deferral,
    ...changes,
  }
  return issueDeferredGrant(contents, { issuer: SHOP, signer: world.signer, keyId: '1', runtime })
}

function verify(token: string, changes: Partial<Parameters<typeof verifyDeferredGrant>[1]> = {}): Promise<VerifiedDeferredGrant> {
  const { issuers, runtime } = world
  return verifyDeferredGrant(token, { issuers, issuer: SHOP, runtime, ...changes })
}

/** A grant without fault but for what is told; `claim` are changes of the claim that has what is deferred. */
function forge({ claim, ...forgery }: Forgery & { readonly claim?: Readonly<Record<string, unknown>> } = {}): Promise<string> {
  const deferred = {
    subject_token_type: TOKEN_TYPES.accessToken,
    worker: 'spiffe://shop.example/*',
    action: 'settle',
    parameters_hash: parametersHash,
    uses: 1,
    ...claim,
  }
  const claims = {
    iss: SHOP,
    aud: SHOP,
    sub: 'user:alice',
    iat: NOW,
    nbf: NOW,
    exp: END,
    jti: 'grant-1',
    txn: 'txn-1',
    scope: 'pay read',
    act: { sub: ORDERS },
    requester: ORDERS,
    wimse_ts_deferral: JSON.parse(JSON.stringify(deferred)) as JsonObject,
  }
  return world.forge({ header: { typ: 'wimse-ts-deferred-grant+jwt', kid: '1' }, claims }, forgery)
}

describe('a deferred grant', () => {
  it('says what was deferred, with parameters as their hash alone', async () => {
    const context = { items: 3 }
    const changes = { deferral: { ...deferral, notBefore: NOW, purpose: 'later' }, context, requestingWorkloads: [PAYMENTS] }
    const { token, jti, expiresAt, expiresInSeconds } = await issue(changes)
    expect([expiresAt, expiresInSeconds]).toEqual([END, 86_400])
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    expect(payload).not.toContain('4711')
    expect(JSON.parse(payload)).toMatchObject({ aud: SHOP, nbf: NOW, txn: 'txn-1', req_wl: [PAYMENTS], requester: ORDERS })
    const { worker, ...grant } = await verify(token)
    expect(worker.text).toBe(deferral.worker)
    expect(grant).toEqual({
      token,
      jti,
      subject: 'user:alice',
      subjectTokenType: TOKEN_TYPES.accessToken,
      actors: [{ sub: ORDERS }],
      scope: ['pay', 'read'],
      requester: ORDERS,
      transaction: 'txn-1',
      action: 'settle',
      terms: { parametersHash, limits: undefined },
      uses: 1,
      purpose: 'later',
      context,
      expiresAt: END,
    })
  })

  it('ends when it was to end, also where the clock goes on while it is made', async () => {
    let now = NOW * 1000
    const runtime = { ...world.runtime, now: () => (now += 1500) }
    expect(await issue({}, runtime)).toMatchObject({ expiresAt: END })
  })

  it('has limits where parameters are not known yet', async () => {
    const { parameters: _none, ...open } = deferral
    const { token } = await issue({ deferral: { ...open, limits: { amount: { atMost: 100 } }, uses: 1000 } })
    expect(await verify(token)).toMatchObject({ terms: { parametersHash: undefined, limits: { amount: { atMost: 100 } } }, uses: 1000 })
  })

  it.each([
    ['with an end that has passed', { deferral: { ...deferral, end: NOW } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    [
      'for longer than a year',
      { deferral: { ...deferral, end: NOW + MAX_DEFERRED_GRANT_LIFETIME_SECONDS + 1 } },
      'ERR_EXCHANGE_PARAMETER_MALFORMED',
    ],
    ['for half a use', { deferral: { ...deferral, uses: 0.5 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['without a scope', { scope: [] }, 'ERR_EXCHANGE_SCOPE'],
    ['without a subject', { subject: '' }, 'ERR_OPTIONS_INVALID'],
    ['without the kind of token', { subjectTokenType: '' }, 'ERR_OPTIONS_INVALID'],
    ['without a transaction', { transaction: '' }, 'ERR_OPTIONS_INVALID'],
    ['for a requester that is none', { requester: 'orders' as typeof orders.identifier }, 'ERR_IDENTIFIER_MALFORMED'],
    ['with a context without canonical form', { context: { a: 2 ** 60 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['that nobody could read', { context: { a: 'x'.repeat(9000) } }, 'ERR_EXCHANGE_PARAMETER_TOO_LARGE'],
  ] as readonly (readonly [string, Partial<DeferredGrantContents>, ErrorCode])[])('is not issued: %s', async (_title, changes, code) => {
    expect(await codeOf(issue(changes))).toBe(code)
  })

  it.each([
    ['without fault', {}],
    ['with aud as a list of one', { claims: { aud: [SHOP] } }],
    ['that nobody acts in', { claims: { act: undefined } }],
    ['of a clock that is a little ahead', { claims: { iat: NOW + 20 } }],
    ['with application/ before typ', { header: { typ: 'application/wimse-ts-deferred-grant+jwt' } }],
  ] as readonly (readonly [string, Forgery])[])('verifies: %s', async (_title, forgery) => {
    expect(await codeOf(verify(await forge(forgery)))).toBe('ok')
  })

  it.each([
    ['without typ', { header: { typ: undefined } }, 'ERR_EXCHANGE_GRANT_TYP'],
    ['of typ authorization-grant+jwt', { header: { typ: 'authorization-grant+jwt' } }, 'ERR_EXCHANGE_GRANT_TYP'],
    ['of typ txntoken+jwt', { header: { typ: 'txntoken+jwt' } }, 'ERR_EXCHANGE_GRANT_TYP'],
    ['with alg none', { header: { alg: 'none' } }, 'ERR_EXCHANGE_GRANT_ALG'],
    ['with an unknown kid', { header: { kid: '2' } }, 'ERR_EXCHANGE_GRANT_KEY_UNKNOWN'],
    ['with crit', { header: { crit: ['a'], a: 1 } }, 'ERR_EXCHANGE_GRANT_MALFORMED'],
    ['of another issuer', { claims: { iss: BANK } }, 'ERR_EXCHANGE_GRANT_ISSUER'],
    ['without iss', { claims: { iss: undefined } }, 'ERR_EXCHANGE_GRANT_ISSUER'],
    ['for another server', { claims: { aud: BANK } }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['for two servers', { claims: { aud: [SHOP, BANK] } }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['without aud', { claims: { aud: undefined } }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['after its end, without tolerance', { claims: { iat: NOW - 60, nbf: NOW - 60, exp: NOW } }, 'ERR_EXCHANGE_GRANT_EXPIRED'],
    ['before its start, without tolerance', { claims: { nbf: NOW + 1 } }, 'ERR_EXCHANGE_GRANT_NOT_YET'],
    ['long before its start', { claims: { nbf: NOW + 3600 } }, 'ERR_EXCHANGE_GRANT_NOT_YET'],
    ['before it was issued', { claims: { iat: NOW + 31 } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['before it was issued, and its start', { claims: { iat: NOW + 31, nbf: NOW + 60 } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without nbf', { claims: { nbf: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without exp', { claims: { exp: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['that lives too long', { claims: { exp: NOW + MAX_DEFERRED_GRANT_LIFETIME_SECONDS + 1 } }, 'ERR_EXCHANGE_GRANT_LIFETIME'],
    ['without sub', { claims: { sub: undefined } }, 'ERR_EXCHANGE_GRANT_SUBJECT'],
    ['without jti', { claims: { jti: undefined } }, 'ERR_EXCHANGE_GRANT_JTI'],
    ['with a jti that is too long', { claims: { jti: 'a'.repeat(257) } }, 'ERR_EXCHANGE_GRANT_JTI'],
    ['without txn', { claims: { txn: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a txn that is too long', { claims: { txn: 'a'.repeat(257) } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without requester', { claims: { requester: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a requester that is none', { claims: { requester: 'orders' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with act as a text', { claims: { act: 'x' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without scope', { claims: { scope: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with scope as a list', { claims: { scope: ['pay'] } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without what is deferred', { claims: { wimse_ts_deferral: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a text as what is deferred', { claims: { wimse_ts_deferral: 'x' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without the kind of token', { claim: { subject_token_type: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without a worker', { claim: { worker: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a worker that is none', { claim: { worker: '*' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without an action', { claim: { action: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['without uses', { claim: { uses: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['for no use', { claim: { uses: 0 } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['for anything', { claim: { parameters_hash: undefined } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a hash that is none', { claim: { parameters_hash: 'x' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a hash and limits', { claim: { limits: { amount: { at_most: 1 } } } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with limits that are none', { claim: { parameters_hash: undefined, limits: {} } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a purpose that is none', { claim: { purpose: 7 } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
    ['with a context that is none', { claim: { context: 'x' } }, 'ERR_EXCHANGE_GRANT_CLAIM'],
  ] as readonly (readonly [string, Parameters<typeof forge>[0], ErrorCode])[])('is refused: %s', async (_title, forgery, code) => {
    expect(await codeOf(verify(await forge(forgery)))).toBe(code)
  })

  it('TEX-4.1-01: is refused with a longer chain than is configured', async () => {
    const act = { sub: 'a', act: { sub: 'b' } }
    expect(await codeOf(verify(await forge({ claims: { act } }), { maxChainDepth: 1 }))).toBe('ERR_EXCHANGE_ACTOR_CHAIN_DEPTH')
  })

  it('is refused when another key has signed it, or another trusted issuer', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    expect(await codeOf(verify(await forge({ signer })))).toBe('ERR_EXCHANGE_GRANT_SIGNATURE')
    expect(await codeOf(verify(await forge(), { issuer: BANK }))).toBe('ERR_EXCHANGE_GRANT_ISSUER')
  })

  it.each(['', 'x', 'a.b', 'a.b.c', 'a.b.c.d.e'])('is refused: %s', async (token) => {
    expect(await codeOf(verify(token))).toBe('ERR_EXCHANGE_GRANT_MALFORMED')
  })
})

describe('a redemption', () => {
  let grant: VerifiedDeferredGrant
  let standing: VerifiedDeferredGrant
  const { parameters: _known, ...open } = deferral
  beforeAll(async () => {
    grant = await verify((await issue()).token)
    const limits = { amount: { atMost: 100 } }
    standing = await verify((await issue({ deferral: { ...open, limits, uses: 5 } })).token)
  })

  function check(of: VerifiedDeferredGrant, changes: Partial<RedemptionRequest> = {}): ReturnType<typeof checkRedemption> {
    const { runtime } = world
    const trustDomain = parseTrustDomain('shop.example')
    const rules = { trustDomain, scope: undefined, permittedScope: ['pay', 'read'], members: ['order', 'amount'], runtime }
    return checkRedemption(of, { client: payments, details: { parameters: PARAMETERS }, ...rules, ...changes })
  }

  it('gives what the grant is for, and the same transaction each time', async () => {
    const first = await check(grant)
    expect(first).toMatchObject({ use: undefined, parameters: PARAMETERS, scope: ['pay', 'read'] })
    expect(first.claim).toEqual({ txn: 'txn-1', requester: ORDERS, worker: PAYMENTS, grant: first.grantHash, action: 'settle' })
    const reordered = await check(grant, { details: { parameters: { amount: 12, order: '4711' } }, scope: ['read'] })
    expect([reordered.transaction, reordered.scope]).toEqual([first.transaction, ['read']])
    expect(first.transaction).not.toBe(grant.transaction)
  })

  it('gives each use of a standing grant a transaction of its own', async () => {
    const of = (use: string, amount: number) => check(standing, { details: { use, parameters: { amount } } })
    const [one, again, other] = [await of('1', 1), await of('1', 2), await of('2', 1)]
    expect(one.transaction).toBe(again.transaction)
    expect(one.transaction).not.toBe(other.transaction)
    expect([one.claim['use'], one.grantHash]).toEqual(['1', other.grantHash])
  })

  const longer = { order: '4711', amount: 12, tip: 1 }
  it.each([
    ['another amount', { details: { parameters: { ...PARAMETERS, amount: 13 } } }, 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['fewer parameters', { details: { parameters: { order: '4711' } } }, 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['more parameters', { details: { parameters: longer }, members: ['order', 'amount', 'tip'] }, 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['a parameter that no rule admits any more', { members: ['order'] }, 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['parameters without canonical form', { details: { parameters: { amount: 2 ** 60 } } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no details', { details: undefined }, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['no parameters', { details: {} }, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['parameters that are a text', { details: { parameters: 'x' } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a use where there is one', { details: { use: '1', parameters: PARAMETERS } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an unknown member', { details: { parameters: PARAMETERS, finished: true } }, 'ERR_EXCHANGE_PARAMETER_UNKNOWN'],
    ['a wider scope', { scope: ['pay', 'refund'] }, 'ERR_EXCHANGE_SCOPE'],
    ['a scope that the action has no more', { scope: ['pay'], permittedScope: ['read'] }, 'ERR_EXCHANGE_SCOPE'],
    ['another trust domain', { trustDomain: parseTrustDomain('bank.example') }, 'ERR_EXCHANGE_GRANT_CLIENT'],
    ['a client that nobody authenticated', { client: {} as AuthenticatedClient }, 'ERR_OPTIONS_INVALID'],
  ] as readonly (readonly [string, Partial<RedemptionRequest>, ErrorCode])[])('is refused: %s', async (_title, changes, code) => {
    expect(await codeOf(check(grant, changes))).toBe(code)
  })

  it.each([
    ['above the limit', { use: '1', parameters: { amount: 101 } }, 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['below zero', { use: '1', parameters: { amount: -1 } }, 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['without the limited parameter', { use: '1', parameters: { order: 'x' } }, 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['without a use', { parameters: { amount: 1 } }, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['with an empty use', { use: '', parameters: { amount: 1 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['with a use that is a number', { use: 1, parameters: { amount: 1 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['with a use that is too long', { use: 'a'.repeat(129), parameters: { amount: 1 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['with a use with a space', { use: 'a b', parameters: { amount: 1 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
  ] as readonly (readonly [string, JsonObject, ErrorCode])[])('under limits is refused %s', async (_title, details, code) => {
    expect(await codeOf(check(standing, { details }))).toBe(code)
  })

  it('is refused for what looks like a grant and comes from no verification', async () => {
    expect(await codeOf(check({ ...grant }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('under limits is refused with a parameter in the place of what goes along, also where a rule has come to admit it', async () => {
    const { parameters: _none, ...open } = deferral
    const { token } = await issue({ deferral: { ...open, limits: { amount: { atMost: 100 } } }, context: { items: 3 } })
    const members = ['amount', 'items', 'constructor']
    const of = (parameters: JsonObject) => codeOf(verify(token).then((carrying) => check(carrying, { details: { parameters }, members })))
    expect(await of({ amount: 1, items: 99 })).toBe('ERR_EXCHANGE_GRANT_PARAMETERS')
    expect(await of({ amount: 1, constructor: 'x' })).toBe('ok')
  })

  it('is refused to a worker that the grant does not name, and to one that proves no key', async () => {
    const exact = await verify((await issue({ deferral: { ...deferral, worker: PAYMENTS } })).token)
    expect(await codeOf(check(exact))).toBe('ok')
    expect(await codeOf(check(exact, { client: orders }))).toBe('ERR_EXCHANGE_GRANT_CLIENT')
    const token = await world.shop.issueJwtSvid(PAYMENTS, { audience: [SHOP] })
    const svid = jwtSvidAuthentication({ identifier: payments.identifier, token })
    const keyless = await world.authenticator().authenticate(await clientRequest(svid))
    expect(await codeOf(check(exact, { client: keyless }))).toBe('ERR_EXCHANGE_CLIENT_UNBOUND')
  })
})
