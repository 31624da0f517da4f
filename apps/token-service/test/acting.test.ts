import { clientIdentification, type TokenExchangeRequestOptions } from '@wimse/token-exchange'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  ACCESS_TYPE,
  CHARGES,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  ISSUER,
  ORDERS,
  STOREFRONT,
  shopConfig,
  TXN_TYPE,
  type World,
} from './harness.ts'

let world: World

beforeEach(async () => {
  world = await createWorld()
})

afterEach(closeAll)

async function begin(options: Readonly<Record<string, unknown>> = {}): Promise<{ service: TokenService; storefront: Workload }> {
  const service = await world.start(options)
  return { service, storefront: await world.workload(STOREFRONT, [service]) }
}

const asked = (token: string): TokenExchangeRequestOptions => ({
  subjectToken: { token, type: ACCESS_TYPE },
  audience: 'payments',
  scope: ['orders'],
})

describe('an access token', () => {
  it('names the client as the actor and is bound to its key (TEX-4.1-03, CHN-5.2-01)', async () => {
    const { service, storefront } = await begin()
    const { status, body } = await exchange(storefront, service, asked(await world.accessToken()))
    expect(status).toBe(200)
    expect(body).toMatchObject({ issued_token_type: ACCESS_TYPE, token_type: 'Bearer', scope: 'orders' })
    const jkt = storefront.source.wit?.current().signer.thumbprint
    expect(claimsOf(body['access_token'])).toMatchObject({
      iss: ISSUER,
      aud: CHARGES,
      sub: 'user:alice',
      act: { sub: STOREFRONT },
      cnf: { jkt },
    })
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', kind: 'access-token', acting: 'delegation', actors: 1 })
  })

  it('is bound to the certificate of a client that authenticates by mutual TLS', async () => {
    const { service, storefront } = await begin()
    const client = clientIdentification(storefront.identifier)
    const { body } = await exchange(storefront, service, { ...asked(await world.accessToken()), client }, 'mutual-tls')
    expect(claimsOf(body['access_token'])['cnf']).toEqual({ 'x5t#S256': expect.any(String) })
  })

  it('is issued in the name of the subject of a transaction, whoever started that', async () => {
    const { service, storefront } = await begin()
    const orders = await world.workload(ORDERS, [service])
    const started = await exchange(storefront, service, {
      ...asked(await world.accessToken()),
      audience: 'shop.example',
      scope: ['orders:place'],
      requestedTokenType: TXN_TYPE,
    })
    const subjectToken = { token: String(started.body['access_token']), type: TXN_TYPE }
    const { body } = await exchange(orders, service, { subjectToken, audience: CHARGES, scope: ['orders:place'] })
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: 'user:alice', act: { sub: ORDERS }, scope: 'orders:place' })
  })

  it('keeps who acts already, through the transaction and its replacements (TEX-4.1-03)', async () => {
    const { service, storefront } = await begin()
    const orders = await world.workload(ORDERS, [service])
    const act = { sub: 'spiffe://shop.example/concierge' }
    const txn = { audience: 'shop.example', scope: ['orders:place'], requestedTokenType: TXN_TYPE }
    const started = await exchange(storefront, service, { ...asked(await world.accessToken({ act })), ...txn })
    expect(claimsOf(started.body['access_token'])['act']).toEqual(act)
    expect(world.lastEvent()).toMatchObject({ kind: 'transaction-token', actors: 1 })
    const before = { token: String(started.body['access_token']), type: TXN_TYPE }
    const replaced = await exchange(orders, service, { subjectToken: before, ...txn })
    const subjectToken = { token: String(replaced.body['access_token']), type: TXN_TYPE }
    expect(claimsOf(subjectToken.token)['act']).toEqual(act)
    const { body } = await exchange(orders, service, { subjectToken, audience: CHARGES })
    expect(claimsOf(body['access_token'])['act']).toEqual({ sub: ORDERS, act })
  })

  it('has no actor only where impersonation is granted, and the event tells (TEX-A.1.1-01)', async () => {
    const impersonation = [{ actors: [STOREFRONT], subjects: ['*'], targets: [CHARGES], scope: ['*'] }]
    const { service, storefront } = await begin({ acting: { impersonation } })
    const { body } = await exchange(storefront, service, asked(await world.accessToken()))
    expect(claimsOf(body['access_token'])).not.toHaveProperty('act')
    expect(world.lastEvent()).toMatchObject({ acting: 'impersonation', actors: 0 })
  })

  it.each([
    ['an unknown target', { audience: 'nowhere' }, 'invalid_target', 'ERR_EXCHANGE_TARGET'],
    ['a scope that the rule has not', { scope: ['profile'] }, 'invalid_scope', 'ERR_EXCHANGE_SCOPE'],
    ['the context of a transaction', { requestDetails: {} }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_UNKNOWN'],
  ])('is refused for %s', async (_title, changes, error, code) => {
    const { service, storefront } = await begin()
    const { body } = await exchange(storefront, service, { ...asked(await world.accessToken()), ...changes })
    expect(body['error']).toBe(error)
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code })
  })

  it('is refused where nothing is granted, and to an actor that may_act does not name (TEX-2.2.2-01, TEX-4.4-02)', async () => {
    const { acting: _granted, ...nothing } = shopConfig(world.directory)
    const { service, storefront } = await begin({ ...nothing, acting: {} })
    await exchange(storefront, service, asked(await world.accessToken()))
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_DELEGATION_DENIED', error: 'invalid_request' })
    const granted = await begin()
    await exchange(granted.storefront, granted.service, asked(await world.accessToken({ may_act: { sub: ORDERS } })))
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_MAY_ACT' })
  })

  it('is refused to an actor that is in the chain already, and beyond the longest chain (TEX-4.1-03)', async () => {
    const { service, storefront } = await begin()
    await exchange(storefront, service, asked(await world.accessToken({ act: { sub: STOREFRONT } })))
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_ACTOR_REPEATED' })
    const act = { sub: 'a', act: { sub: 'b', act: { sub: 'c', act: { sub: 'd' } } } }
    await exchange(storefront, service, asked(await world.accessToken({ act })))
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_ACTOR_CHAIN_DEPTH' })
  })
})
