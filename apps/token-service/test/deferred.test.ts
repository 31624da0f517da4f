import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import { type DeferredWork, deferral, deferredWork, GRANT_TYPE, PARAMETERS, WORKER } from './deferred-harness.ts'
import { claimsOf, closeAll, createWorld, ISSUER, ORDERS, STOREFRONT, TXN_TYPE, type World } from './harness.ts'

let world: World
let service: TokenService
let work: DeferredWork
let storefront: Workload
let orders: Workload
let worker: Workload

beforeEach(async () => {
  world = await createWorld()
  service = await world.start(deferral())
  work = deferredWork(world, service)
  storefront = await world.workload(STOREFRONT, [service])
  orders = await world.workload(ORDERS, [service])
  worker = await world.workload(WORKER, [service])
})

afterEach(closeAll)

describe('work that is deferred', () => {
  it('out of a transaction of a user is done by a worker, who acts for that user after the one who asked', async () => {
    const started = await work.transaction(storefront)
    const old = claimsOf(started.token)
    const granted = await work.defer(orders, started, { deferral: { purpose: 'settle later' } })
    expect(granted.status).toBe(200)
    expect(granted.body).toMatchObject({ issued_token_type: GRANT_TYPE, token_type: 'N_A', scope: 'payments:settle', expires_in: 3600 })
    const grant = String(granted.body['access_token'])
    expect(claimsOf(grant)).toMatchObject({
      iss: ISSUER,
      aud: ISSUER,
      sub: 'user:alice',
      txn: old['txn'],
      act: { sub: ORDERS },
      requester: ORDERS,
    })
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', kind: 'deferred-grant', transaction: old['txn'], client: ORDERS })
    world.runtime.advance(600)

    const later = await world.workload(WORKER, [service])
    const redeemed = await work.redeem(later, grant)
    expect(redeemed.status).toBe(200)
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
    expect(world.lastEvent()).toMatchObject({
      kind: 'deferred-redemption',
      transaction: claims['txn'],
      linkedTransaction: old['txn'],
      use: 'new',
    })
    expect(worker.identifier).toBe(WORKER)
  })
})
