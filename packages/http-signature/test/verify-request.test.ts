import { inMemoryReplayStore, type RequestView, utf8 } from '@wimse/core'
import { component } from '@wimse/http-message-signatures'
import { createWebEngine } from '@wimse/keys'
import { createWitVerifier, readWitField, type VerifiedWit, type WitCredential } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import { assertVerifiedHttpSignature, createRequestVerifier, signRequest, verifyRequest } from '../src/index.ts'
import { type Forgery, forge, REQUEST_PARAMETERS } from './support/forge.ts'
import {
  AUDIENCE,
  addField,
  createWorld,
  NOW,
  postRequest,
  runtime,
  sign,
  streamOf,
  testRuntime,
  verify,
  type World,
  withField,
} from './support/world.ts'

let world: World
let orders: WitCredential
let complete: RequestView

beforeAll(async () => {
  world = await createWorld()
  orders = await world.credential('orders')
  const { request } = await sign(orders)
  // Everything but the signature.
  complete = { ...request, fields: request.fields.filter(([name]) => !name.startsWith('signature')) }
})

const forged = (forgery: Forgery = {}, message: RequestView = complete) => forge(message, orders, forgery)
const rejects = (promise: Promise<unknown>, code: string) => expect(promise).rejects.toMatchObject({ code })

describe('accepted requests', () => {
  it('SIG-3-01 SIG-3-02 SIG-3-03 SIG-3-04: what signRequest made, with everything that it covers', async () => {
    const { request, nonce } = await sign(orders, { signedResponse: 'required' })
    const verified = await verify(world, request)
    expect(verified).toMatchObject({
      kind: 'http-signature',
      identifier: 'spiffe://shop.example/orders',
      audience: `${AUDIENCE}/charges`,
      nonce,
      created: NOW,
      expiresAt: NOW + 60,
      signedResponseRequired: true,
    })
    expect(verified.components.map(({ name }) => name)).toEqual([
      '@method',
      '@path',
      '@query',
      'workload-identity-token',
      'content-type',
      'content-digest',
      'txn-token',
    ])
    expect(() => assertVerifiedHttpSignature(verified)).not.toThrow()
    expect(() => assertVerifiedHttpSignature({ ...verified })).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }))
  })

  it('SIG-3-06 SIG-3-20: a request without query, body and digest', async () => {
    const get = { ...postRequest, method: 'GET', query: undefined, body: null, fields: [['Host', 'payments.shop.example']] as const }
    const { request } = await sign(orders, {}, get)
    expect(request.fields.some(([name]) => name === 'content-digest')).toBe(false)
    const verified = await verify(world, request)
    expect(verified.body).toHaveLength(0)
  })

  it.each(['ES256', 'ES384', 'PS256', 'Ed25519', 'EdDSA'] as const)('SIG-3.1-03 SIG-3-33: %s', async (algorithm) => {
    const credential = await world.credential('orders', algorithm)
    const { request } = await sign(credential)
    await expect(verify(world, request)).resolves.toMatchObject({ identifier: 'spiffe://shop.example/orders' })
  })

  it('SIG-3-43: a body that is a stream is read and handed over', async () => {
    const { request } = await sign(orders, {}, { ...postRequest, body: streamOf(utf8('{"a":'), utf8('1}')) })
    const sent = request.body instanceof Uint8Array ? request.body : new Uint8Array()
    const verified = await verify(world, { ...request, body: streamOf(sent.slice(0, 2), sent.slice(2)) })
    expect(new TextDecoder().decode(verified.body)).toBe('{"a":1}')
    expect(verified.message.body).toBe(verified.body)
  })

  it('SIG-3-33: under an engine that answers later, as Web Cryptography does', async () => {
    const web = { ...runtime, crypto: createWebEngine(globalThis.crypto) }
    const verifyWit = createWitVerifier({ trust: world.trust, profile: 'wimse', runtime: web })
    const { request } = await sign(orders, { runtime: web })
    const wit = await verifyWit(readWitField(request.fields))
    const replay = inMemoryReplayStore({ capacity: 9 })
    const verifier = createRequestVerifier({
      audience: AUDIENCE,
      replay: { record: async (...entry) => replay.record(...entry) },
      runtime: web,
    })
    await rejects(verifier({ ...request, body: utf8('{"amount":2}') }, wit), 'ERR_DIGEST_MISMATCH')
    await rejects(verifier({ ...request, method: 'PUT' }, wit), 'ERR_HTTP_SIGNATURE_INVALID')
    await expect(verifier(request, wit)).resolves.toMatchObject({ identifier: 'spiffe://shop.example/orders' })
    await rejects(verifier(request, wit), 'ERR_HTTP_SIGNATURE_REPLAYED')
  })

  it('SIG-3-07: a rewritten authority does no harm', async () => {
    const { request } = await sign(orders)
    await expect(verify(world, { ...request, authority: 'internal.example:8443' })).resolves.toBeDefined()
  })

  it('SIG-3-37 SIG-3-38 SIG-5.2-01: the signature with the tag counts, under any label, beside others', async () => {
    const foreign = await forge(complete, orders, { label: 'wimse', parameters: { tag: 'proxy', keyid: 'k' }, components: ['@authority'] })
    const both = await forged({ label: 'foo' }, foreign)
    await expect(verify(world, both)).resolves.toMatchObject({ nonce: 'a-nonce' })
  })

  it('SIG-3.2-04 SIG-3.2-05: an alias as audience', async () => {
    const { request } = await sign(orders, { audience: 'payments' })
    await expect(verify(world, request, { audience: ['other', 'payments'] })).resolves.toMatchObject({ audience: 'payments' })
  })

  it('SIG-3-29 SIG-3.3-03: wimse-sign-response that is false or absent requires nothing', async () => {
    for (const value of [false, undefined]) {
      const message = await forged({ parameters: { 'wimse-sign-response': value } })
      await expect(verify(world, message)).resolves.toMatchObject({ signedResponseRequired: false })
    }
  })

  it('parameters that nobody knows are ignored', async () => {
    await expect(verify(world, await forged({ parameters: { 'x-own': 1 } }))).resolves.toBeDefined()
  })

  it('SIG-3-07: @authority when the option says so', async () => {
    const message = await forged({ components: [...REQUIRED, '@authority'] })
    await expect(verify(world, message, { authorityComponents: 'accept' })).resolves.toBeDefined()
    await rejects(verify(world, message), 'ERR_HTTP_SIGNATURE_COMPONENT_FORBIDDEN')
  })

  it('HMS-7.2.1-01: a field that the application binds', async () => {
    const { request } = await sign(orders, { boundFields: ['X-Tenant'] })
    await expect(verify(world, request, { boundFields: ['x-tenant'] })).resolves.toBeDefined()
    await rejects(verify(world, (await sign(orders)).request, { boundFields: ['x-tenant'] }), 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING')
  })
})

const REQUIRED = ['@method', '@path', '@query', 'workload-identity-token', 'content-type', 'content-digest', 'txn-token']

describe('SIG-3.6-01: refused signatures, each with one fault', () => {
  it.each(REQUIRED.map((name, index) => [`SIG-3-${['02', '03', '04', '12', '08', '09', '11'][index]}`, name]))(
    '%s: %s is not covered',
    async (_id, name) => {
      await rejects(verify(world, await forged({ without: [`"${name}"`] })), 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING')
    },
  )

  it('SIG-3-10: Authorization is not covered', async () => {
    const { request } = await sign(orders)
    await rejects(verify(world, addField(request, 'authorization', 'Bearer x')), 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING')
    await expect(verify(world, await forged({}, addField(complete, 'Authorization', 'Bearer x')))).resolves.toBeDefined()
  })

  it('SIG-3-05: @request-target in place of @path and @query', async () => {
    const message = await forged({ components: ['@method', '@request-target', ...REQUIRED.slice(3)] })
    await rejects(verify(world, message), 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING')
  })

  it('SIG-3-12: the plain identifier has to be covered, not a part or form of it', async () => {
    const components = [...REQUIRED.filter((name) => name !== 'content-digest'), component('content-digest', { key: 'sha-256' })]
    await rejects(verify(world, await forged({ components })), 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING')
  })

  it.each([
    ['SIG-3-23', 'ERR_HTTP_SIGNATURE_PARAMETER_MISSING', { created: undefined }],
    ['SIG-3-24', 'ERR_HTTP_SIGNATURE_PARAMETER_MISSING', { expires: undefined }],
    ['SIG-3-26', 'ERR_HTTP_SIGNATURE_PARAMETER_MISSING', { nonce: undefined }],
    ['SIG-3-28', 'ERR_HTTP_SIGNATURE_PARAMETER_MISSING', { 'wimse-aud': undefined }],
    ['SIG-3-26 empty', 'ERR_HTTP_SIGNATURE_PARAMETER', { nonce: '' }],
    ['SIG-3-26 long', 'ERR_HTTP_SIGNATURE_PARAMETER', { nonce: 'n'.repeat(257) }],
    ['SIG-3-24 before created', 'ERR_HTTP_SIGNATURE_PARAMETER', { created: NOW, expires: NOW }],
    ['SIG-3-31', 'ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { keyid: 'k' }],
    ['SIG-3-32', 'ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { alg: 'ecdsa-p256-sha256' }],
    ['SIG-3.4-01 on a request', 'ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { 'wimse-req-nonce': 'n' }],
    ['SIG-3.3-01 text', 'ERR_HTTP_SIGNATURE_PARAMETER', { 'wimse-sign-response': 'true' }],
    ['SIG-3.3-01 number', 'ERR_HTTP_SIGNATURE_PARAMETER', { 'wimse-sign-response': 1 }],
    ['SIG-3.2-01 token', 'ERR_HTTP_SIGNATURE_AUD_MALFORMED', { 'wimse-aud': { serialized: 'payments' } }],
    ['SIG-3.2-01 boolean', 'ERR_HTTP_SIGNATURE_AUD_MALFORMED', { 'wimse-aud': true }],
    ['SIG-3.2-02', 'ERR_HTTP_SIGNATURE_AUD_MALFORMED', { 'wimse-aud': '' }],
    ['SIG-3.2-06', 'ERR_HTTP_SIGNATURE_AUD', { 'wimse-aud': 'https://ledger.bank.example/charges' }],
    ['SIG-3.2-06 another path', 'ERR_HTTP_SIGNATURE_AUD', { 'wimse-aud': `${AUDIENCE}/refunds` }],
    ['SIG-3-27 case', 'ERR_HTTP_SIGNATURE_MISSING', { tag: 'WIMSE-workload-to-workload' }],
    ['SIG-3-27 token', 'ERR_HTTP_SIGNATURE_MISSING', { tag: undefined }],
    ['SIG-5.1-06 future', 'ERR_HTTP_SIGNATURE_CREATED', { created: NOW + 31, expires: NOW + 60 }],
    ['SIG-5.1-06', 'ERR_HTTP_SIGNATURE_EXPIRED', { created: NOW - 100, expires: NOW - 30 }],
    ['SIG-3-25 SIG-5.1-05', 'ERR_HTTP_SIGNATURE_LIFETIME', { expires: NOW + 331 }],
    ['SIG-3-25 since created', 'ERR_HTTP_SIGNATURE_LIFETIME', { created: NOW - 300, expires: NOW + 31 }],
  ] as const)('%s: %s', async (_id, code, parameters) => {
    await rejects(verify(world, await forged({ parameters })), code)
  })

  it.each([
    ['SIG-5.1-06 future', { created: NOW + 30, expires: NOW + 60 }],
    ['SIG-5.1-06', { created: NOW - 100, expires: NOW - 29 }],
    ['SIG-3-25', { expires: NOW + 330 }],
  ] as const)('%s: accepted at the edge', async (_id, parameters) => {
    await expect(verify(world, await forged({ parameters }))).resolves.toBeDefined()
  })

  it('SIG-3-27 SIG-3-35: a message without a signature of this profile', async () => {
    await rejects(verify(world, complete), 'ERR_HTTP_SIGNATURE_MISSING')
    await rejects(verify(world, await forged({ parameters: { tag: 'other' }, label: 'wimse' })), 'ERR_HTTP_SIGNATURE_MISSING')
  })

  it('SIG-3-36: two signatures with the tag, both valid', async () => {
    const twice = await forged({ label: 'two', parameters: { nonce: 'b' } }, await forged())
    await rejects(verify(world, twice), 'ERR_HTTP_SIGNATURE_TAG_DUPLICATE')
  })

  it('SIG-3-01: another key', async () => {
    const other = await world.credential('orders')
    await rejects(verify(world, await forged({ signer: other.signer })), 'ERR_HTTP_SIGNATURE_INVALID')
  })

  it('SIG-3-12: another WIT with the same identity', async () => {
    const other = await world.credential('orders')
    const { request } = await sign(orders)
    await rejects(
      verify(
        world,
        withField(request, 'workload-identity-token', () => other.token),
      ),
      'ERR_HTTP_SIGNATURE_INVALID',
    )
  })

  it.each([
    ['SIG-3-02', { method: 'PUT' }, 'ERR_HTTP_SIGNATURE_INVALID'],
    ['SIG-3-03 SIG-5.2-02', { path: '/charges/' }, 'ERR_HTTP_SIGNATURE_AUD'],
    ['SIG-3-04', { query: 'dry=0' }, 'ERR_HTTP_SIGNATURE_INVALID'],
    ['SIG-3-06', { query: undefined }, 'ERR_HTTP_SIGNATURE_INVALID'],
    ['SIG-3-22', { body: utf8('{"amount":2}') }, 'ERR_DIGEST_MISMATCH'],
    ['SIG-3-22 stream', { body: streamOf(utf8('{"amount":2}')) }, 'ERR_DIGEST_MISMATCH'],
    ['SIG-3-22 gone', { body: null }, 'ERR_DIGEST_MISMATCH'],
  ] as const)('%s: changed in transit', async (_id, change, code) => {
    const { request } = await sign(orders)
    await rejects(verify(world, { ...request, ...change }), code)
  })

  it('SIG-3-03: a changed path fails for an alias as well', async () => {
    const { request } = await sign(orders, { audience: 'payments' })
    await rejects(verify(world, { ...request, path: '/refunds' }, { audience: 'payments' }), 'ERR_HTTP_SIGNATURE_INVALID')
  })

  it('SIG-3-11: a swapped or added Txn-Token', async () => {
    const { request } = await sign(orders)
    await rejects(
      verify(
        world,
        withField(request, 'txn-token', () => 'd.e.f'),
      ),
      'ERR_HTTP_SIGNATURE_INVALID',
    )
    await rejects(verify(world, addField(request, 'txn-token', 'd.e.f')), 'ERR_TXN_TOKEN_COUNT')
  })

  it.each([
    ['octets', utf8('x')],
    ['a stream', streamOf(utf8('x'))],
  ])('SIG-3-20 SIG-3-21: a body without Content-Digest, as %s', async (_kind, body) => {
    const bare = withField(complete, 'content-digest', () => undefined)
    await rejects(verify(world, await forged({}, { ...bare, body })), 'ERR_HTTP_SIGNATURE_DIGEST_MISSING')
  })

  it('SIG-3-22 DIG-5-02: a digest of no accepted algorithm', async () => {
    const weak = withField(complete, 'content-digest', () => 'md5=:AAAA:')
    await rejects(verify(world, await forged({}, weak)), 'ERR_DIGEST_ALGORITHM')
  })

  it('a body beyond the limit', async () => {
    const { request } = await sign(orders)
    await rejects(verify(world, request, { maxBodyBytes: 4 }), 'ERR_MESSAGE_BODY_TOO_LARGE')
  })

  it('SIG-3.1-02: an algorithm that policy does not allow for that trust domain', async () => {
    const { request } = await sign(orders)
    const algorithms = { default: ['ES256'], byTrustDomain: { 'shop.example': ['ES384'] } } as const
    await rejects(verify(world, request, { algorithms }), 'ERR_HTTP_SIGNATURE_ALG')
    await expect(verify(world, request, { algorithms: { default: ['ES256'] } })).resolves.toBeDefined()
  })

  it('SIG-5.1-02: the WIT as a bearer token', async () => {
    const message = addField(complete, 'authorization', `Bearer ${orders.token}`)
    await rejects(verify(world, await forged({}, message)), 'ERR_WIT_AS_BEARER')
  })

  it('SIG-3-42: a WIT that is not the one of the message, or not verified', async () => {
    const { request } = await sign(orders)
    const other = await world.verifyWit((await world.credential('orders')).token)
    const options = { audience: AUDIENCE, replay: inMemoryReplayStore({ capacity: 1 }), runtime }
    await rejects(verifyRequest(request, { wit: other, ...options }), 'ERR_PROOF_CREDENTIAL_MISMATCH')
    const forgedWit = { ...(await world.verifyWit(orders.token)) } as VerifiedWit
    await rejects(verifyRequest(request, { wit: forgedWit, ...options }), 'ERR_OPTIONS_INVALID')
  })

  it('a WIT that has expired since it was verified', async () => {
    const short = await world.credential('orders', 'ES256', 20)
    const { request } = await sign(short)
    const wit = await world.verifyWit(short.token)
    const later = testRuntime(NOW + 50)
    const options = { wit, audience: AUDIENCE, replay: inMemoryReplayStore({ capacity: 1 }), clockToleranceSeconds: 30, runtime: later }
    await rejects(verifyRequest(request, options), 'ERR_HTTP_SIGNATURE_EXPIRED')
    const longer = await forge(
      withField(complete, 'workload-identity-token', () => short.token),
      short,
      {},
    )
    await rejects(verifyRequest(longer, options), 'ERR_WIT_EXPIRED')
  })

  it('HMS-4.1-02: parameters that are not in their canonical form', async () => {
    const { request } = await sign(orders)
    const spaced = withField(request, 'signature-input', (value) => value.replace(';nonce', '; nonce'))
    await rejects(verify(world, spaced), 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT')
  })
})

describe('replay', () => {
  it('SIG-3-41 SIG-5.1-08 SIG-6.4-01: the second use of a nonce is refused', async () => {
    const { request } = await sign(orders)
    const replay = inMemoryReplayStore({ capacity: 10 })
    await expect(verify(world, request, { replay })).resolves.toBeDefined()
    await rejects(verify(world, request, { replay }), 'ERR_HTTP_SIGNATURE_REPLAYED')
  })

  it('SIG-3-41 SIG-5.1-06: a copy whose body is held back until the first use is forgotten is refused for its age', async () => {
    let seconds = NOW
    const moving = { ...runtime, now: () => seconds * 1000 }
    const replay = inMemoryReplayStore({ capacity: 10 })
    const { request } = await sign(orders)
    const sent = request.body as Uint8Array
    const held: ReadableStreamDefaultController<Uint8Array>[] = []
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        held.push(controller)
      },
    })
    const copy = verify(world, { ...request, body }, { replay, runtime: moving })
    await verify(world, request, { replay, runtime: moving })
    seconds = NOW + 100
    await verify(world, (await sign(orders, { runtime: moving })).request, { replay, runtime: moving })
    for (const controller of held) {
      controller.enqueue(sent)
      controller.close()
    }
    await rejects(copy, 'ERR_HTTP_SIGNATURE_EXPIRED')
  })

  it('SIG-3-41: the nonce of another sender is no matter', async () => {
    const replay = inMemoryReplayStore({ capacity: 10 })
    const fraud = await world.credential('fraud')
    await verify(world, await forged({ parameters: REQUEST_PARAMETERS }), { replay })
    const same = await forge(
      withField(complete, 'workload-identity-token', () => fraud.token),
      fraud,
    )
    await expect(verify(world, same, { replay })).resolves.toMatchObject({ nonce: 'a-nonce' })
  })

  it('SIG-3-40: only what held in every other way is recorded', async () => {
    const replay = inMemoryReplayStore({ capacity: 1 })
    const { request } = await sign(orders)
    const wit = await world.verifyWit(readWitField(request.fields))
    const verifier = createRequestVerifier({ audience: AUDIENCE, replay, runtime })
    await rejects(verifier({ ...request, body: utf8('other') }, wit), 'ERR_DIGEST_MISMATCH')
    await rejects(verifier({ ...request, method: 'PUT' }, wit), 'ERR_HTTP_SIGNATURE_INVALID')
    expect(replay.size).toBe(0)
    await verifier(request, wit)
    await rejects(verifier((await sign(orders)).request, wit), 'ERR_REPLAY_STORE_FULL')
  })
})

describe('options', () => {
  const replay = inMemoryReplayStore({ capacity: 1 })
  it.each([
    ['SIG-3.2-06', { audience: [] }],
    ['SIG-3.2-06', { audience: '' }],
    ['tolerance', { clockToleranceSeconds: 121 }],
    ['lifetime', { maxLifetimeSeconds: 0 }],
    ['field', { boundFields: ['@path'] }],
    ['field', { boundFields: ['signature'] }],
  ])('%s: %j is refused', (_id, options) => {
    expect(() => createRequestVerifier({ audience: AUDIENCE, replay, ...options })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }),
    )
  })

  it('order: the audience before the time, the time before the signature, the signature before the body', async () => {
    const both = await forged({ parameters: { 'wimse-aud': 'x', expires: NOW + 9999 } })
    await rejects(verify(world, both), 'ERR_HTTP_SIGNATURE_AUD')
    const late = await forged({ parameters: { expires: NOW + 9999 } })
    await rejects(verify(world, { ...late, method: 'PUT' }), 'ERR_HTTP_SIGNATURE_LIFETIME')
    const { request } = await signRequest(postRequest, { credential: orders, runtime })
    await rejects(verify(world, { ...request, method: 'PUT', body: utf8('x') }), 'ERR_HTTP_SIGNATURE_INVALID')
  })
})
