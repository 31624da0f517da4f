import { readFileSync } from 'node:fs'
import { inMemoryReplayStore, type RequestView, type ResponseView, requestViewOfParts, utf8 } from '@wimse/core'
import { parseSignatures, signMessage } from '@wimse/http-message-signatures'
import { createSigner, createVerifier, defaultRuntime, type Verifier } from '@wimse/keys'
import type { KeyAuthority } from '@wimse/trust'
import { createWitCredential, createWitVerifier, readWitField } from '@wimse/wit'
import { describe, expect, it } from 'vitest'
import { signRequest, verifyRequest, verifyResponse } from '../src/index.ts'
import { storeOf, testRuntime } from './support/world.ts'

interface VectorMessage {
  readonly method?: string
  readonly target?: string
  readonly status?: number
  readonly fields: readonly [string, string][]
  readonly body: string
}
interface Exchange {
  readonly section: string
  readonly caller: string
  readonly callee: string
  readonly request: VectorMessage
  readonly response: VectorMessage
}
const file = JSON.parse(readFileSync(new URL('../vectors/draft-07-section-3.7.json', import.meta.url), 'utf8')) as {
  readonly keys: Record<string, Record<string, string>>
  readonly exchanges: readonly Exchange[]
}

const CREATED = 1_789_405_135
const runtime = testRuntime(CREATED + 2)
const unavailable = await createVerifier(withoutPrivate(file.keys['svcA'] ?? {}), { runtime })
/** The draft doesn't publish the key of the issuer, so the WITs are taken as they are; everything else about them is judged. */
const issuer: Verifier = { ...unavailable, verify: () => true }
const authority: KeyAuthority = { keyId: 'issuer-key', fits: () => true, verifier: () => issuer, jwk: {} }
const verifyWit = createWitVerifier({ trust: storeOf('example.com', [authority]), profile: 'wimse', runtime })

function withoutPrivate({ d: _d, ...members }: Record<string, string>): Record<string, string> {
  return members
}

function requestOf({ method = '', target = '', fields, body }: VectorMessage): RequestView {
  const authority = fields.find(([name]) => name === 'Host')?.[1] ?? ''
  return requestViewOfParts({ method, scheme: 'https', authority, target, fields, body: body === '' ? null : utf8(body) })
}

function responseOf({ status = 0, fields, body }: VectorMessage): ResponseView {
  return { kind: 'response', status, fields, body: utf8(body) }
}

function unsigned<M extends RequestView | ResponseView>(message: M): M {
  return { ...message, fields: message.fields.filter(([name]) => !name.startsWith('Signature')) }
}

describe.each(file.exchanges)('draft-07 section $section, $caller calling $callee', ({ caller, callee, ...exchange }) => {
  const request = requestOf(exchange.request)
  const response = responseOf(exchange.response)
  const audience = `https://${request.authority}`
  const signed = { request, addedFields: [], nonce: caller === 'svcA' ? 'abcd1111' : 'abcd3333', signedResponseRequired: true }

  it('SIG-3-01 SIG-3.1-01: the request verifies', async () => {
    const wit = await verifyWit(readWitField(request.fields))
    const verified = await verifyRequest(request, { wit, audience, replay: inMemoryReplayStore({ capacity: 9 }), runtime })
    expect(verified).toMatchObject({ identifier: `wimse://example.com/${caller}`, nonce: signed.nonce, signedResponseRequired: true })
  })

  it('SIG-3-33 SIG-3.1-03 SIG-3.5-10: the response verifies for that request', async () => {
    const verified = await verifyResponse(response, { request: signed, verifyWit, peer: (id) => id.endsWith(callee), runtime })
    expect(verified).toMatchObject({ identifier: `wimse://example.com/${callee}`, requestNonce: signed.nonce })
  })

  it('SIG-3.4-03: the response is refused for another request', async () => {
    const other = { ...signed, nonce: 'abcd9999' }
    await expect(verifyResponse(response, { request: other, verifyWit, peer: () => true, runtime })).rejects.toMatchObject({
      code: 'ERR_HTTP_SIGNATURE_RESPONSE_NONCE',
    })
  })

  it.each([
    ['request', request, caller],
    ['response', response, callee],
  ] as const)('signing the %s again gives the octets of the draft where the algorithm is deterministic', async (_kind, message, who) => {
    const [parsed] = parseSignatures(message.fields)
    const signer = await createSigner(file.keys[who], { runtime })
    const made = await signMessage(unsigned(message), {
      signer,
      components: parsed?.components ?? [],
      parameters: Object.fromEntries(parsed?.parameters ?? []),
      label: 'sig1',
      request,
      runtime,
    })
    const field = (name: string) => message.fields.find(([line]) => line === name)?.[1]
    expect(made.signatureInput).toBe(field('Signature-Input'))
    if (signer.algorithm === 'Ed25519') expect(made.signature).toBe(field('Signature'))
  })
})

it('SIG-3-02 to SIG-3-32: signRequest makes exactly the first request of the draft', async () => {
  const [first] = file.exchanges
  const request = requestOf(first?.request ?? { fields: [], body: '' })
  const signer = await createSigner(file.keys['svcA'], { runtime })
  const credential = createWitCredential(readWitField(request.fields), signer)
  const { request: made } = await signRequest(
    { ...request, fields: request.fields.filter(([name]) => name === 'Host') },
    {
      credential,
      audience: 'https://svcb.example.com/gimme-ice-cream',
      signedResponse: 'required',
      lifetimeSeconds: 300,
      label: 'sig1',
      // The draft's nonce: six octets in base64url.
      runtime: { ...defaultRuntime(), now: () => CREATED * 1000, randomBytes: () => Uint8Array.of(0x69, 0xb7, 0x1d, 0xd7, 0x5d, 0x75) },
    },
  )
  const sorted = (message: RequestView) => message.fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort()
  expect(sorted(made)).toEqual(sorted(request))
})
