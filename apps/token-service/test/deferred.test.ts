import { type JsonObject, requestViewOfRequest } from '@wimse/core'
import { jwtBearerRequest, jwtSvidAuthentication, signSelfSignedSubject } from '@wimse/token-exchange'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  type DeferredWork,
  deferral,
  deferredWork,
  GRANT_TYPE,
  NIGHTLY,
  OTHER_WORKER,
  PARAMETERS,
  standing,
  WORKER,
} from './deferred-harness.ts'
import {
  ACCESS_TYPE,
  BANK_ISSUER,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  ISSUER,
  JSON_TYPE,
  JWT_TYPE,
  LEDGER,
  type Options,
  ORDERS,
  PAYMENTS,
  STOREFRONT,
  send,
  shopConfig,
  TXN_TYPE,
  type World,
} from './harness.ts'

let world: World
let service: TokenService
let work: DeferredWork
let storefront: Workload
let orders: Workload
let worker: Workload

async function begin(options: Options = {}): Promise<void> {
  service = await world.start({ ...deferral(), ...options }, 'shop', { x509LifetimeSeconds: 30 * 86_400 })
  work = deferredWork(world, service)
  const names = [STOREFRONT, ORDERS, WORKER] as const
  const [first, second, third] = await Promise.all(names.map((name) => world.workload(name, [service])))
  if (first === undefined || second === undefined || third === undefined) throw new Error('workloads')
  storefront = first
  orders = second
  worker = third
}

beforeEach(async () => {
  world = await createWorld()
})

afterEach(closeAll)

async function granted(changes: Parameters<DeferredWork['defer']>[2] = {}): Promise<string> {
  const { status, body } = await work.defer(orders, await work.transaction(storefront), changes)
  expect(status).toBe(200)
  return String(body['access_token'])
}

describe('work that is deferred', () => {
  it('out of a transaction of a user is done by a worker, who acts for that user after the one who asked', async () => {
    await begin()
    const started = await work.transaction(storefront)
    const old = claimsOf(started.token)
    const answer = await work.defer(orders, started, { deferral: { purpose: 'settle later' } })
    expect(answer.body).toMatchObject({ issued_token_type: GRANT_TYPE, token_type: 'N_A', scope: 'payments:settle', expires_in: 3600 })
    const grant = String(answer.body['access_token'])
    const said = {
      iss: ISSUER,
      aud: ISSUER,
      sub: 'user:alice',
      txn: old['txn'],
      act: { sub: ORDERS },
      requester: ORDERS,
      req_wl: [STOREFRONT],
    }
    expect(claimsOf(grant)).toMatchObject(said)
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', kind: 'deferred-grant', transaction: old['txn'], client: ORDERS })
    world.runtime.advance(600)

    const later = await world.workload(WORKER, [service])
    const redeemed = await work.redeem(later, grant)
    expect(redeemed.body).toMatchObject({ issued_token_type: TXN_TYPE, scope: 'payments:settle', expires_in: 60 })
    const claims = claimsOf(redeemed.body['access_token'])
    expect(claims).toMatchObject({
      sub: 'user:alice',
      act: { sub: WORKER, act: { sub: ORDERS } },
      req_wl: WORKER,
      tctx: { items: 3, ...PARAMETERS },
      deferral: { txn: old['txn'], requester: ORDERS, worker: WORKER, action: 'settle', purpose: 'settle later' },
    })
    expect(claims['txn']).not.toBe(old['txn'])
    const told = { kind: 'deferred-redemption', transaction: claims['txn'], linkedTransaction: old['txn'], use: 'new', actors: 2 }
    expect(world.lastEvent()).toMatchObject(told)
    const events = world.log.join('')
    for (const secret of ['settle later', '4711', 'alice', ...grant.split('.'), ...started.token.split('.')])
      expect(events).not.toContain(secret)
  })

  it.each([
    ['its own word, signed', 'self-signed'],
    ['its own word', 'unsigned'],
  ])('by a workload for itself, by %s, has nobody between it and the worker', async (_title, kind) => {
    await begin()
    const nightly = await world.workload(NIGHTLY, [service])
    const credential = nightly.source.wit?.current()
    if (credential === undefined) throw new Error('no WIT')
    const signed = await signSelfSignedSubject({ subject: NIGHTLY, audience: ISSUER }, credential, { runtime: world.runtime })
    const subjectToken = kind === 'unsigned' ? { token: JSON.stringify({ sub: NIGHTLY }), type: JSON_TYPE } : signed
    const parameters = { order: '4711' }
    const { body } = await work.defer(nightly, subjectToken, { scope: ['orders:settle'], deferral: { parameters } })
    const grant = String(body['access_token'])
    expect(claimsOf(grant)).toMatchObject({ sub: NIGHTLY, requester: NIGHTLY, txn: expect.any(String) })
    expect(claimsOf(grant)).not.toHaveProperty('act')
    const redeemed = await work.redeem(worker, grant, { scope: ['orders:settle'], parameters })
    expect(claimsOf(redeemed.body['access_token'])).toMatchObject({ sub: NIGHTLY, act: { sub: WORKER }, tctx: parameters })
  })

  it('for a user who consented stands until its end, within its limits', async () => {
    await begin()
    const { body } = await work.defer(storefront, { token: await world.accessToken(), type: ACCESS_TYPE }, standing(world))
    const grant = String(body['access_token'])
    for (const [use, amount] of [
      ['monday', 100],
      ['tuesday', 3],
    ] as const) {
      world.runtime.advance(86_400)
      const again = await world.workload(WORKER, [service])
      const { body: answer } = await work.redeem(again, grant, { scope: ['orders:restock'], use, parameters: { sku: 'a', amount } })
      const claims = claimsOf(answer['access_token'])
      expect(claims).toMatchObject({
        sub: 'user:alice',
        act: { sub: WORKER, act: { sub: STOREFRONT } },
        deferral: { use, purpose: 'nightly restock' },
      })
    }
  })

  it('goes on from the worker: a replacement keeps who acts and where it came from, and finishes nothing', async () => {
    await begin({ transactionTokens: { rules: TRANSACTIONS, replacements: [{ requesters: [PAYMENTS] }] } })
    const redeemed = await work.redeem(worker, await granted())
    const payments = await world.workload(PAYMENTS, [service])
    const subjectToken = { token: String(redeemed.body['access_token']), type: TXN_TYPE }
    const asked = { subjectToken, audience: 'shop.example', scope: ['payments:settle'], requestedTokenType: TXN_TYPE }
    const replaced = await exchange(payments, service, asked)
    const { act, deferral: from } = claimsOf(redeemed.body['access_token'])
    expect(claimsOf(replaced.body['access_token'])).toMatchObject({ act, deferral: from, req_wl: [WORKER, PAYMENTS] })
    expect((await work.giveUp(payments, replaced.body['access_token'])).status).toBe(200)
    expect(world.lastEvent()).not.toHaveProperty('use')
  })

  it('is known as such across the border, where both tables list it', async () => {
    const claims = { deferral: { members: { txn: {}, requester: {}, worker: {} } } }
    const { chaining } = shopConfig(world.directory) as { chaining: { outbound: { transcription: object }[] } }
    const outbound = chaining.outbound.map((target) => ({
      ...target,
      transcription: { ...target.transcription, scope: { 'payments:settle': 'ledger:post' }, claims },
    }))
    await begin({ chaining: { outbound } })
    const transcription = { subjects: [{ from: 'shop-customer' }], actors: [{ from: 'shop' }], scope: { 'ledger:post': 'post' }, claims }
    const jwksUri = `https://localhost:${service.port}/jwks`
    const inbound = [{ issuer: ISSUER, jwksUri, peer: 'spiffe://shop.example/token-service', transcription }]
    const bank = await world.start({ accessTokens: { targets: [{ audience: LEDGER, allow: [PAYMENTS] }] }, chaining: { inbound } }, 'bank')
    const payments = await world.workload(PAYMENTS, [service, bank])
    const redeemed = await work.redeem(worker, await granted())
    const subjectToken = { token: String(redeemed.body['access_token']), type: TXN_TYPE }
    const crossing = await exchange(payments, service, { subjectToken, audience: 'bank', requestedTokenType: JWT_TYPE })
    const assertion = String(crossing.body['access_token'])
    const request = jwtBearerRequest(`https://localhost:${bank.port}/token`, { assertion, issuer: BANK_ISSUER, resource: LEDGER })
    const { body } = await send(payments, requestViewOfRequest(request), 'wpt', `${BANK_ISSUER}/token`)
    const { txn, requester, worker: by } = claimsOf(subjectToken.token)['deferral'] as JsonObject
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: 'shop-customer', deferral: { txn, requester, worker: by }, scope: 'post' })
    expect([requester, by]).toEqual([ORDERS, WORKER])
  })

  it('is no way to prolong itself: what came of a grant makes no other', async () => {
    await begin()
    const redeemed = await work.redeem(worker, await granted())
    const answer = await work.defer(orders, { token: String(redeemed.body['access_token']), type: TXN_TYPE })
    expect(answer.body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_TOKEN' })
  })

  it('keeps its authority when the credential of the requester has ended and it is there no more', async () => {
    await begin()
    const grant = await granted({ deferral: { end: Math.floor(world.runtime.now() / 1000) + 80_000 } })
    await orders.close()
    world.runtime.advance(79_000)
    const later = await world.workload(WORKER, [service])
    const { body } = await work.redeem(later, grant)
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: 'user:alice' })
  })

  it('ends with the grant: no token outlives it', async () => {
    await begin()
    const grant = await granted()
    world.runtime.advance(3580)
    const later = await world.workload(WORKER, [service])
    expect((await work.redeem(later, grant)).body).toMatchObject({ expires_in: 20 })
  })
})

const TRANSACTIONS = [{ requesters: [STOREFRONT], scope: { 'orders:place': ['orders'] }, requestDetails: ['amount', 'items'] }]

describe('a redemption is refused', () => {
  const rows: readonly (readonly [string, Parameters<DeferredWork['redeem']>[2], string, string])[] = [
    ['with other parameters', { parameters: { ...PARAMETERS, amount: 13 } }, 'invalid_grant', 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['with more parameters', { parameters: { ...PARAMETERS, tip: 1 } }, 'invalid_grant', 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['with fewer parameters', { parameters: { order: '4711' } }, 'invalid_grant', 'ERR_EXCHANGE_GRANT_PARAMETERS'],
    ['with a use where there is one', { use: '1' }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['with a wider scope', { scope: ['payments:settle', 'payments:read'] }, 'invalid_scope', 'ERR_EXCHANGE_SCOPE'],
    ['for another trust domain', { trustDomain: 'bank.example' }, 'invalid_target', 'ERR_EXCHANGE_TARGET'],
    ['of a grant that is none', { grant: 'a.b.c' }, 'invalid_grant', 'ERR_EXCHANGE_GRANT_MALFORMED'],
  ]
  it.each(rows)('%s, which uses nothing up', async (_title, changes, error, code) => {
    await begin()
    const grant = await granted()
    const refused = await work.redeem(worker, grant, changes)
    expect(refused.body).toEqual({ error, error_description: expect.any(String), wimse_ts_code: code })
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code, client: WORKER })
    expect((await work.redeem(worker, grant)).status).toBe(200)
  })

  it('before its start, and after its end', async () => {
    await begin()
    const now = Math.floor(world.runtime.now() / 1000)
    const grant = await granted({ deferral: { notBefore: now + 50, end: now + 100 } })
    world.runtime.advance(49)
    expect((await work.redeem(worker, grant)).body).toMatchObject({ error: 'invalid_grant', wimse_ts_code: 'ERR_EXCHANGE_GRANT_NOT_YET' })
    world.runtime.advance(51)
    expect((await work.redeem(worker, grant)).body).toMatchObject({ error: 'invalid_grant', wimse_ts_code: 'ERR_EXCHANGE_GRANT_EXPIRED' })
  })

  it('to a worker that the grant does not name, and to one of another trust domain', async () => {
    const { clients } = shopConfig(world.directory)
    await begin({ clients: { ...(clients as object), admit: ['spiffe://shop.example/*', 'spiffe://bank.example/*'] } })
    const grant = await granted()
    for (const name of [PAYMENTS, 'spiffe://shop.example/settlement', 'spiffe://bank.example/settlement/one']) {
      const other = await world.workload(name, [service])
      expect((await work.redeem(other, grant)).body).toMatchObject({ error: 'invalid_grant', wimse_ts_code: 'ERR_EXCHANGE_GRANT_CLIENT' })
    }
    expect((await work.redeem(worker, grant)).status).toBe(200)
  })

  it('to the one worker that another one was named as', async () => {
    await begin()
    const grant = await granted({ deferral: { worker: WORKER } })
    const other = await world.workload(OTHER_WORKER, [service])
    expect((await work.redeem(other, grant)).body).toMatchObject({ wimse_ts_code: 'ERR_EXCHANGE_GRANT_CLIENT' })
    expect((await work.redeem(worker, grant)).status).toBe(200)
  })

  it('to a client that proves no key', async () => {
    await begin()
    const grant = await granted()
    const { token } = (await worker.source.jwt?.fetch(ISSUER)) ?? { token: '' }
    const client = jwtSvidAuthentication({ identifier: worker.identifier, token })
    const { body } = await work.redeem(worker, grant, { client }, service, 'mutual-tls')
    expect(body).toMatchObject({ error: 'invalid_client', wimse_ts_code: 'ERR_EXCHANGE_CLIENT_UNBOUND' })
    expect(world.lastEvent()).toMatchObject({ method: 'spiffe_jwt' })
  })
})
