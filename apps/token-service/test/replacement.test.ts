import type { JsonObject } from '@wimse/core'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import { ACCESS_TYPE, type Answer, claimsOf, closeAll, createWorld, exchange, ORDERS, STOREFRONT, TXN_TYPE, type World } from './harness.ts'

let world: World
let service: TokenService
let storefront: Workload
let orders: Workload

beforeEach(async () => {
  world = await createWorld()
  service = await world.start()
  storefront = await world.workload(STOREFRONT, [service])
  orders = await world.workload(ORDERS, [service])
})

afterEach(closeAll)

async function started(): Promise<string> {
  const { body } = await exchange(storefront, service, {
    subjectToken: { token: await world.accessToken(), type: ACCESS_TYPE },
    audience: 'shop.example',
    scope: ['orders:place'],
    requestedTokenType: TXN_TYPE,
    requestContext: { ip: '192.0.2.1' },
    requestDetails: { amount: 12, items: 3 },
  })
  return String(body['access_token'])
}

function replace(token: string, requestDetails: JsonObject, changes: object = {}, workload: Workload = orders): Promise<Answer> {
  return exchange(workload, service, {
    subjectToken: { token, type: TXN_TYPE },
    audience: 'shop.example',
    scope: ['orders:place'],
    requestedTokenType: TXN_TYPE,
    requestDetails,
    ...changes,
  })
}

describe('a replacement', () => {
  it('keeps transaction, subject and audience, adds and narrows, and names every requester (TXN-13.15-02, TXN-13.15-03, TXN-13.15-05)', async () => {
    const token = await started()
    const { status, body } = await replace(token, { fraud: 'low', amount: 10 })
    expect(status).toBe(200)
    const [before, after] = [claimsOf(token), claimsOf(body['access_token'])]
    expect(after).toMatchObject({ txn: before['txn'], sub: before['sub'], aud: before['aud'], rctx: before['rctx'] })
    expect(after).toMatchObject({ req_wl: [STOREFRONT, ORDERS], tctx: { amount: 10, items: 3, fraud: 'low' } })
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', kind: 'replacement', transaction: before['txn'] })
  })

  it.each([
    ['a limit that goes up (TXN-13.15-04)', { amount: 13 }, {}, 'ERR_TXN_CONTEXT_WIDER', 'invalid_request'],
    ['a member that may not change', { items: 2 }, {}, 'ERR_TXN_CONTEXT_WIDER', 'invalid_request'],
    ['a member that no rule admits', { admin: true }, {}, 'ERR_EXCHANGE_PARAMETER_MALFORMED', 'invalid_request'],
    ['a scope that is wider (TXN-13.15-04)', {}, { scope: ['orders:refund'] }, 'ERR_TXN_SCOPE_WIDER', 'invalid_scope'],
    ['another environment', {}, { requestContext: { ip: '::1' } }, 'ERR_EXCHANGE_PARAMETER_UNKNOWN', 'invalid_request'],
  ])('is refused for %s', async (_title, details, changes, code, error) => {
    expect((await replace(await started(), details, changes)).body['error']).toBe(error)
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code, error })
  })

  it('is refused from an expired token (TXN-13.15-06)', async () => {
    const token = await started()
    world.runtime.advance(60)
    expect((await replace(token, {})).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'ERR_TXN_EXPIRED' })
  })

  it('is refused to a workload that no rule lets, and from a token that was changed', async () => {
    const token = await started()
    expect((await replace(token, {}, {}, storefront)).body['error']).toBe('unauthorized_client')
    const [header, payload, signature = ''] = token.split('.')
    const other = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect((await replace(other, {})).body['error']).toBe('invalid_request')
  })

  it('is refused when there are too many (TXN-13.15-08)', async () => {
    let token = await started()
    for (const status of [200, 200, 400]) {
      const answer = await replace(token, {})
      expect(answer.status).toBe(status)
      token = String(answer.body['access_token'])
    }
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_TXN_REPLACEMENT_LIMIT' })
  })
})
