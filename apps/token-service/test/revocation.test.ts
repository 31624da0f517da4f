import { requestViewOfParts, requestViewOfRequest, utf8 } from '@wimse/core'
import { clientIdentification, jwtBearerRequest, revocationRequest } from '@wimse/token-exchange'
import type { ProofChoice, Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import {
  ACCESS_TYPE,
  type Answer,
  BANK_ISSUER,
  CHARGES,
  claimsOf,
  closeAll,
  createWorld,
  exchange,
  fieldOf,
  ISSUER,
  JWT_TYPE,
  LEDGER,
  PAYMENTS,
  STOREFRONT,
  send,
  TXN_TYPE,
  type World,
} from './harness.ts'

const OPERATOR = 'spiffe://shop.example/operator'
const HASH = /^[A-Za-z0-9_-]{43}$/

let world: World
let service: TokenService
let storefront: Workload
let payments: Workload
let operator: Workload

beforeEach(async () => {
  world = await createWorld()
  service = await world.start({ revocation: { operators: [OPERATOR] } })
  ;[storefront, payments, operator] = await Promise.all([
    world.workload(STOREFRONT, [service]),
    world.workload(PAYMENTS, [service]),
    world.workload(OPERATOR, [service]),
  ])
})

afterEach(closeAll)

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly proof?: ProofChoice
}

function ask(workload: Workload, { method = 'POST', path = '/revocations', body, proof }: Asked): Promise<Answer> {
  const fields = [['content-type', 'application/json']] as const
  const authority = `localhost:${service.port}`
  const octets = body === undefined ? null : utf8(body)
  return send(
    workload,
    requestViewOfParts({ method, scheme: 'https', authority, target: path, fields, body: octets }),
    proof,
    ISSUER + path,
  )
}

const stop = (about: object, workload = operator): Promise<Answer> => ask(workload, { body: JSON.stringify(about) })

function revoke(workload: Workload, token: unknown, at = { service, issuer: ISSUER }): Promise<Answer> {
  const request = revocationRequest(`https://localhost:${at.service.port}/revoke`, { token: String(token) })
  return send(workload, requestViewOfRequest(request), 'wpt', `${at.issuer}/revoke`)
}

/** An access token of this service for payments, in the name of alice. */
async function accessToken(): Promise<string> {
  const subjectToken = { token: await world.accessToken({ scope: 'orders:place' }), type: ACCESS_TYPE }
  const { body } = await exchange(storefront, service, { subjectToken, audience: 'payments', scope: ['orders:place'] })
  return String(body['access_token'])
}

/** What payments asks for with it: to be known at the bank. */
async function grantFor(token: string): Promise<Answer> {
  return exchange(payments, service, { subjectToken: { token, type: ACCESS_TYPE }, audience: 'bank', requestedTokenType: JWT_TYPE })
}

async function grantable(): Promise<string> {
  return world.accessToken({ aud: CHARGES, scope: 'orders:place' })
}

const eventsOf = (name: string): number => world.events.filter(({ event }) => event === name).length

describe('POST /revoke', () => {
  it('stops an access token for its client, in one event that has neither it nor its subject (RFC 7009 section 2.1)', async () => {
    const token = await accessToken()
    expect((await revoke(payments, token)).body['error']).toBe('unauthorized_client')
    const before = world.log.length
    const answer = await revoke(storefront, token)
    expect([answer.status, answer.body, fieldOf(answer, 'cache-control')]).toEqual([200, {}, 'no-store'])
    const [line = '', ...more] = world.log.slice(before)
    expect(more).toEqual([])
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.recorded', kind: 'token', hash: expect.stringMatching(HASH) })
    for (const part of [...token.split('.'), 'alice']) expect(line).not.toContain(part)
    expect((await grantFor(token)).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ event: 'token.refused', code: 'ERR_EXCHANGE_SUBJECT_REVOKED' })
  })

  it('takes a grant back from the holder of its key alone', async () => {
    const grant = (await grantFor(await grantable())).body['access_token']
    expect((await revoke(storefront, grant)).body['error']).toBe('unauthorized_client')
    expect((await revoke(payments, grant)).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.recorded', client: PAYMENTS })
  })

  it('leaves nothing of a token that has ended', async () => {
    const subjectToken = { token: await world.accessToken(), type: ACCESS_TYPE }
    const asked = { subjectToken, audience: 'shop.example', scope: ['orders:place'], requestedTokenType: TXN_TYPE }
    const token = (await exchange(storefront, service, asked)).body['access_token']
    world.runtime.advance(60 + 121)
    expect((await revoke(storefront, token)).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.unknown' })
  })

  it('is for clients that authenticate as at the token endpoint', async () => {
    const request = revocationRequest(`https://localhost:${service.port}/revoke`, { token: await accessToken() })
    const { status, body } = await send(storefront, requestViewOfRequest(request), 'mutual-tls')
    expect([status, body['error']]).toEqual([400, 'invalid_client'])
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.refused', error: 'invalid_client' })
    const client = clientIdentification(storefront.identifier)
    const named = revocationRequest(`https://localhost:${service.port}/revoke`, { token: await accessToken(), client })
    expect((await send(storefront, requestViewOfRequest(named), 'mutual-tls')).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.recorded' })
  })

  it('is in the metadata (RFC 8414 section 2)', async () => {
    const { body } = await ask(storefront, { method: 'GET', path: '/.well-known/oauth-authorization-server' })
    expect(body).toMatchObject({ revocation_endpoint: `${ISSUER}/revoke` })
  })
})

describe('/revocations', () => {
  it('stops a token by its text, and by another signature of it', async () => {
    const token = await accessToken()
    expect((await grantFor(await grantable())).status).toBe(200)
    const { status, body } = await stop({ token: `${token.slice(0, token.lastIndexOf('.'))}.AAAA` })
    expect([status, body]).toEqual([200, { kind: 'token', hash: expect.stringMatching(HASH), until: expect.any(Number) }])
    await grantFor(token)
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_REVOKED', detail: 'token' })
    expect((await grantFor(await grantable())).status).toBe(200)
  })

  it('stops a workload that acted, in whatever anybody else makes of it', async () => {
    const token = await grantableBy(STOREFRONT)
    const { body } = await stop({ workload: STOREFRONT })
    await grantFor(token)
    expect(world.lastEvent()).toMatchObject({ client: PAYMENTS, code: 'ERR_EXCHANGE_SUBJECT_REVOKED', detail: 'workload' })
    const path = `/revocations/workload/${String(body['hash'])}`
    expect((await ask(operator, { method: 'DELETE', path })).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.withdrawn', stood: true })
    expect((await ask(operator, { method: 'DELETE', path })).status).toBe(404)
    expect((await grantFor(token)).status).toBe(200)
  })

  async function grantableBy(actor: string): Promise<string> {
    return world.accessToken({ aud: CHARGES, scope: 'orders:place', act: { sub: actor } })
  }

  it('stops a transaction in what is made of it', async () => {
    const subjectToken = { token: await world.accessToken(), type: ACCESS_TYPE }
    const asked = { subjectToken, audience: 'shop.example', scope: ['orders:place'], requestedTokenType: TXN_TYPE }
    const token = String((await exchange(storefront, service, asked)).body['access_token'])
    const made = (): Promise<Answer> =>
      exchange(storefront, service, { subjectToken: { token, type: TXN_TYPE }, audience: CHARGES, scope: ['orders:place'] })
    expect((await made()).status).toBe(200)
    await stop({ transaction: claimsOf(token)['txn'] })
    expect((await made()).body['error']).toBe('invalid_request')
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_SUBJECT_REVOKED', detail: 'transaction' })
  })

  it('lists hashes and ends, to clients that are admitted and to nobody else', async () => {
    await stop({ subject: 'user:alice', reason: 'account-closed' })
    await stop({ workload: 'spiffe://shop.example/gone' })
    const { status, body } = await ask(storefront, { method: 'GET' })
    const entry = { hash: expect.stringMatching(HASH), until: expect.any(Number) }
    expect(status).toBe(200)
    expect(body).toEqual({
      revocations: expect.arrayContaining([
        { kind: 'subject', ...entry },
        { kind: 'workload', ...entry },
      ]),
    })
    expect(world.log.join('')).not.toContain('alice')
    const stranger = await world.workload('spiffe://bank.example/ledger', [service])
    expect((await ask(stranger, { method: 'GET' })).status).toBe(403)
  })

  it('takes orders from operators alone, by certificate as well', async () => {
    for (const proof of ['wpt', 'mutual-tls'] as const) {
      expect((await ask(storefront, { body: '{"subject":"a"}', proof })).status).toBe(403)
      expect((await ask(storefront, { method: 'DELETE', path: `/revocations/subject/${'A'.repeat(43)}`, proof })).status).toBe(403)
    }
    expect([eventsOf('revocation.refused'), eventsOf('revocation.recorded')]).toEqual([4, 0])
    expect((await ask(operator, { body: '{"subject":"a"}', proof: 'mutual-tls' })).status).toBe(200)
    expect([eventsOf('revocation.refused'), eventsOf('revocation.recorded')]).toEqual([4, 1])
  })

  it.each([
    ['no JSON', { body: '{' }, 400],
    ['no object', { body: '["subject"]' }, 400],
    ['a member twice', { body: '{"subject":"a","subject":"b"}' }, 400],
    ['no body', {}, 400],
    ['a name that is none', { body: '{"subject":1}' }, 400],
    ['a reason in words', { body: '{"subject":"a","reason":"Alice said so"}' }, 400],
    ['a hash that is none', { body: '{"kind":"subject","hash":"S3CRET"}' }, 400],
    ['an end before now', { body: '{"subject":"a","forSeconds":0}' }, 400],
    ['more than it reads', { body: `{"subject":"${'a'.repeat(40_000)}"}` }, 413],
    ['a kind that is none', { method: 'DELETE', path: `/revocations/name/${'A'.repeat(43)}` }, 400],
    ['a longer path', { method: 'DELETE', path: `/revocations/subject/${'A'.repeat(43)}/x` }, 400],
  ])('refuses %s in one event', async (_title, asked, status) => {
    expect((await ask(operator, asked)).status).toBe(status)
    expect([eventsOf('revocation.refused'), eventsOf('revocation.recorded')]).toEqual([1, 0])
    expect(world.log.join('')).not.toMatch(/S3CRET|Alice/)
  })

  it.each([
    ['PUT', '/revocations', 'GET, POST'],
    ['POST', '/revocations/subject', 'DELETE'],
  ])('has no %s at %s', async (method, path, allowed) => {
    const answer = await ask(operator, { method, path, body: '{}' })
    expect([answer.status, fieldOf(answer, 'allow')]).toEqual([405, allowed])
  })
})

describe('a grant that the other domain stopped', () => {
  it.each([
    ['it', (grant: string) => ({ token: grant })],
    ['its subject', () => ({ subject: 'shop-customer' })],
  ])('is not redeemed where %s is stopped', async (_title, about) => {
    const transcription = { subjects: [{ from: 'shop-customer' }], actors: [{ from: 'shop' }], scope: { 'ledger:post': 'post' } }
    const jwksUri = `https://localhost:${service.port}/jwks`
    const bankOperator = 'spiffe://bank.example/operator'
    const bank = await world.start(
      {
        accessTokens: { targets: [{ audience: LEDGER, allow: [PAYMENTS] }] },
        chaining: { inbound: [{ issuer: ISSUER, jwksUri, peer: 'spiffe://shop.example/token-service', transcription }] },
        revocation: { operators: [bankOperator] },
      },
      'bank',
    )
    const [client, stopper] = [await world.workload(PAYMENTS, [service, bank]), await world.workload(bankOperator, [bank])]
    const subjectToken = { token: await grantable(), type: ACCESS_TYPE }
    const { body } = await exchange(client, service, { subjectToken, audience: 'bank', requestedTokenType: JWT_TYPE })
    const assertion = String(body['access_token'])
    const stopping = requestViewOfParts({
      method: 'POST',
      scheme: 'https',
      authority: `localhost:${bank.port}`,
      target: '/revocations',
      fields: [['content-type', 'application/json']],
      body: utf8(JSON.stringify(about(assertion))),
    })
    expect((await send(stopper, stopping, 'wpt', `${BANK_ISSUER}/revocations`)).status).toBe(200)
    const request = jwtBearerRequest(`https://localhost:${bank.port}/token`, { assertion, issuer: BANK_ISSUER, resource: LEDGER })
    const redeemed = await send(client, requestViewOfRequest(request), 'wpt', `${BANK_ISSUER}/token`)
    expect([redeemed.status, redeemed.body['error']]).toEqual([400, 'invalid_grant'])
    expect(world.lastEvent()).toMatchObject({ code: 'ERR_EXCHANGE_GRANT_REVOKED' })
  })
})
