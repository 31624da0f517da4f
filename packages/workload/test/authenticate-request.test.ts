import { type RequestView, requestViewOfRequest } from '@wimse/core'
import { staticTrust } from '@wimse/trust'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AuthenticateRequestOptions, authenticateRequest } from '../src/index.ts'
import { call, charge, codeOf, makeWorld, ORDERS, ORIGIN, type World, withFields } from './world.ts'

let world: World
let recipient: AuthenticateRequestOptions
beforeEach(async () => {
  world = await makeWorld()
  const trust = staticTrust({ 'shop.example': world.shop.spiffeBundle() })
  recipient = { trust, audience: ORIGIN, replay: world.replay, runtime: world.runtime }
})

function webRequest({ method, path, query, fields, body }: RequestView): Request {
  const headers = fields.map(([name, value]): [string, string] => [name, value])
  return new Request(`${ORIGIN}${path}${query === undefined ? '' : `?${query}`}`, { method, headers, body: body as BodyInit | null })
}

describe('one web request', () => {
  it.each(['wpt', 'http-signature'] as const)('CRED-7-01: by %s gives its peer, and keeps its body', async (proof) => {
    for (const body of ['{"amount":12}', null]) {
      const request = webRequest((await call(world, proof, { request: charge([], body) })).request)
      const peer = await authenticateRequest(request, recipient)
      expect([peer.identifier, peer.proofs[0]?.kind, request.bodyUsed]).toEqual([ORDERS, proof, false])
      expect(await request.text()).toBe(body ?? '')
    }
  })

  it('CRED-5.2-01: is refused with the code of the first check that failed', async () => {
    const { request } = await call(world, 'http-signature')
    expect(await codeOf(authenticateRequest(webRequest({ ...request, method: 'PUT' }), recipient))).toBe('ERR_HTTP_SIGNATURE_INVALID')
    const tampered = { ...request, body: new TextEncoder().encode('{"amount":99}') }
    expect(await codeOf(authenticateRequest(webRequest(tampered), recipient))).toBe('ERR_DIGEST_MISMATCH')
    expect(await codeOf(authenticateRequest(webRequest(charge()), recipient))).toBe('ERR_PROOF_MISSING')
    expect(await codeOf(authenticateRequest(webRequest(withFields(request, [['signature', 'x=:AAAA:']])), recipient))).toMatch(/^ERR_/)
  })

  it('SIG-3.5-04: one that requires a signed response is refused, also when someone passes a credential by', async () => {
    const { request } = await call(world, 'http-signature-and-response')
    const smuggled = { ...recipient, credential: () => world.payments }
    expect(await codeOf(authenticateRequest(webRequest(request), smuggled))).toBe('ERR_HTTP_SIGNATURE_CANNOT_SIGN')
  })

  it('refuses what is larger than the limit', async () => {
    const { request } = await call(world, 'http-signature')
    const limited = authenticateRequest(webRequest(request), { ...recipient, maxBodyBytes: 5 })
    expect(await codeOf(limited)).toBe('ERR_MESSAGE_BODY_TOO_LARGE')
  })

  it('sees the path and query as the platform has them', () => {
    expect(requestViewOfRequest(new Request(`${ORIGIN}/a/../charges?fast=1`))).toMatchObject({ path: '/charges', query: 'fast=1' })
  })
})
