import { requestViewOfParts, requestViewOfRequest } from '@wimse/core'
import { jwtBearerRequest } from '@wimse/token-exchange'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  ACCESS_TYPE,
  type Answer,
  answerOf,
  BANK_ISSUER,
  CHARGES,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  ISSUER,
  JWT_TYPE,
  LEDGER,
  PAYMENTS,
  send,
  type World,
} from './harness.ts'

let world: World
let shop: TokenService
let bank: TokenService
let payments: Workload

beforeEach(async () => {
  world = await createWorld()
  shop = await world.start()
  const jwksUri = `https://localhost:${shop.port}/jwks`
  const transcription = { subjects: [{ from: 'shop-customer' }], actors: [{ from: 'shop' }], scope: { 'ledger:post': 'post' } }
  bank = await world.start(
    {
      accessTokens: { targets: [{ audience: LEDGER, allow: [PAYMENTS] }] },
      chaining: { inbound: [{ issuer: ISSUER, jwksUri, peer: 'spiffe://shop.example/token-service', transcription }] },
    },
    'bank',
  )
  payments = await world.workload(PAYMENTS, [shop, bank])
})

afterEach(closeAll)

async function read(service: TokenService, target: string) {
  return requestViewOfParts({ method: 'GET', scheme: 'https', authority: `localhost:${service.port}`, target, fields: [], body: null })
}

async function grant(changes: object = {}): Promise<Answer> {
  const token = await world.accessToken({ aud: CHARGES, scope: 'orders:place profile' })
  const subjectToken = { token, type: ACCESS_TYPE }
  return exchange(payments, shop, { subjectToken, audience: 'bank', requestedTokenType: JWT_TYPE, ...changes })
}

function redeem(assertion: unknown, changes: object = {}, workload: Workload = payments): Promise<Answer> {
  const request = jwtBearerRequest(`https://localhost:${bank.port}/token`, {
    assertion: String(assertion),
    issuer: BANK_ISSUER,
    resource: LEDGER,
    ...changes,
  })
  return send(workload, requestViewOfRequest(request), 'wpt', `${BANK_ISSUER}/token`)
}

describe('identity chaining', () => {
  it('gives the other domain what the table lets across, bound to the key of the client (CHN-2.5-01, CHN-B.3-01, CHN-B.3-03)', async () => {
    const granted = await grant()
    expect(granted.body).toMatchObject({ issued_token_type: JWT_TYPE, token_type: 'N_A', scope: 'ledger:post' })
    const claims = claimsOf(granted.body['access_token'])
    expect(claims).toMatchObject({ iss: ISSUER, aud: BANK_ISSUER, sub: 'shop-customer', act: { sub: 'shop' }, scope: 'ledger:post' })
    expect(claims).not.toHaveProperty('client_id')
    expect(world.lastEvent()).toMatchObject({ event: 'token.issued', kind: 'authorization-grant' })

    const { status, body } = await redeem(granted.body['access_token'])
    expect(status).toBe(200)
    const jkt = payments.source.wit?.current().signer.thumbprint
    expect(claimsOf(body['access_token'])).toMatchObject({
      iss: BANK_ISSUER,
      aud: LEDGER,
      sub: 'shop-customer',
      act: { sub: 'shop' },
      scope: 'post',
      client_id: PAYMENTS,
      cnf: { jkt },
    })
  })

  it('redeems a grant once (CHN-5.5-03)', async () => {
    const { body } = await grant()
    expect((await redeem(body['access_token'])).status).toBe(200)
    expect((await redeem(body['access_token'])).body['error']).toBe('invalid_grant')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_GRANT_REPLAYED' })
  })

  it('redeems a grant for nobody but the holder of its key (CHN-5.5-04, CHN-B.3-04)', async () => {
    const { body } = await grant()
    const other = await world.workload(PAYMENTS, [shop, bank])
    expect((await redeem(body['access_token'], {}, other)).body['error']).toBe('invalid_grant')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_GRANT_CLIENT' })
  })

  it.each([
    ['wider than the grant', { scope: ['ledger:post', 'ledger:close'] }, 'invalid_scope'],
    ['for another resource', { resource: 'https://vault.bank.example' }, 'invalid_target'],
    ['with an access token in place of a grant', undefined, 'invalid_grant'],
  ])('refuses to redeem %s', async (_title, changes, error) => {
    const assertion = changes === undefined ? await world.accessToken({ aud: BANK_ISSUER }) : (await grant()).body['access_token']
    expect((await redeem(assertion, changes)).body['error']).toBe(error)
  })

  it('refuses an expired grant', async () => {
    const { body } = await grant()
    world.runtime.advance(91)
    expect((await redeem(body['access_token'])).body['error']).toBe('invalid_grant')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_GRANT_EXPIRED' })
  })

  it.each([
    ['a scope that can not cross', { scope: ['profile'] }, 'invalid_scope'],
    ['another domain', { audience: 'https://tokens.elsewhere.example' }, 'invalid_target'],
  ])('refuses a grant for %s (CHN-2.5-03, CHN-2.3.2-02)', async (_title, changes, error) => {
    expect((await grant(changes)).body['error']).toBe(error)
  })

  it('says in its metadata what it gives and takes (CHN-3-01)', async () => {
    const { body } = await answerOf(await payments.send(await read(shop, '/.well-known/oauth-authorization-server')))
    expect(body).toMatchObject({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/token`,
      jwks_uri: `${ISSUER}/jwks`,
      identity_chaining_requested_token_types_supported: [JWT_TYPE],
    })
  })
})
