import { formatBase64url, inMemoryReplayStore, isWimseError, type JsonObject, parseWorkloadIdentifier, utf8 } from '@wimse/core'
import { generateSigner, type SignatureAlgorithm, type Signer, SVID_ALGORITHMS, signCompactJws } from '@wimse/keys'
import { createTestAuthority, createTestRuntime } from '@wimse/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { processWitRequest } from '../src/request/process-wit-request.ts'
import { certificateThumbprint, createWitRequest, WIT_REQUEST_TYP } from '../src/request/wit-request.ts'

const runtime = createTestRuntime()
const audience = parseWorkloadIdentifier('spiffe://shop.example/wit-agent')
const identifier = parseWorkloadIdentifier('spiffe://shop.example/orders')
const now = runtime.now() / 1000
let leaf: Uint8Array
let otherLeaf: Uint8Array
let signer: Signer
let privateJwk: Readonly<Record<string, unknown>>

beforeAll(async () => {
  const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const first = async (name: string): Promise<Uint8Array> => (await authority.issueX509Svid(name)).chain[0] ?? new Uint8Array()
  leaf = await first(identifier)
  otherLeaf = await first(identifier)
  const generated = await generateSigner('ES256', runtime)
  signer = generated.signer
  privateJwk = generated.exportPrivateJwk()
})

const judge = (body: string | Uint8Array, replay = inMemoryReplayStore({ capacity: 10 })) =>
  processWitRequest(typeof body === 'string' ? utf8(body) : body, { peer: { identifier, leaf }, audience, replay, runtime })

const create = (use: Signer = signer): Promise<string> =>
  createWitRequest({ signer: use, audience, subject: identifier, leaf, hint: 'blue', runtime })

async function requestWith(change: JsonObject, header: JsonObject = {}, use: Signer = signer): Promise<string> {
  const claims = {
    aud: audience,
    sub: identifier,
    iat: now,
    exp: now + 30,
    jti: 'a',
    cnf: { 'x5t#S256': await certificateThumbprint(leaf, runtime) },
    ...change,
  }
  return JSON.stringify({ jwk: signer.publicJwk, proof: await signCompactJws({ typ: WIT_REQUEST_TYP, ...header }, claims, use) })
}

describe('processWitRequest', () => {
  it.each(SVID_ALGORITHMS)('takes a key for %s with its proof (WSVID-3.2-04)', async (algorithm: SignatureAlgorithm) => {
    const { signer: own } = await generateSigner(algorithm, runtime)
    await expect(judge(await create(own))).resolves.toMatchObject({
      identifier,
      publicJwk: own.publicJwk,
      thumbprint: own.thumbprint,
      hint: 'blue',
    })
  })

  it.each(['Ed25519', 'EdDSA', 'HS256', 'none', undefined])('refuses the algorithm %s (WSVID-3.2-04)', async (alg) => {
    const body = JSON.parse(await create()) as { jwk: object; proof: string }
    await expect(judge(JSON.stringify({ ...body, jwk: { ...body.jwk, alg } }))).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_ALGORITHM' })
  })

  it.each([
    ['another recipient', { aud: 'spiffe://shop.example/other' }],
    ['a list of recipients', { aud: [audience] }],
    ['another workload', { sub: 'spiffe://shop.example/fraud' }],
    ['no end', { exp: undefined }],
    ['no beginning', { iat: undefined }],
    ['a time that is too long (WSVID-7.2-02)', { exp: now + 61 }],
    ['an end before the beginning', { exp: now - 1 }],
    ['a time that has passed', { iat: now - 90, exp: now - 31 }],
    ['a time to come', { iat: now + 31, exp: now + 60 }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['a jti without measure', { jti: 'j'.repeat(129) }],
    ['a hint that is no text', { hint: 7 }],
    ['no certificate', { cnf: {} }],
    ['a thumbprint that is no text', { cnf: { 'x5t#S256': 7 } }],
  ])('refuses a proof with %s', async (_title, change) => {
    await expect(judge(await requestWith(change as JsonObject))).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_KEY_PROOF' })
  })

  it('refuses a proof over another certificate of the same workload', async () => {
    const cnf = { 'x5t#S256': await certificateThumbprint(otherLeaf, runtime) }
    await expect(judge(await requestWith({ cnf }))).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_KEY_PROOF' })
  })

  it.each([
    ['another type', { typ: 'wpt+jwt' }],
    ['no type', { typ: undefined }],
    ['a critical extension', { crit: ['x'] }],
  ])('refuses a proof with %s in its header', async (_title, header) => {
    await expect(judge(await requestWith({}, header as JsonObject))).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_KEY_PROOF' })
  })

  it('refuses a proof with another algorithm than that of the key', async () => {
    const body = await requestWith({}, {}, { ...signer, algorithm: 'ES384' })
    await expect(judge(body)).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_KEY_PROOF' })
  })

  it('refuses a proof by another key (WSVID-5-02)', async () => {
    const { signer: other } = await generateSigner('ES256', runtime)
    await expect(judge(await requestWith({}, {}, other))).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_KEY_PROOF' })
  })

  it.each([
    ['no JSON', '{', 'ERR_WIT_AGENT_REQUEST'],
    ['a list', '[]', 'ERR_WIT_AGENT_REQUEST'],
    ['no key', '{"proof":"a.b.c"}', 'ERR_WIT_AGENT_REQUEST'],
    ['a member twice', '{"jwk":{},"jwk":{},"proof":"a.b.c"}', 'ERR_WIT_AGENT_REQUEST'],
  ])('refuses a body that is or has %s', async (_title, body, code) => {
    await expect(judge(body)).rejects.toMatchObject({ code })
  })

  it('refuses a key without proof, and a private key', async () => {
    const { proof } = JSON.parse(await create()) as { proof: string }
    await expect(judge(JSON.stringify({ jwk: signer.publicJwk }))).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_KEY_PROOF' })
    await expect(judge(JSON.stringify({ jwk: privateJwk, proof }))).rejects.toMatchObject({ code: 'ERR_KEY_PRIVATE' })
  })

  it('refuses a proof that it has seen (WSVID-7.2-04, WSVID-7.2-05)', async () => {
    const replay = inMemoryReplayStore({ capacity: 10 })
    const body = await create()
    await judge(body, replay)
    await expect(judge(body, replay)).rejects.toMatchObject({ code: 'ERR_WIT_AGENT_REPLAY' })
    await expect(judge(await create(), replay)).resolves.toBeDefined()
  })

  it('throws nothing but coded errors on arbitrary octets, and on a request of which one octet was changed', async () => {
    const coded = async (body: Uint8Array): Promise<boolean> =>
      judge(body).then(
        () => false,
        (error: unknown) => isWimseError(error),
      )
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), coded))
    const { jwk, proof } = JSON.parse(await create()) as { jwk: JsonObject; proof: string }
    await fc.assert(
      fc.asyncProperty(fc.nat(proof.length - 1), fc.integer({ min: 1, max: 255 }), async (at, delta) => {
        const octets = Buffer.from(proof)
        octets[at] = ((octets[at] ?? 0) + delta) % 128
        const changed = octets.toString('latin1')
        return changed === proof || coded(utf8(JSON.stringify({ jwk, proof: changed })))
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('x', 'y'), fc.nat(31), fc.integer({ min: 1, max: 255 }), async (member, at, delta) => {
        const octets = Buffer.from(String(jwk[member]), 'base64url')
        octets[at] = (octets[at] ?? 0) ^ delta
        return coded(utf8(JSON.stringify({ jwk: { ...jwk, [member]: formatBase64url(octets) }, proof })))
      }),
    )
  })
})
