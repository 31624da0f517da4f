import { type ResponseView, readBody, requestViewOfRequest, responseViewOfResponse } from '@wimse/core'
import { createWitVerifier } from '@wimse/wit'
import { beforeEach, describe, expect, it } from 'vitest'
import { type PreparedCall, processResponse } from '../src/node.ts'
import { authenticatorOf, call, charge, codeOf, field, makeWorld, ORDERS, PAYMENTS, type World, withFields, without } from './world.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
})

const PROOFS = ['mutual-tls', 'wpt', 'http-signature', 'http-signature-and-response', 'jwt-svid'] as const

describe('a call with its proof', () => {
  it.each(PROOFS)('WPT-3.1.1-01 CRED-9.5-01: by %s goes out over https alone', async (proof) => {
    expect((await call(world, proof)).request.scheme).toBe('https')
    expect(await codeOf(call(world, proof, { request: { ...charge(), scheme: 'http' } }))).toBe('ERR_INSECURE_CHANNEL')
  })

  it.each(['wpt', 'jwt-svid'] as const)(
    'WPT-2.2-01 WPT-2.2-02 WPT-2.2-03: by %s it has one Authorization field and refuses a second',
    async (proof) => {
      const { request } = await call(world, proof)
      expect(request.fields.filter(([name]) => name === 'authorization')).toHaveLength(1)
      const own = charge([['Authorization', 'Bearer x']])
      expect(await codeOf(call(world, proof, { request: own }))).toBe('ERR_OPTIONS_INVALID')
    },
  )

  it('WPT-2.2-02: an access token travels beside an HTTP signature or mutual TLS', async () => {
    for (const proof of ['http-signature', 'mutual-tls'] as const) {
      const { request } = await call(world, proof, { request: charge([['authorization', 'Bearer x']]) })
      expect(field(request, 'authorization')).toBe('Bearer x')
    }
  })

  it.each(['wpt', 'http-signature'] as const)('CRED-5.1.1-01: by %s it carries the WIT once', async (proof) => {
    const { request } = await call(world, proof)
    expect(request.fields.filter(([name]) => name === 'workload-identity-token')).toEqual([['workload-identity-token', world.orders.token]])
    const other = charge([['workload-identity-token', world.payments.token]])
    expect(await codeOf(call(world, proof, { request: other }))).toMatch(/^ERR_(?:OPTIONS_INVALID|PROOF_CREDENTIAL_MISMATCH)$/)
  })

  it('WPT-2.2-05: the transaction token stays in its own field', async () => {
    const { request } = await call(world, 'wpt', { request: charge([['txn-token', 'a.b.c']]) })
    expect(field(request, 'txn-token')).toBe('a.b.c')
    const twice = charge([
      ['txn-token', 'a.b.c'],
      ['txn-token', 'a.b.c'],
    ])
    expect(await codeOf(call(world, 'wpt', { request: twice }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('a context field that can not be bound is a fault of the configuration', async () => {
    expect(await codeOf(call(world, 'wpt', { contextFields: ['Txn-Token'] }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('a stream is read whole for a signature, up to the limit, and left alone otherwise', async () => {
    const streamed = (): Request => new Request('https://payments.shop.example/charges', { method: 'POST', body: 'x'.repeat(50) })
    const left = await call(world, 'wpt', { request: requestViewOfRequest(streamed()), maxBodyBytes: 10 })
    expect(await readBody(left.request.body)).toHaveLength(50)
    const read = await call(world, 'http-signature', { request: requestViewOfRequest(streamed()), maxBodyBytes: 50 })
    expect(read.request.body).toBeInstanceOf(Uint8Array)
    const refused = call(world, 'http-signature', { request: requestViewOfRequest(streamed()), maxBodyBytes: 49 })
    expect(await codeOf(refused)).toBe('ERR_MESSAGE_BODY_TOO_LARGE')
  })

  it('CRED-9.4-03: nothing is proven with a WIT that has expired', async () => {
    world.runtime.advance(300)
    expect(await codeOf(call(world, 'wpt'))).toBe('ERR_CREDENTIAL_EXPIRED')
    expect(await codeOf(call(world, 'http-signature'))).toBe('ERR_CREDENTIAL_EXPIRED')
  })
})

describe('the response to a call', () => {
  const process = (response: ResponseView, prepared: PreparedCall, options: { readonly maxBodyBytes?: number } = {}) => {
    const { trust, runtime } = world
    return processResponse(response, prepared, { verifyWit: createWitVerifier({ trust, profile: 'wimse', runtime }), runtime, ...options })
  }
  const answered = async (prepared: PreparedCall, credential = world.payments): Promise<ResponseView> => {
    const authenticator = authenticatorOf(world, { credential: () => credential })
    const { finish } = await authenticator.authenticate(prepared.request)
    return finish(responseViewOfResponse(Response.json({ ok: true })))
  }

  it('SIG-3.5-06 SIG-3.5-10: a signed one that was required is taken', async () => {
    const prepared = await call(world, 'http-signature-and-response')
    const processed = await process(await answered(prepared), prepared)
    expect(processed.signed).toBe(true)
    expect(new TextDecoder().decode(await readBody(processed.response.body))).toBe('{"ok":true}')
  })

  it('SIG-3.5-06: one that was required and is stripped is refused, with its status as a hint', async () => {
    const prepared = await call(world, 'http-signature-and-response')
    const stripped = without(await answered(prepared), 'signature', 'signature-input')
    await expect(process({ ...stripped, status: 501 }, prepared)).rejects.toMatchObject({
      code: 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED',
      detail: expect.stringContaining('501'),
    })
  })

  it.each(['http-signature', 'wpt', 'mutual-tls', 'jwt-svid'] as const)(
    'SIG-3.5-07: an unsigned one to a call by %s is taken and said to be unsigned',
    async (proof) => {
      const response = responseViewOfResponse(new Response('ok'))
      expect(await process(response, await call(world, proof))).toEqual({ response, signed: false })
    },
  )

  it('SIG-3.5-09: one that is signed has to hold, wanted or not', async () => {
    const prepared = await call(world, 'http-signature')
    const authenticator = authenticatorOf(world, { credential: () => world.payments, signResponses: 'always' })
    const { finish } = await authenticator.authenticate(prepared.request)
    const response = await finish(responseViewOfResponse(new Response('ok')))
    expect((await process(response, prepared)).signed).toBe(true)
    expect(await codeOf(process({ ...response, status: 201 }, prepared))).toBe('ERR_HTTP_SIGNATURE_INVALID')
  })

  it('SIG-3.5-10: the response to another request, and that of another workload', async () => {
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => call(world, 'http-signature-and-response')))
    if (first === undefined || second === undefined || third === undefined) throw new Error('three calls')
    expect(await codeOf(process(await answered(first), second))).toBe('ERR_HTTP_SIGNATURE_RESPONSE_NONCE')
    expect(await codeOf(process(await answered(second, world.orders), second))).toBe('ERR_HTTP_SIGNATURE_RESPONSE_PEER')
    expect([ORDERS, PAYMENTS]).toContain(third.peer)
    expect(await codeOf(process(await answered(third), third, { maxBodyBytes: 5 }))).toBe('ERR_MESSAGE_BODY_TOO_LARGE')
  })

  it('a second WIT in the response is refused', async () => {
    const prepared = await call(world, 'http-signature-and-response')
    const response = withFields(await answered(prepared), [['workload-identity-token', world.payments.token]])
    expect(await codeOf(process(response, prepared))).toBe('ERR_WIT_HEADER_COUNT')
  })
})
