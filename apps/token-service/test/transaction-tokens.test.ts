import { requestViewOfParts, utf8 } from '@wimse/core'
import { startBundleEndpoint } from '@wimse/testing'
import { clientIdentification, createAttestationAuthentication, GRANT_TYPES, jwtSvidAuthentication } from '@wimse/token-exchange'
import { createTransactionTokenVerifier, staticTokenServiceKeys } from '@wimse/transaction-tokens'
import type { Workload } from '@wimse/workload/node'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  ACCESS_TYPE,
  answerOf,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  fieldOf,
  ISSUER,
  JSON_TYPE,
  ORDERS,
  STOREFRONT,
  send,
  TXN_TYPE,
  type World,
} from './harness.ts'

let world: World
let service: TokenService
let storefront: Workload

beforeEach(async () => {
  world = await createWorld()
  service = await world.start()
  storefront = await world.workload(STOREFRONT, [service])
})

afterEach(closeAll)

const asked = (token: string) => ({
  subjectToken: { token, type: ACCESS_TYPE },
  audience: 'shop.example',
  scope: ['orders:place'],
  requestedTokenType: TXN_TYPE,
  requestContext: { ip: '192.0.2.1' },
  requestDetails: { amount: 12 },
})

describe('a transaction token', () => {
  it('is issued for an access token, and says what the policy lets it (TXN-11.3-01, TXN-11.3-03, TXN-11.4-01, TXN-11.4-03)', async () => {
    const token = await world.accessToken()
    const { status, body, fields } = await exchange(storefront, service, asked(token))
    expect(status).toBe(200)
    expect(fieldOf({ status, body, fields }, 'cache-control')).toBe('no-store')
    expect(body).toMatchObject({ issued_token_type: TXN_TYPE, token_type: 'N_A', scope: 'orders:place', expires_in: 60 })
    expect(claimsOf(body['access_token'])).toMatchObject({
      iss: ISSUER,
      aud: 'shop.example',
      sub: 'user:alice',
      scope: 'orders:place',
      req_wl: STOREFRONT,
      rctx: { ip: '192.0.2.1' },
      tctx: { amount: 12 },
    })
  })

  it('verifies with the published keys', async () => {
    const { body } = await exchange(storefront, service, asked(await world.accessToken()))
    const view = requestViewOfParts({
      method: 'GET',
      scheme: 'https',
      authority: `localhost:${service.port}`,
      target: '/jwks',
      fields: [],
      body: null,
    })
    const jwks = await answerOf(await storefront.send(view))
    const verify = createTransactionTokenVerifier({
      keys: staticTokenServiceKeys({ 'shop.example': jwks.body }),
      audience: 'shop.example',
      runtime: world.runtime,
    })
    expect((await verify(String(body['access_token']))).subject).toBe('user:alice')
  })

  it.each(['http-signature', 'mutual-tls'] as const)('is issued to a client that authenticates by %s', async (proof) => {
    const client = proof === 'mutual-tls' ? { client: clientIdentification(storefront.identifier) } : {}
    const { status } = await exchange(storefront, service, { ...asked(await world.accessToken()), ...client }, proof)
    expect(status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', method: proof === 'mutual-tls' ? 'spiffe_x509' : 'wimse' })
  })

  it('is issued to a client that authenticates with a JWT-SVID or with a WIT and its proof of possession', async () => {
    const { wit, jwt } = storefront.source
    if (wit === undefined || jwt === undefined) throw new Error('no credentials')
    const { token } = await jwt.fetch(ISSUER)
    const assertion = jwtSvidAuthentication({ identifier: storefront.identifier, token })
    const byJwt = await exchange(storefront, service, { ...asked(await world.accessToken()), client: assertion }, 'mutual-tls')
    expect(byJwt.status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ method: 'spiffe_jwt' })
    const attestation = await createAttestationAuthentication({ credential: wit.current(), issuer: ISSUER, runtime: world.runtime })
    const byWit = await exchange(storefront, service, { ...asked(await world.accessToken()), client: attestation }, 'mutual-tls')
    expect(byWit.status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ method: 'spiffe_wit' })
    const again = await exchange(storefront, service, { ...asked(await world.accessToken()), client: attestation }, 'mutual-tls')
    expect(again.body['error']).toBe('invalid_client')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_POP_REPLAYED' })
  })

  it('is issued for what a workload says itself, where a rule has it (TXN-11.2.2-01, TXN-11.2.2-04)', async () => {
    const batch = await world.workload('spiffe://shop.example/batch/nightly', [service])
    const ask = (sub: string) =>
      exchange(batch, service, {
        subjectToken: { token: JSON.stringify({ sub }), type: JSON_TYPE },
        audience: 'shop.example',
        scope: ['orders:settle'],
        requestedTokenType: TXN_TYPE,
      })
    const { body } = await ask('spiffe://shop.example/batch/nightly')
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: 'spiffe://shop.example/batch/nightly', scope: 'orders:settle' })
    expect((await ask('user:alice')).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code: 'ERR_EXCHANGE_SUBJECT_TOKEN' })
  })

  it.each([
    ['another trust domain', { audience: 'bank.example' }, 'invalid_target', 'ERR_EXCHANGE_TARGET'],
    ['no audience (TXN-11.1-02)', { audience: [] }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['a scope that the user has not', { scope: ['orders:refund'] }, 'invalid_scope', 'ERR_EXCHANGE_SCOPE'],
    ['a scope that no rule has', { scope: ['everything'] }, 'invalid_scope', 'ERR_EXCHANGE_SCOPE'],
    ['context that no rule admits', { requestDetails: { admin: true } }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a type that is not issued', { requestedTokenType: 'urn:example:other' }, 'invalid_request', 'ERR_EXCHANGE_TOKEN_TYPE'],
  ])('is refused for %s', async (_title, changes, error, code) => {
    const answer = await exchange(storefront, service, { ...asked(await world.accessToken()), ...changes })
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual({ error, error_description: expect.any(String) })
    expect(fieldOf(answer, 'cache-control')).toBe('no-store')
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code, error, client: STOREFRONT })
  })

  it.each([
    ['expired (TXN-6-02)', { exp: 1, iat: 0 }],
    ['for somebody else', { aud: 'https://bank.example' }],
    ['of another issuer', { iss: 'https://evil.example' }],
  ])('is refused for an access token that is %s (TXN-11.3-03)', async (_title, claims) => {
    const answer = await exchange(storefront, service, asked(await world.accessToken(claims)))
    expect(answer.body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_TOKEN' })
  })

  it('is refused when the context holds the access token (TXN-13.4-01)', async () => {
    const token = await world.accessToken()
    const answer = await exchange(storefront, service, { ...asked(token), requestDetails: { amount: token } })
    expect(answer.body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_TXN_EMBEDDED_TOKEN' })
  })

  it('is refused to a workload without a rule, and to one that is not admitted (TXN-11.3-02)', async () => {
    const orders = await world.workload(ORDERS, [service])
    expect((await exchange(orders, service, asked(await world.accessToken()))).body['error']).toBe('unauthorized_client')
    const ledger = await world.workload('spiffe://bank.example/ledger', [service])
    expect((await exchange(ledger, service, asked(await world.accessToken()))).body['error']).toBe('invalid_client')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_CLIENT_ADMISSION' })
  })

  it('is refused to whoever does not authenticate, and for a proof that was used (TXN-11.5-03)', async () => {
    const answer = await exchange(storefront, service, asked(await world.accessToken()), 'mutual-tls')
    expect(answer.body['error']).toBe('invalid_client')
    const body = utf8('grant_type=x')
    const authority = `localhost:${service.port}`
    const type = [['content-type', 'application/x-www-form-urlencoded']] as const
    const view = requestViewOfParts({ method: 'POST', scheme: 'https', authority, target: '/token', fields: type, body })
    const call = await storefront.prepare(view, { proof: 'wpt', audience: `${ISSUER}/token` })
    expect((await answerOf(await storefront.send(call.request))).body['error']).toBe('unsupported_grant_type')
    const replayed = await answerOf(await storefront.send(call.request))
    expect([replayed.status, replayed.body['error']]).toEqual([401, 'invalid_client'])
    expect(fieldOf(replayed, 'www-authenticate')).toBe('WPT')
  })

  it('is refused over a connection whose certificate has ended since the handshake', async () => {
    const shortLived = await world.workload(STOREFRONT, [service], 60)
    const client = clientIdentification(shortLived.identifier)
    const ask = async () => exchange(shortLived, service, { ...asked(await world.accessToken()), client }, 'mutual-tls')
    expect((await ask()).status).toBe(200)
    world.runtime.advance(61)
    expect((await ask()).body['error']).toBe('invalid_client')
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code: 'ERR_X509_EXPIRED' })
  })

  it('is issued where the keys of WITs come from a bundle endpoint', async () => {
    const { url, identifier, close } = await startBundleEndpoint({ authority: world.shop, profile: 'https_spiffe' })
    try {
      const witBundles = [{ trustDomain: 'shop.example', url, endpointIdentifier: identifier }]
      const beside = await world.start({ witBundles }, 'shop', { wit: false })
      const caller = await world.workload(STOREFRONT, [beside])
      expect((await exchange(caller, beside, asked(await world.accessToken()))).status).toBe(200)
    } finally {
      await close()
    }
  })

  it.each([
    ['a parameter twice', 'grant_type=a&grant_type=b', 'ERR_EXCHANGE_PARAMETER_REPEATED', 400],
    ['an unknown parameter', 'grant_type=a&foo=b', 'ERR_EXCHANGE_PARAMETER_UNKNOWN', 400],
    ['no grant type', 'scope=a', 'ERR_EXCHANGE_PARAMETER_MISSING', 400],
    ['a broken form', 'grant_type=%zz', 'ERR_EXCHANGE_FORM', 400],
    ['too many octets', `grant_type=${'a'.repeat(70_000)}`, 'ERR_MESSAGE_BODY_TOO_LARGE', 413],
  ])('answers %s with an OAuth error that nobody keeps (TXN-11.4-05)', async (_title, form, code, status) => {
    const authority = `localhost:${service.port}`
    const fields = [['content-type', 'application/x-www-form-urlencoded']] as const
    const view = requestViewOfParts({ method: 'POST', scheme: 'https', authority, target: '/token', fields, body: utf8(form) })
    const answer = await send(storefront, view)
    expect(answer.status).toBe(status)
    expect(Object.keys(answer.body)).toEqual(['error', 'error_description'])
    expect(fieldOf(answer, 'cache-control')).toBe('no-store')
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code })
  })

  it('answers whatever comes with an OAuth error and one event', async () => {
    const name = fc.constantFrom(
      'grant_type',
      'subject_token',
      'subject_token_type',
      'audience',
      'scope',
      'requested_token_type',
      'client_id',
      'x',
    )
    const value = fc.oneof(
      fc.constantFrom(GRANT_TYPES.tokenExchange, GRANT_TYPES.jwtBearer, ACCESS_TYPE, JSON_TYPE, TXN_TYPE, '{}'),
      fc.string(),
    )
    const form = fc.array(fc.tuple(name, value), { maxLength: 8 }).map((pairs) => new URLSearchParams(pairs).toString())
    const authority = `localhost:${service.port}`
    const fields = [['content-type', 'application/x-www-form-urlencoded']] as const
    await fc.assert(
      fc.asyncProperty(fc.oneof(form, fc.string()), async (text) => {
        const before = world.events.length
        const view = requestViewOfParts({ method: 'POST', scheme: 'https', authority, target: '/token', fields, body: utf8(text) })
        const answer = await send(storefront, view)
        expect(answer.status).toBe(400)
        expect(Object.keys(answer.body)).toEqual(['error', 'error_description'])
        expect(fieldOf(answer, 'cache-control')).toBe('no-store')
        expect(world.events.length).toBe(before + 1)
        expect(world.lastEvent()['error']).not.toBe('server_error')
      }),
      { numRuns: 60 },
    )
  })

  it('leaves one event for each request, and no token or subject in any (TXN-15.2-01, TXN-15.2-02, TXN-15.2-04)', async () => {
    const token = await world.accessToken()
    const before = world.events.length
    const { body } = await exchange(storefront, service, asked(token))
    await exchange(storefront, service, { ...asked(token), scope: ['everything'] })
    expect(world.events.length).toBe(before + 2)
    const log = world.log.join('')
    for (const secret of [token, String(body['access_token'])]) for (const part of secret.split('.')) expect(log).not.toContain(part)
    expect(log).not.toContain('alice')
    expect(log).not.toContain('192.0.2.1')
    expect(world.events.at(-2)).toMatchObject({ event: 'token.issued', transaction: claimsOf(body['access_token'])['txn'] })
  })
})
