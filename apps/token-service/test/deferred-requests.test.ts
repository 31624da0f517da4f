import { type JsonObject, requestViewOfRequest } from '@wimse/core'
import { TOKEN_TYPES, type TypedToken, tokenExchangeRequest } from '@wimse/token-exchange'
import type { Workload } from '@wimse/workload/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  type DeferredWork,
  deferral,
  deferredWork,
  GRANT_TYPE,
  NIGHTLY,
  PARAMETERS,
  standing,
  WORKER,
  WORKERS,
} from './deferred-harness.ts'
import {
  ACCESS_TYPE,
  type Answer,
  BANK_ISSUER,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  ISSUER,
  JSON_TYPE,
  JWT_TYPE,
  ORDERS,
  PAYMENTS,
  STOREFRONT,
  send,
  TXN_TYPE,
  type World,
} from './harness.ts'

let world: World
let service: TokenService
let work: DeferredWork
let storefront: Workload
let orders: Workload
let started: TypedToken

beforeAll(async () => {
  world = await createWorld()
  service = await world.start(deferral())
  work = deferredWork(world, service)
  storefront = await world.workload(STOREFRONT, [service])
  orders = await world.workload(ORDERS, [service])
  started = await work.transaction(storefront)
})

afterAll(closeAll)

const refused = ({ body }: Answer): unknown => [body['error'], body['wimse_ts_code']]
const now = (): number => Math.floor(world.runtime.now() / 1000)

/** Whatever a client may write into `request_details`. */
function ask(requestDetails: JsonObject | undefined, changes: object = {}): Promise<Answer> {
  const asked = { subjectToken: started, audience: ISSUER, scope: ['payments:settle'], requestedTokenType: GRANT_TYPE, ...changes }
  const options = requestDetails === undefined ? asked : { ...asked, requestDetails }
  return send(orders, requestViewOfRequest(tokenExchangeRequest(`https://localhost:${service.port}/token`, options)))
}

describe('a deferred grant is refused', () => {
  const least = (changes: object = {}): JsonObject => ({
    deferral: { worker: WORKERS, action: 'settle', parameters: PARAMETERS, end: now() + 60, ...changes },
  })
  const malformed: readonly (readonly [string, () => JsonObject | undefined, string])[] = [
    ['no details', () => undefined, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['no deferral', () => ({}), 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['details of a transaction', () => ({ ...least(), amount: 1 }), 'ERR_EXCHANGE_PARAMETER_UNKNOWN'],
    ['a deferral that is a list', () => ({ deferral: [] }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an unknown member', () => least({ workers: WORKERS }), 'ERR_EXCHANGE_PARAMETER_UNKNOWN'],
    ['no worker', () => least({ worker: undefined }), 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['anybody as worker', () => least({ worker: '*' }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no action', () => least({ action: undefined }), 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['neither parameters nor limits', () => least({ parameters: undefined }), 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['both', () => least({ limits: { amount: { at_most: 1 } } }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['parameters that are a text', () => least({ parameters: 'x' }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a number that others read otherwise', () => least({ parameters: { amount: 2 ** 53 } }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no uses', () => least({ uses: 0 }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no end', () => least({ end: undefined }), 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['an end as a text', () => least({ end: '2026-01-01' }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an end that has passed', () => least({ end: now() }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a start after the end', () => least({ not_before: now() + 61 }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a purpose that is none', () => least({ purpose: ['x'] }), 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    [
      'more than fits into a grant',
      () => least({ parameters: undefined, limits: { amount: { equals: 'x'.repeat(9000) } } }),
      'ERR_EXCHANGE_DEFERRAL_DENIED',
    ],
  ]
  it.each(malformed)('for details with %s', async (_title, details, code) => {
    expect(refused(await ask(details()))).toEqual(['invalid_request', code])
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code, client: ORDERS })
  })

  it.each([
    ['a worker that the rule has not', { worker: PAYMENTS }],
    ['a wider pattern of workers', { worker: 'spiffe://shop.example/*' }],
    ['workers of another trust domain', { worker: 'spiffe://bank.example/settlement/*' }],
    ['an action that the rule has not', { action: 'refund' }],
    ['an action that every object has', { action: 'constructor' }],
    ['a parameter that the rule has not', { parameters: { ...PARAMETERS, iban: 'x' } }],
    ['limits where the rule has none', { parameters: undefined, limits: { amount: { at_most: 1 } } }],
    ['more uses than the rule has', { uses: 2 }],
    ['a longer life than the rule has', { end: 86_401 }],
  ])('for %s', async (_title, changes) => {
    const end = 'end' in changes ? { end: now() + changes.end } : {}
    expect(refused(await ask(least({ ...changes, ...end })))).toEqual(['invalid_request', 'ERR_EXCHANGE_DEFERRAL_DENIED'])
  })

  it.each([
    ['another audience', { audience: 'shop.example' }, 'invalid_target', 'ERR_EXCHANGE_TARGET'],
    ['two audiences', { audience: [ISSUER, BANK_ISSUER] }, 'invalid_target', 'ERR_EXCHANGE_TARGET'],
    ['a resource', { resource: 'https://a.example/' }, 'invalid_target', 'ERR_EXCHANGE_TARGET'],
    ['no audience', { audience: undefined }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['no scope', { scope: undefined }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['a scope that the action has not', { scope: ['payments:refund'] }, 'invalid_scope', 'ERR_EXCHANGE_SCOPE'],
    ['the context of a request', { requestContext: {} }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_UNKNOWN'],
    ['an actor token', { actorToken: { token: 'a.b.c', type: ACCESS_TYPE } }, 'invalid_request', 'ERR_EXCHANGE_PARAMETER_UNKNOWN'],
    [
      'a transaction token that is none',
      { subjectToken: { token: 'a.b.c', type: TXN_TYPE } },
      'invalid_request',
      'ERR_EXCHANGE_SUBJECT_TOKEN',
    ],
    [
      'a subject of no rule',
      { subjectToken: { token: '{"sub":"a"}', type: JSON_TYPE } },
      'invalid_request',
      'ERR_EXCHANGE_DEFERRAL_DENIED',
    ],
    ['a deferred grant', { subjectToken: { token: 'a.b.c', type: GRANT_TYPE } }, 'invalid_request', 'ERR_EXCHANGE_TOKEN_TYPE'],
  ] as const)('for a request with %s', async (_title, changes, error, code) => {
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
    const options = { subjectToken: started, audience: ISSUER, scope: ['payments:settle'], requestedTokenType: GRANT_TYPE, ...given }
    for (const [name, value] of Object.entries(changes)) if (value === undefined) Reflect.deleteProperty(options, name)
    const request = tokenExchangeRequest(`https://localhost:${service.port}/token`, { ...options, requestDetails: least() })
    expect(refused(await send(orders, requestViewOfRequest(request)))).toEqual([error, code])
  })

  it('for a scope whose needs the subject token has not, and where the requester has no rule', async () => {
    const subjectToken = { token: await world.accessToken({ scope: 'profile' }), type: ACCESS_TYPE }
    expect(refused(await work.defer(storefront, subjectToken, standing(world)))).toEqual(['invalid_scope', 'ERR_EXCHANGE_SCOPE'])
    const payments = await world.workload(PAYMENTS, [service])
    expect(refused(await work.defer(payments, started))).toEqual(['unauthorized_client', 'ERR_POLICY_DENIED'])
  })

  it('for another one as the subject of a workload that speaks for itself', async () => {
    const nightly = await world.workload(NIGHTLY, [service])
    const subjectToken = { token: JSON.stringify({ sub: 'user:alice' }), type: JSON_TYPE }
    const asked = { scope: ['orders:settle'], deferral: { parameters: { order: '1' } } }
    expect(refused(await work.defer(nightly, subjectToken, asked))).toEqual(['invalid_request', 'ERR_EXCHANGE_SUBJECT_TOKEN'])
  })

  const act = (...names: readonly string[]): JsonObject | undefined =>
    names.reduceRight<JsonObject | undefined>((before, sub) => ({ sub, ...(before && { act: before }) }), undefined)
  it.each([
    ['an actor that occurs already (TEX-4.1-03)', { act: act(STOREFRONT) }, {}, 'ERR_EXCHANGE_ACTOR_REPEATED'],
    ['a worker that acts already', { act: act(WORKER) }, { worker: WORKER }, 'ERR_EXCHANGE_ACTOR_REPEATED'],
    ['a chain without room for the requester', { act: act('a', 'b', 'c', 'd') }, {}, 'ERR_EXCHANGE_ACTOR_CHAIN_DEPTH'],
    ['a chain without room for the worker', { act: act('a', 'b', 'c') }, {}, 'ERR_EXCHANGE_ACTOR_CHAIN_DEPTH'],
    ['another one who may act (TEX-4.4-02)', { may_act: { sub: ORDERS } }, {}, 'ERR_EXCHANGE_MAY_ACT'],
    ['the requester alone as one who may act', { may_act: { sub: STOREFRONT } }, {}, 'ERR_EXCHANGE_MAY_ACT'],
  ])('for %s', async (_title, claims, changes, code) => {
    const { scope, deferral: asked } = standing(world)
    const subjectToken = { token: await world.accessToken(claims), type: ACCESS_TYPE }
    const answer = await work.defer(storefront, subjectToken, { ...(scope && { scope }), deferral: { ...asked, ...changes } })
    expect(refused(answer)).toEqual(['invalid_request', code])
  })

  it('where the worker turns out to act already, and the longest chain is kept whole', async () => {
    const { scope, deferral: asked } = standing(world)
    const changes = { ...(scope && { scope }), deferral: { ...asked } }
    const redemption = { scope: ['orders:restock'], use: '1', parameters: { amount: 1 } }
    const worker = await world.workload(WORKER, [service])
    const repeated = { token: await world.accessToken({ act: act(WORKER) }), type: ACCESS_TYPE }
    const first = await work.defer(storefront, repeated, changes)
    const answer = await work.redeem(worker, String(first.body['access_token']), redemption)
    expect(refused(answer)).toEqual(['invalid_request', 'ERR_EXCHANGE_ACTOR_REPEATED'])
    const long = { token: await world.accessToken({ act: act('a', 'b') }), type: ACCESS_TYPE }
    const second = await work.defer(storefront, long, changes)
    const redeemed = await work.redeem(worker, String(second.body['access_token']), redemption)
    expect(claimsOf(redeemed.body['access_token'])['act']).toEqual(act(WORKER, STOREFRONT, 'a', 'b'))
  })
})

describe('a deferred grant', () => {
  it.each([
    ['an access token', ACCESS_TYPE, 'payments'],
    ['a grant for another domain', JWT_TYPE, 'bank'],
  ])('is no subject token for %s', async (_title, requestedTokenType, audience) => {
    const { body } = await work.defer(orders, started)
    const subjectToken = { token: String(body['access_token']), type: TOKEN_TYPES.deferredGrant }
    const caller = audience === 'bank' ? await world.workload(PAYMENTS, [service]) : orders
    const answer = await exchange(caller, service, { subjectToken, requestedTokenType, audience, scope: ['orders:place'] })
    expect(answer.body).toMatchObject({ error: 'invalid_request', wimse_ts_code: 'ERR_EXCHANGE_TOKEN_TYPE' })
  })

  it.each([TXN_TYPE, ACCESS_TYPE])('does not pass for a token of another kind: %s', async (type) => {
    const { body } = await work.defer(orders, started)
    const subjectToken = { token: String(body['access_token']), type }
    const asked = { subjectToken, audience: 'shop.example', scope: ['orders:place'], requestedTokenType: TXN_TYPE }
    expect((await exchange(type === TXN_TYPE ? orders : storefront, service, asked)).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_TOKEN' })
  })
})
