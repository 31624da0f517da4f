import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RequestView, requestViewOfParts, requestViewOfRequest, utf8 } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { findRedis, type RedisServer, startRedisServer } from '@wimse/replay-redis/testing'
import { jwtBearerRequest, revocationRequest, tokenExchangeRequest } from '@wimse/token-exchange'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  ACCESS_TYPE,
  type Answer,
  answerOf,
  BANK_ISSUER,
  CHARGES,
  closeAll,
  createWorld,
  exchange,
  ISSUER,
  JWT_TYPE,
  LEDGER,
  type Options,
  ORDERS,
  PAYMENTS,
  probe,
  STOREFRONT,
  send,
  TXN_TYPE,
  type World,
} from './harness.ts'

const OPERATOR = 'spiffe://shop.example/operator'
const found = await findRedis()
const missing = 'missing' in found ? found.missing : undefined
const starts = { audience: 'shop.example', scope: ['orders:place'], requestedTokenType: TXN_TYPE }
const revocation = { operators: [OPERATOR] }

let world: World
afterEach(closeAll)

async function start(workload: Workload, service: TokenService, token?: string): Promise<Answer> {
  return exchange(workload, service, { ...starts, subjectToken: { token: token ?? (await world.accessToken()), type: ACCESS_TYPE } })
}

function ask(workload: Workload, service: TokenService, method: string, target: string, body?: object): Promise<Answer> {
  const octets = body === undefined ? null : utf8(JSON.stringify(body))
  const fields = [['content-type', 'application/json']] as const
  const parts = { method, scheme: 'https', authority: `localhost:${service.port}`, target, fields, body: octets } as const
  return send(workload, requestViewOfParts(parts), 'wpt', `${ISSUER}${target}`)
}

function revoke(workload: Workload, service: TokenService, token: unknown): Promise<Answer> {
  const request = revocationRequest(`https://localhost:${service.port}/revoke`, { token: String(token) })
  return send(workload, requestViewOfRequest(request), 'wpt', `${ISSUER}/revoke`)
}

describe('revocation', () => {
  let service: TokenService
  let storefront: Workload
  let orders: Workload
  let operator: Workload
  beforeEach(async () => {
    world = await createWorld()
    service = await world.start({ revocation })
    const names = [STOREFRONT, ORDERS, OPERATOR] as const
    const [first, second, third] = await Promise.all(names.map((name) => world.workload(name, [service])))
    if (first === undefined || second === undefined || third === undefined) throw new Error('workloads')
    storefront = first
    orders = second
    operator = third
  })

  const replace = (token: unknown): Promise<Answer> =>
    exchange(orders, service, { ...starts, subjectToken: { token: String(token), type: TXN_TYPE } })

  it('gives up a token for the client that it was issued to, and for nobody else (RFC 7009 section 2.1)', async () => {
    const { body } = await start(storefront, service)
    expect(await revoke(orders, service, body['access_token'])).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } })
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.refused', code: 'ERR_EXCHANGE_TOKEN_OWNER' })
    expect((await replace(body['access_token'])).status).toBe(200)
    expect((await revoke(storefront, service, body['access_token'])).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.recorded', kind: 'token', client: STOREFRONT })
    expect((await replace(body['access_token'])).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_REVOKED' })
  })

  it('answers 200 for what is no token of this service (RFC 7009 section 2.2)', async () => {
    for (const token of ['a.b.c', 'x', await world.accessToken()]) expect((await revoke(storefront, service, token)).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.unknown' })
  })

  it.each([
    ['the subject', { subject: 'user:alice' }, 'ERR_EXCHANGE_SUBJECT_REVOKED'],
    ['the client', { workload: STOREFRONT }, 'ERR_EXCHANGE_CLIENT_REVOKED'],
  ])('stops %s, and lets it go on when that is withdrawn', async (_title, body, code) => {
    const stopped = await ask(operator, service, 'POST', '/revocations', { ...body, reason: 'stolen', forSeconds: 60 })
    expect(stopped.status).toBe(200)
    expect(world.log.at(-1)).not.toContain('alice')
    expect((await start(storefront, service)).status).toBe(400)
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code })
    const { kind, hash } = stopped.body
    expect((await ask(orders, service, 'GET', '/revocations')).body).toMatchObject({ revocations: [{ kind, hash }] })
    expect((await ask(operator, service, 'DELETE', `/revocations/${String(kind)}/${String(hash)}`)).status).toBe(200)
    expect((await start(storefront, service)).status).toBe(200)
  })

  it('stops a transaction in every replacement, and a token whatever its signature', async () => {
    const { body } = await start(storefront, service)
    const { transaction, signedHash } = world.lastEvent()
    const other = await start(storefront, service)
    await ask(operator, service, 'POST', '/revocations', { transaction })
    expect((await replace(body['access_token'])).status).toBe(400)
    expect((await replace(other.body['access_token'])).status).toBe(200)
    expect((await ask(operator, service, 'POST', '/revocations', { kind: 'token', hash: signedHash })).status).toBe(200)
  })

  it('ends by itself', async () => {
    await ask(operator, service, 'POST', '/revocations', { subject: 'user:alice', forSeconds: 10 })
    expect((await start(storefront, service)).status).toBe(400)
    world.runtime.advance(11)
    expect((await start(storefront, service)).status).toBe(200)
  })

  it.each([
    ['nothing', {}, 400],
    ['two things', { subject: 'a', transaction: 'b' }, 400],
    ['an unknown member', { subject: 'a', why: 'b' }, 400],
    ['no end', { subject: 'a', forSeconds: 1e9 }, 400],
    ['no workload', { workload: 'x' }, 400],
    ['no token', { token: 'x' }, 400],
  ])('refuses %s', async (_title, body, status) => {
    expect((await ask(operator, service, 'POST', '/revocations', body)).status).toBe(status)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.refused' })
  })

  it('is for operators alone, and not for one that is stopped', async () => {
    expect((await ask(orders, service, 'POST', '/revocations', { subject: 'a' })).status).toBe(403)
    await ask(operator, service, 'POST', '/revocations', { workload: OPERATOR })
    expect((await ask(operator, service, 'POST', '/revocations', { subject: 'a' })).status).toBe(403)
  })
})

describe.skipIf(missing !== undefined)(`two instances on one Redis${missing === undefined ? '' : ` (${missing})`}`, () => {
  let redis: RedisServer
  let options: Options
  beforeEach(async () => {
    world = await createWorld()
    redis = await startRedisServer()
    const { exportPrivateJwk } = await generateSigner('ES256', world.runtime)
    const file = join(world.directory, 'shared-keys.json')
    await writeFile(file, JSON.stringify({ keys: [{ ...exportPrivateJwk(), kid: 'one', alg: 'ES256' }] }))
    options = { keys: { file }, state: { redis: { url: redis.url, prefix: 'test:' } }, revocation }
  })
  afterEach(() => redis.close())

  const at = (view: RequestView, { port }: TokenService): RequestView => ({ ...view, authority: `localhost:${port}` })

  it('a proof that one took is a replay at the other (WPT-2-38), and a revocation counts at both', async () => {
    const [first, second] = [await world.start(options), await world.start(options)]
    const storefront = await world.workload(STOREFRONT, [first, second])
    const subjectToken = { token: await world.accessToken(), type: ACCESS_TYPE }
    const request = requestViewOfRequest(tokenExchangeRequest(`https://localhost:${first.port}/token`, { ...starts, subjectToken }))
    const octets = new Uint8Array(await new Response(request.body as BodyInit).arrayBuffer())
    const call = await storefront.prepare({ ...request, body: octets }, { proof: 'wpt', audience: `${ISSUER}/token` })
    const again = { ...call.request, body: octets }
    expect((await answerOf(await storefront.send({ ...call.request, body: octets }))).status).toBe(200)
    expect((await answerOf(await storefront.send(at(again, second)))).status).toBe(401)
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_WPT_REPLAYED' })

    const operator = await world.workload(OPERATOR, [first])
    await ask(operator, first, 'POST', '/revocations', { subject: 'user:alice' })
    expect((await start(storefront, second)).status).toBe(400)
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_REVOKED' })
  })

  it('a grant that one redeemed is used up at the other (CHN-5.5-03)', async () => {
    const shop = await world.start()
    const transcription = { subjects: [{ from: 'shop-customer' }], actors: [{ from: 'shop' }], scope: { 'ledger:post': 'post' } }
    const inbound = [
      { issuer: ISSUER, jwksUri: `https://localhost:${shop.port}/jwks`, peer: 'spiffe://shop.example/token-service', transcription },
    ]
    const bank = { ...options, accessTokens: { targets: [{ audience: LEDGER, allow: [PAYMENTS] }] }, chaining: { inbound } }
    const [first, second] = [await world.start(bank, 'bank'), await world.start(bank, 'bank')]
    const payments = await world.workload(PAYMENTS, [shop, first, second])
    const token = await world.accessToken({ aud: CHARGES, scope: 'orders:place' })
    const granted = await exchange(payments, shop, {
      subjectToken: { token, type: ACCESS_TYPE },
      audience: 'bank',
      requestedTokenType: JWT_TYPE,
    })
    const redeem = ({ port }: TokenService): Promise<Answer> => {
      const assertion = String(granted.body['access_token'])
      const request = jwtBearerRequest(`https://localhost:${port}/token`, { assertion, issuer: BANK_ISSUER, resource: LEDGER })
      return send(payments, requestViewOfRequest(request), 'wpt', `${BANK_ISSUER}/token`)
    }
    expect((await redeem(first)).status).toBe(200)
    expect((await redeem(second)).body['error']).toBe('invalid_grant')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_GRANT_REPLAYED' })
  })

  it('issues nothing without Redis, says so, and goes on when it is back', async () => {
    const service = await world.start(options)
    const storefront = await world.workload(STOREFRONT, [service])
    expect((await start(storefront, service)).status).toBe(200)
    expect(JSON.parse((await probe(service.healthPort, '/readyz')).body)).toMatchObject({
      ready: true,
      state: 'redis',
      stateReachable: true,
      memory: { heapUsedBytes: expect.any(Number), residentBytes: expect.any(Number) },
    })
    await redis.kill()
    const refused = await start(storefront, service)
    expect([refused.status, refused.body['error']]).toEqual([503, 'temporarily_unavailable'])
    expect(refused.body).not.toHaveProperty('access_token')
    const ready = await probe(service.healthPort, '/readyz')
    expect(ready.status).toBe(503)
    expect(JSON.parse(ready.body)).toMatchObject({ ready: false, stateReachable: false })
    await redis.start()
    let answer = refused
    while (answer.status === 503) {
      world.runtime.advance(0.1)
      answer = await start(storefront, service)
    }
    expect(answer.status).toBe(200)
    expect((await probe(service.healthPort, '/readyz')).status).toBe(200)
  })
})
