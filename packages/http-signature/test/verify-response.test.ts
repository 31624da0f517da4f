import { inMemoryReplayStore, type ResponseView, utf8 } from '@wimse/core'
import { component } from '@wimse/http-message-signatures'
import type { WitCredential } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createResponseVerifier,
  type ResponseVerifierOptions,
  type SignedRequest,
  type SignResponseOptions,
  signResponse,
  type VerifiedHttpSignature,
  verifyResponse,
} from '../src/index.ts'
import { type Forgery, forge } from './support/forge.ts'
import { createWorld, okResponse, runtime, sign, streamOf, verify, type World, withField } from './support/world.ts'

let world: World
let payments: WitCredential
let required: SignedRequest
let optional: SignedRequest
let received: VerifiedHttpSignature
let complete: ResponseView

const PEER = 'spiffe://shop.example/payments'

beforeAll(async () => {
  world = await createWorld()
  payments = await world.credential('payments')
  const orders = await world.credential('orders')
  required = await sign(orders, { signedResponse: 'required' })
  optional = await sign(orders)
  received = await verify(world, required.request)
  const { response } = await answer()
  complete = { ...response, fields: response.fields.filter(([name]) => !name.startsWith('signature')) }
})

function answer(options: Partial<SignResponseOptions> = {}, response: ResponseView = okResponse) {
  return signResponse(response, { credential: payments, request: received, runtime, ...options })
}

function check(response: ResponseView, request: SignedRequest = required, options: Partial<ResponseVerifierOptions> = {}) {
  return verifyResponse(response, { request, verifyWit: world.verifyWit, peer: (id) => id === PEER, runtime, ...options })
}

function forged(forgery: Forgery = {}, message: ResponseView = complete) {
  const own = { 'wimse-aud': undefined, 'wimse-req-nonce': required.nonce }
  return forge(message, payments, { request: required.request, ...forgery, parameters: { ...own, ...forgery.parameters } })
}

const rejects = (promise: Promise<unknown>, code: string) => expect(promise).rejects.toMatchObject({ code })

describe('signed responses', () => {
  it('SIG-3-13 to SIG-3-19 SIG-3.4-02 SIG-3.4-03: verify, with what the profile covers', async () => {
    const { response, nonce } = await answer()
    const verified = await check(response)
    expect(verified).toMatchObject({ kind: 'http-signature', identifier: PEER, requestNonce: required.nonce, nonce })
    expect(verified?.components.map(({ text }) => text)).toEqual([
      '"@status"',
      '"workload-identity-token"',
      '"content-type"',
      '"content-digest"',
      '"@method";req',
      '"@path";req',
      '"@query";req',
    ])
  })

  it('SIG-3.3-05 SIG-3.5-08: verify when they were not asked for', async () => {
    const request = await verify(world, optional.request)
    const { response } = await answer({ request })
    await expect(check(response, optional)).resolves.toMatchObject({ requestNonce: optional.nonce })
  })

  it('without a body', async () => {
    const { response } = await answer({}, { kind: 'response', status: 204, fields: [], body: null })
    await expect(check(response)).resolves.toMatchObject({ identifier: PEER })
  })

  it('SIG-3.5-02 SIG-3.5-03 SIG-3.5-04 SIG-3.5-05: a stream that fits is signed, one that does not makes an error', async () => {
    const { response } = await answer({}, { ...okResponse, body: streamOf(utf8('a'), utf8('b')) })
    expect(response.body).toEqual(utf8('ab'))
    await expect(check(response)).resolves.toBeDefined()
    await rejects(answer({ maxBodyBytes: 1 }, { ...okResponse, body: streamOf(utf8('a'), utf8('b')) }), 'ERR_HTTP_SIGNATURE_CANNOT_SIGN')
  })

  it('only a verified request is answered', async () => {
    await rejects(answer({ request: { ...received } }), 'ERR_OPTIONS_INVALID')
  })

  it('SIG-3.5-14: an Accept-Signature alone obliges nobody', async () => {
    await expect(check(okResponse, optional)).resolves.toBeUndefined()
  })
})

describe('unsigned responses', () => {
  it('SIG-3.5-07: are accepted as unsigned when none was required', async () => {
    await expect(check(okResponse, optional)).resolves.toBeUndefined()
  })

  it('SIG-3.3-02 SIG-3.5-06: are refused when one was required, stripped ones too', async () => {
    await rejects(check(okResponse), 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED')
    await rejects(check(complete), 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED')
    await rejects(check(await forged({ parameters: { tag: 'other' } })), 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED')
  })
})

describe('refused responses, each with one fault', () => {
  it.each([
    ['SIG-3-13', '"@status"'],
    ['SIG-3-14', '"@method";req'],
    ['SIG-3-15', '"@path";req'],
    ['SIG-3-16', '"@query";req'],
    ['SIG-3-17', '"content-type"'],
    ['SIG-3-18', '"content-digest"'],
    ['SIG-3-19', '"workload-identity-token"'],
  ])('%s: %s is not covered', async (_id, text) => {
    const names = ['workload-identity-token', 'content-type', 'content-digest', '@status'].map((name) => component(name))
    const ofRequest = ['@method', '@path', '@query'].map((name) => component(name, { req: true }))
    const components = [...names, ...ofRequest].filter((identifier) => identifier.text !== text)
    await rejects(check(await forged({ components })), 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING')
  })

  it.each([
    ['SIG-3-30 SIG-3.4-02', 'ERR_HTTP_SIGNATURE_RESPONSE_NONCE_MISSING', { 'wimse-req-nonce': undefined }],
    ['SIG-3.4-01', 'ERR_HTTP_SIGNATURE_PARAMETER', { 'wimse-req-nonce': { serialized: ':AAAA:' } }],
    ['SIG-3.4-03 SIG-3.5-10', 'ERR_HTTP_SIGNATURE_RESPONSE_NONCE', { 'wimse-req-nonce': 'another' }],
    ['SIG-3-28 on a response', 'ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { 'wimse-aud': 'x' }],
    ['SIG-3-29 on a response', 'ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { 'wimse-sign-response': true }],
    ['SIG-3-31', 'ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { keyid: 'k' }],
    ['SIG-3-32', 'ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { alg: 'x' }],
    ['SIG-3-24', 'ERR_HTTP_SIGNATURE_PARAMETER_MISSING', { expires: undefined }],
    ['SIG-5.1-06', 'ERR_HTTP_SIGNATURE_EXPIRED', { created: 1, expires: 2 }],
  ] as const)('%s: %s', async (_id, code, parameters) => {
    await rejects(check(await forged({ parameters })), code)
  })

  it.each([
    ['SIG-3-13 SIG-3.5-09', { status: 500 }, 'ERR_HTTP_SIGNATURE_INVALID'],
    ['SIG-3-22', { body: utf8('{"ok":null}') }, 'ERR_DIGEST_MISMATCH'],
  ])('%s: changed in transit', async (_id, change, code) => {
    await rejects(check({ ...(await answer()).response, ...change }), code)
  })

  it('SIG-3-20: a body without a digest', async () => {
    const bare = withField(complete, 'content-digest', () => undefined)
    await rejects(check(await forged({}, bare)), 'ERR_HTTP_SIGNATURE_DIGEST_MISSING')
  })

  it('SIG-3-15: to a request for another path', async () => {
    const { response } = await answer()
    const other = { ...required, request: { ...required.request, path: '/refunds' } }
    await rejects(check(response, other), 'ERR_HTTP_SIGNATURE_INVALID')
  })

  it('SIG-3.5-09: a broken signature is refused though none was required', async () => {
    const request = await verify(world, optional.request)
    const { response } = await answer({ request })
    await rejects(check({ ...response, status: 201 }, optional), 'ERR_HTTP_SIGNATURE_INVALID')
  })

  it('SIG-3-42: the WIT of the response is verified first', async () => {
    const stranger = await (await createWorld()).credential('payments')
    const { response } = await answer({ credential: stranger })
    await rejects(check(response), 'ERR_WIT_SIGNATURE')
    await rejects(check(withField((await answer()).response, 'workload-identity-token', () => undefined)), 'ERR_WIT_MISSING')
  })

  it('signed by another workload of the same trust domain', async () => {
    const { response } = await answer({ credential: await world.credential('fraud') })
    await rejects(check(response), 'ERR_HTTP_SIGNATURE_RESPONSE_PEER')
  })

  it('nothing but true of a rule says who may answer', async () => {
    const { response } = await answer()
    const peer = (async () => false) as unknown as () => boolean
    await rejects(check(response, undefined, { peer }), 'ERR_HTTP_SIGNATURE_RESPONSE_PEER')
  })

  it('SIG-3-36: with two signatures of this profile', async () => {
    const twice = await forged({ label: 'two' }, await forged())
    await rejects(check(twice), 'ERR_HTTP_SIGNATURE_TAG_DUPLICATE')
  })

  it('SIG-3-41: with a nonce that was seen before, where a store is given', async () => {
    const { response } = await answer()
    const options = { verifyWit: world.verifyWit, peer: () => true, replay: inMemoryReplayStore({ capacity: 5 }), runtime }
    const verifier = createResponseVerifier(options)
    await verifier(response, required)
    await rejects(verifier(response, required), 'ERR_HTTP_SIGNATURE_REPLAYED')
  })
})
