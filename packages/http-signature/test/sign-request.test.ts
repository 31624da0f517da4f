import { type RequestView, utf8 } from '@wimse/core'
import { parseSignatures } from '@wimse/http-message-signatures'
import type { WitCredential } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import { addField, createWorld, NOW, postRequest, sign, testRuntime, type World, withField } from './support/world.ts'

let world: World
let orders: WitCredential

beforeAll(async () => {
  world = await createWorld()
  orders = await world.credential('orders')
})

const field = (message: RequestView, name: string) => message.fields.find(([line]) => line.toLowerCase() === name)?.[1]
const parametersOf = (message: RequestView) => Object.fromEntries(parseSignatures(message.fields)[0]?.parameters ?? [])

describe('signRequest', () => {
  it('SIG-3-34 SIG-3-23 to SIG-3-28: adds the WIT, the digest and one signature, and nothing else', async () => {
    const { request, addedFields, nonce } = await sign(orders)
    expect(addedFields.map(([name]) => name)).toEqual(['content-digest', 'workload-identity-token', 'signature-input', 'signature'])
    expect(request.fields).toEqual([...postRequest.fields, ...addedFields])
    expect(parametersOf(request)).toEqual({
      created: NOW,
      expires: NOW + 60,
      nonce,
      tag: 'wimse-workload-to-workload',
      'wimse-aud': 'https://payments.shop.example/charges',
    })
  })

  it('SIG-3.2-03: the audience is the target URI without its query unless told', async () => {
    expect(parametersOf((await sign(orders)).request)['wimse-aud']).toBe('https://payments.shop.example/charges')
    expect(parametersOf((await sign(orders, { audience: 'payments' })).request)['wimse-aud']).toBe('payments')
  })

  it('SIG-3.3-04: a signed response is required in the signature', async () => {
    const { request, signedResponseRequired } = await sign(orders, { signedResponse: 'required' })
    expect(parametersOf(request)['wimse-sign-response']).toBe(true)
    expect(signedResponseRequired).toBe(true)
  })

  it('SIG-3-39: nonces are of 128 bits and never the same', async () => {
    const nonces = new Set<string>()
    for (let index = 0; index < 50; index += 1) nonces.add((await sign(orders)).nonce)
    expect(nonces.size).toBe(50)
    expect([...nonces].every((nonce) => nonce.length === 22)).toBe(true)
  })

  it('SIG-3-25: never outlives the WIT', async () => {
    const short = await world.credential('orders', 'ES256', 10)
    expect(parametersOf((await sign(short)).request)['expires']).toBe(NOW + 10)
  })

  it('keeps a digest that is right', async () => {
    const { request } = await sign(orders)
    const digest = field(request, 'content-digest') ?? ''
    const again = await sign(orders, {}, addField(postRequest, 'Content-Digest', digest))
    expect(again.addedFields.map(([name]) => name)).not.toContain('content-digest')
  })

  it.each([
    ['SIG-5.1-03', 'ERR_INSECURE_CHANNEL', {}, { scheme: 'http' }],
    ['SIG-3-25', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 301 }, {}],
    ['SIG-3-25', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 0 }, {}],
    ['SIG-3.2-02', 'ERR_OPTIONS_INVALID', { audience: '' }, {}],
    ['SIG-3.2-01', 'ERR_OPTIONS_INVALID', { audience: 'caf\u00e9' }, {}],
    ['body beyond the limit', 'ERR_MESSAGE_BODY_TOO_LARGE', { maxBodyBytes: 3 }, {}],
    ['expired credential', 'ERR_CREDENTIAL_EXPIRED', { runtime: testRuntime(NOW + 3600) }, {}],
  ] as const)('%s: %s', async (_id, code, options, change) => {
    await expect(sign(orders, options, { ...postRequest, ...change })).rejects.toMatchObject({ code })
  })

  it('SIG-5.1-03: http where the deployment secures the channel otherwise', async () => {
    const request = { ...postRequest, scheme: 'http' } as const
    await expect(sign(orders, { channel: 'otherwise-secured' }, request)).resolves.toBeDefined()
  })

  it.each([
    ['another WIT', 'ERR_PROOF_CREDENTIAL_MISMATCH', 'workload-identity-token', 'a.b.c'],
    ['a wrong digest', 'ERR_DIGEST_MISMATCH', 'content-digest', `sha-256=:${'A'.repeat(43)}=:`],
    ['a second Txn-Token', 'ERR_TXN_TOKEN_COUNT', 'txn-token', 'd.e.f'],
  ])('refuses a request with %s', async (_what, code, name, value) => {
    await expect(sign(orders, {}, addField(postRequest, name, value))).rejects.toMatchObject({ code })
  })

  it('SIG-3-36: refuses a request that is signed already', async () => {
    const { request } = await sign(orders)
    await expect(sign(orders, {}, request)).rejects.toMatchObject({ code: 'ERR_HTTP_SIGNATURE_TAG_DUPLICATE' })
  })

  it('covers bound fields only where they are', async () => {
    const { request } = await sign(orders, { boundFields: ['X-Tenant', 'x-other'] })
    expect(field(request, 'signature-input')).toContain('"x-tenant"')
    expect(field(request, 'signature-input')).not.toContain('"x-other"')
    const without = withField(postRequest, 'x-tenant', () => undefined)
    expect(field((await sign(orders, { boundFields: ['x-tenant'] }, without)).request, 'signature-input')).not.toContain('x-tenant')
  })

  it('leaves the body of a stream as octets', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(utf8('abc'))
        controller.close()
      },
    })
    const { request } = await sign(orders, {}, { ...postRequest, body })
    expect(request.body).toEqual(utf8('abc'))
  })
})
