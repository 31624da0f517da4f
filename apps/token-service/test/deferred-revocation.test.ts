import { requestViewOfParts, utf8 } from '@wimse/core'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import { type DeferredWork, deferral, deferredWork, OTHER_WORKER, standing, WORKER } from './deferred-harness.ts'
import {
  ACCESS_TYPE,
  type Answer,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  ISSUER,
  ORDERS,
  STOREFRONT,
  send,
  TXN_TYPE,
  type World,
} from './harness.ts'

const OPERATOR = 'spiffe://shop.example/operator'

let world: World
let service: TokenService
let work: DeferredWork
let storefront: Workload
let orders: Workload
let worker: Workload
let other: Workload
let operator: Workload
let grant: string

beforeEach(async () => {
  world = await createWorld()
  service = await world.start({ ...deferral(), revocation: { operators: [OPERATOR] } }, 'shop', { x509LifetimeSeconds: 30 * 86_400 })
  work = deferredWork(world, service)
  const names = [STOREFRONT, ORDERS, WORKER, OTHER_WORKER, OPERATOR]
  const [first, second, third, fourth, fifth] = await Promise.all(names.map((name) => world.workload(name, [service])))
  if (first === undefined || second === undefined || third === undefined || fourth === undefined || fifth === undefined)
    throw new Error('workloads')
  storefront = first
  orders = second
  worker = third
  other = fourth
  operator = fifth
  grant = String((await work.defer(orders, await work.transaction(storefront))).body['access_token'])
})

afterEach(closeAll)

function stop(what: object): Promise<Answer> {
  const body = utf8(JSON.stringify(what))
  const fields = [['content-type', 'application/json']] as const
  const parts = { method: 'POST', scheme: 'https', authority: `localhost:${service.port}`, target: '/revocations', fields, body } as const
  return send(operator, requestViewOfParts(parts), 'wpt', `${ISSUER}/revocations`)
}

/** What a workload further on has made of a token. */
function replaced(token: unknown, scope: string): Promise<Answer> {
  const subjectToken = { token: String(token), type: TXN_TYPE }
  return exchange(orders, service, { subjectToken, audience: 'shop.example', scope: [scope], requestedTokenType: TXN_TYPE })
}

const code = ({ status, body }: Answer): unknown => (status === 200 ? 'token' : body['wimse_ts_code'])

describe('a deferred grant that is stopped gives no token:', () => {
  it.each([
    ['by its subject', () => ({ subject: 'user:alice' })],
    ['by its requester', () => ({ workload: ORDERS })],
    ['by who started the transaction', () => ({ workload: STOREFRONT })],
    ['by the transaction in which it was made', () => ({ transaction: claimsOf(grant)['txn'] })],
    ['itself', () => ({ token: grant })],
    ['itself, by the hash of its event', () => ({ kind: 'token', hash: world.lastEvent()['signedHash'] })],
  ])('%s', async (_title, what) => {
    expect((await stop(what())).status).toBe(200)
    const refused = await work.redeem(worker, grant)
    expect(refused.body).toMatchObject({ error: 'invalid_grant', wimse_ts_code: 'ERR_EXCHANGE_GRANT_REVOKED' })
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', client: WORKER })
  })

  it('by the worker alone, which takes no use from the others', async () => {
    await stop({ workload: WORKER })
    expect((await work.redeem(worker, grant)).body).toMatchObject({
      error: 'unauthorized_client',
      wimse_ts_code: 'ERR_EXCHANGE_CLIENT_REVOKED',
    })
    expect(code(await work.redeem(other, grant))).toBe('token')
  })

  it('by the new transaction, whose use nobody takes over then, nor is anything made of its token', async () => {
    const { body } = await work.redeem(worker, grant)
    expect((await replaced(body['access_token'], 'payments:settle')).status).toBe(200)
    await stop({ transaction: claimsOf(body['access_token'])['txn'] })
    await replaced(body['access_token'], 'payments:settle')
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code: 'ERR_EXCHANGE_SUBJECT_REVOKED' })
    world.runtime.advance(60)
    expect(code(await work.redeem(other, grant))).toBe('ERR_EXCHANGE_GRANT_REVOKED')
  })

  it('by its requester, who gives it up, and nobody else does', async () => {
    expect((await work.giveUp(worker, grant)).body['error']).toBe('unauthorized_client')
    expect((await work.giveUp(storefront, grant)).body['error']).toBe('unauthorized_client')
    expect(code(await work.redeem(worker, grant))).toBe('token')
    expect((await work.giveUp(orders, grant)).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.recorded', kind: 'token', client: ORDERS })
    world.runtime.advance(60)
    expect(code(await work.redeem(worker, grant))).toBe('ERR_EXCHANGE_GRANT_REVOKED')
  })
})

describe('a standing grant', () => {
  beforeEach(async () => {
    const subjectToken = { token: await world.accessToken(), type: ACCESS_TYPE }
    grant = String((await work.defer(storefront, subjectToken, standing(world))).body['access_token'])
  })

  const run = async (use: string): Promise<unknown> => {
    const again = await world.workload(WORKER, [service])
    return code(await work.redeem(again, grant, { scope: ['orders:restock'], use, parameters: { amount: 1 } }))
  }

  it('ends for the next run when consent is withdrawn, until its own end', async () => {
    expect(await run('one')).toBe('token')
    expect((await work.giveUp(storefront, grant)).status).toBe(200)
    for (const later of [1, 7200, 5 * 86_400]) {
      world.runtime.advance(later)
      expect(await run(`after-${later}`)).toBe('ERR_EXCHANGE_GRANT_REVOKED')
    }
  })

  it.each([
    ['the subject', () => ({ subject: 'user:alice' })],
    ['the requester', () => ({ workload: STOREFRONT })],
    ['the transaction', () => ({ transaction: claimsOf(grant)['txn'] })],
    ['the token', () => ({ token: grant })],
    ['the token by its hash', () => ({ kind: 'token', hash: world.lastEvent()['signedHash'] })],
  ])('stays stopped by an operator who does not say how long, by %s', async (_title, what) => {
    await stop(what())
    world.runtime.advance(6 * 86_400)
    expect(await run('one')).toBe('ERR_EXCHANGE_GRANT_REVOKED')
  })

  it('stops what came of it, too, where its transaction is stopped', async () => {
    const { body } = await work.redeem(worker, grant, { scope: ['orders:restock'], use: '1', parameters: { amount: 1 } })
    await stop({ transaction: claimsOf(grant)['txn'] })
    await replaced(body['access_token'], 'orders:restock')
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code: 'ERR_EXCHANGE_SUBJECT_REVOKED' })
  })
})
