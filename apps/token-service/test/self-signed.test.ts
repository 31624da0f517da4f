import { createPrivateKey } from 'node:crypto'
import { join } from 'node:path'
import type { JsonObject } from '@wimse/core'
import { createSigner, signCompactJws } from '@wimse/keys'
import {
  clientIdentification,
  jwtSvidAuthentication,
  type SelfSigner,
  signSelfSignedSubject,
  type TokenExchangeRequestOptions,
  type TypedToken,
} from '@wimse/token-exchange'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  ACCESS_TYPE,
  BANK_ISSUER,
  CHARGES,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  IDP,
  ISSUER,
  JSON_TYPE,
  JWT_TYPE,
  type Options,
  ORDERS,
  STOREFRONT,
  shopConfig,
  TXN_TYPE,
  type World,
} from './harness.ts'

const BATCH = 'spiffe://shop.example/batch/nightly'
const SELF_SIGNED = 'urn:ietf:params:oauth:token-type:self_signed'

let world: World
let service: TokenService
let batch: Workload

const TRANSACTIONS = {
  rules: [
    {
      requesters: ['spiffe://shop.example/batch/*'],
      subjectTokenTypes: ['self_signed'],
      subjects: ['spiffe://shop.example/batch/*', 'job:settlement'],
      scope: { 'orders:settle': [], 'orders:refund': ['refunds'] },
      requestDetails: ['run'],
    },
    { requesters: [STOREFRONT], scope: { 'orders:place': ['orders'] } },
  ],
}

beforeEach(async () => {
  world = await createWorld()
  const { acting } = shopConfig(world.directory)
  service = await world.start({ transactionTokens: TRANSACTIONS, acting })
  batch = await world.workload(BATCH, [service])
})

afterEach(closeAll)

/** The key that a workload proves by WPT or HTTP signature. */
function witKey(workload: Workload): SelfSigner {
  const credential = workload.source.wit?.current()
  if (credential === undefined) throw new Error('no WIT')
  return credential
}

function signed(subject = BATCH, by: SelfSigner = witKey(batch), more: Options = {}): Promise<TypedToken> {
  return signSelfSignedSubject({ subject, audience: ISSUER, ...more }, by, { runtime: world.runtime })
}

/** A token with other claims than `signSelfSignedSubject` would give it. */
async function forged(changes: Options, header: Options = { typ: 'JWT' }): Promise<TypedToken> {
  const { identifier, signer } = witKey(batch)
  const iat = Math.floor(world.runtime.now() / 1000)
  const claims = { iss: identifier, sub: BATCH, aud: ISSUER, iat, exp: iat + 60, ...changes }
  const defined = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)) as JsonObject
  return { token: await signCompactJws(header as { typ: string }, defined, signer), type: SELF_SIGNED }
}

function ask(
  subjectToken: TypedToken,
  changes: Partial<TokenExchangeRequestOptions> = {},
  workload = batch,
  proof: 'wpt' | 'mutual-tls' = 'wpt',
) {
  const asked = { audience: 'shop.example', scope: ['orders:settle'], requestedTokenType: TXN_TYPE, requestDetails: { run: 7 } }
  return exchange(workload, service, { subjectToken, ...asked, ...changes }, proof)
}

describe('a transaction that a workload starts by its own word', () => {
  it('is issued for a token that it signed itself (TXN-11.2.1-01, TXN-11.2.1-05, TXN-13.5-01, TXN-6-05)', async () => {
    const { status, body } = await ask(await signed('job:settlement'))
    expect(status).toBe(200)
    const claims = claimsOf(body['access_token'])
    expect(claims).toMatchObject({ sub: 'job:settlement', scope: 'orders:settle', req_wl: BATCH, aud: 'shop.example', tctx: { run: 7 } })
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(60)
    expect(claims).not.toHaveProperty('act')
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', kind: 'transaction-token', client: BATCH })
  })

  it('may say more in it than anybody asks for (TXN-11.2.1-11), and gets no scope by that', async () => {
    const scope = 'orders:refund refunds'
    expect((await ask(await signed(BATCH, witKey(batch), { claims: { scope, note: 'x' } }))).status).toBe(200)
    const wider = await ask(await signed(BATCH, witKey(batch), { claims: { scope } }), { scope: ['orders:refund'] })
    expect(wider.body['error']).toBe('invalid_scope')
  })

  it('does not outlive the token (TXN-11.3-09)', async () => {
    const { body } = await ask(await signed(BATCH, witKey(batch), { lifetimeSeconds: 20 }))
    expect(body['expires_in']).toBe(20)
  })

  it('is issued under the key of a certificate, where that is what the client proved (TXN-11.3-03)', async () => {
    const { privateKey } = batch.source.x509.current()
    const jwk = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
    const signer = await createSigner(jwk, { algorithm: 'ES256', runtime: world.runtime })
    const client = clientIdentification(batch.identifier)
    const byCertificate = await signed(BATCH, { identifier: batch.identifier, signer })
    expect((await ask(byCertificate, { client }, batch, 'mutual-tls')).status).toBe(200)
    const byWit = await ask(await signed(), { client }, batch, 'mutual-tls')
    expect(byWit.body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_TOKEN', method: 'spiffe_x509' })
  })

  it.each<readonly [title: string, token: () => Promise<TypedToken>]>([
    ['without iss (TXN-11.2.1-03)', () => forged({ iss: undefined })],
    ['whose iss is not the client (TXN-11.2.1-03)', () => forged({ iss: ORDERS })],
    ['without sub (TXN-11.2.1-04)', () => forged({ sub: undefined })],
    ['for a subject that the rule has not (TXN-11.3-04)', () => signed('user:alice')],
    ['without aud (TXN-11.2.1-06)', () => forged({ aud: undefined })],
    ['for another token service (TXN-11.2.1-07)', () => signed(BATCH, witKey(batch), { audience: BANK_ISSUER })],
    ['without iat (TXN-11.2.1-08)', () => forged({ iat: undefined })],
    ['from an hour ahead (TXN-11.2.1-09)', () => forged({ iat: Math.floor(world.runtime.now() / 1000) + 3600, exp: 2 ** 32 })],
    ['without exp (TXN-11.2.1-10)', () => forged({ exp: undefined })],
    ['that ended a second ago (TXN-6-02)', () => forged({ exp: Math.floor(world.runtime.now() / 1000) - 1 })],
    ['that is a proof', () => forged({}, { typ: 'wpt+jwt' })],
    ['that is none', async () => ({ token: '{}', type: SELF_SIGNED })],
  ])('is refused for a token %s', async (_title, token) => {
    const { status, body } = await ask(await token())
    expect([status, body['error']]).toEqual([400, 'invalid_request'])
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code: 'ERR_EXCHANGE_SUBJECT_TOKEN', client: BATCH })
  })

  it('is refused for the token of another workload, and for one that was presented before (TXN-11.3-03)', async () => {
    const token = await signed()
    const other = await world.workload(BATCH, [service])
    expect((await ask(token, {}, other)).body['error']).toBe('invalid_request')
    expect((await ask(token)).status).toBe(200)
    expect((await ask(token)).body['error']).toBe('invalid_request')
  })

  it('is refused to a client that proved no key', async () => {
    const { token: assertion } = (await batch.source.jwt?.fetch(ISSUER)) ?? { token: '' }
    const client = jwtSvidAuthentication({ identifier: batch.identifier, token: assertion })
    expect((await ask(await signed(), { client }, batch, 'mutual-tls')).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_TOKEN', method: 'spiffe_jwt' })
  })

  it.each([
    ['of another name (TXN-11.2.1-02)', JWT_TYPE, 'invalid_request', 'ERR_EXCHANGE_TOKEN_TYPE'],
    ['that no rule takes (TXN-11.3-12)', JSON_TYPE, 'invalid_scope', 'ERR_EXCHANGE_SCOPE'],
  ])('is refused under a type %s', async (_title, type, error, code) => {
    const { token } = await signed()
    expect((await ask({ token, type })).body['error']).toBe(error)
    expect(world.lastEvent()).toMatchObject({ code })
  })

  it('has no scope where the operator has mapped none (TXN-11.3-12)', async () => {
    for (const scope of [['orders:refund'], ['orders:settle', 'orders:refund'], ['everything']]) {
      expect((await ask(await signed(), { scope })).body['error']).toBe('invalid_scope')
    }
    const storefront = await world.workload(STOREFRONT, [service])
    const own = await signed(STOREFRONT, witKey(storefront))
    expect((await ask(own, { scope: ['orders:place'], requestDetails: {} }, storefront)).body['error']).toBe('invalid_scope')
    const orders = await world.workload(ORDERS, [service])
    expect((await ask(await signed(ORDERS, witKey(orders)), {}, orders)).body['error']).toBe('unauthorized_client')
  })

  it('is no subject of an access token', async () => {
    const { body } = await exchange(batch, service, { subjectToken: await signed(), audience: CHARGES })
    expect(body['error']).toBe('invalid_target')
    const storefront = await world.workload(STOREFRONT, [service])
    const subjectToken = await signed(STOREFRONT, witKey(storefront))
    expect((await exchange(storefront, service, { subjectToken, audience: CHARGES })).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_TOKEN_TYPE' })
  })
})

describe('an actor token', () => {
  const asked = async (actorToken: TypedToken): Promise<TokenExchangeRequestOptions> => ({
    subjectToken: { token: await world.accessToken(), type: ACCESS_TYPE },
    actorToken,
    audience: CHARGES,
    scope: ['orders'],
  })

  it('is what the client says of itself under its own key (TEX-2.1-18, TEX-2.1-21)', async () => {
    const storefront = await world.workload(STOREFRONT, [service])
    const { body } = await exchange(storefront, service, await asked(await signed(STOREFRONT, witKey(storefront))))
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: 'user:alice', act: { sub: STOREFRONT } })
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', acting: 'delegation', actors: 1 })
  })

  it('is an access token of the client, of an issuer that may name workloads (TEX-2.1-21)', async () => {
    const issuer = { issuer: IDP, jwksFile: join(world.directory, 'idp.json') }
    const beside = await world.start({ accessTokenIssuers: [issuer] })
    const storefront = await world.workload(STOREFRONT, [beside])
    const token = await world.accessToken({ sub: STOREFRONT, aud: ISSUER })
    const { body } = await exchange(storefront, beside, await asked({ token, type: ACCESS_TYPE }))
    expect(claimsOf(body['access_token'])['act']).toMatchObject({ sub: STOREFRONT })
  })

  it.each<readonly [title: string, code: string, token: (storefront: Workload) => Promise<TypedToken>]>([
    ['of somebody else (TEX-2.1-22)', 'ERR_EXCHANGE_ACTOR', (by) => signed(ORDERS, witKey(by))],
    ['under another key', 'ERR_EXCHANGE_ACTOR', () => signed(STOREFRONT, { ...witKey(batch) })],
    [
      'of an issuer whose names have a prefix',
      'ERR_EXCHANGE_ACTOR',
      async () => ({ token: await world.accessToken({ sub: STOREFRONT, aud: ISSUER }), type: ACCESS_TYPE }),
    ],
    [
      'of a type that is not taken',
      'ERR_EXCHANGE_TOKEN_TYPE',
      async (by) => ({ ...(await signed(STOREFRONT, witKey(by))), type: JWT_TYPE }),
    ],
  ])('is refused %s', async (_title, code, token) => {
    const storefront = await world.workload(STOREFRONT, [service])
    const { status, body } = await exchange(storefront, service, await asked(await token(storefront)))
    expect([status, body['error']]).toEqual([400, 'invalid_request'])
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code })
  })

  it('has no place where a transaction starts', async () => {
    expect((await ask(await signed(), { actorToken: await signed() })).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_PARAMETER_UNKNOWN' })
  })
})
