import { readFileSync } from 'node:fs'
import type { RequestView, ResponseView } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { type ComponentIdentifier, createSignatureBase, parseSignatures, signMessage, verifyMessage } from '../src/index.ts'
import { messageOfText } from './support/http-text.ts'
import { fixedRuntime, nodeKey } from './support/node-keys.ts'

interface Vector {
  readonly section: string
  readonly label: string
  readonly signature_base: string
  readonly signature_input: string
  readonly message: string | null
  readonly keyid: string
  readonly alg: string
  readonly signature: string
}

const file = JSON.parse(readFileSync(new URL('../vectors/rfc9421-appendix-b.json', import.meta.url), 'utf8')) as {
  readonly keys: Record<string, Record<string, string>>
  readonly messages: Record<string, string>
  readonly vectors: readonly Vector[]
}

const RANDOMIZED = ['rsa-pss-sha512', 'ecdsa-p256-sha256']
const testRequest = messageOfText(file.messages['test-request'] ?? '') as RequestView

/** The message of a vector with no signatures but its own. */
function messageOf(vector: Vector): RequestView | ResponseView {
  const name = vector.signature_input.includes('"@status"') ? 'test-response' : 'test-request'
  const message = messageOfText(vector.message ?? file.messages[name] ?? '')
  const fields = message.fields.filter(([field]) => !field.startsWith('Signature'))
  return { ...message, fields }
}

function signed(vector: Vector): RequestView | ResponseView {
  const message = messageOf(vector)
  const fields: [string, string][] = [
    ['Signature-Input', `${vector.label}=${vector.signature_input}`],
    ['Signature', `${vector.label}=:${vector.signature}:`],
  ]
  return { ...message, fields: [...message.fields, ...fields] }
}

function partsOf(vector: Vector): { components: readonly ComponentIdentifier[]; parameters: Record<string, string | number> } {
  const [parsed] = parseSignatures(signed(vector).fields)
  return {
    components: parsed?.components ?? [],
    parameters: Object.fromEntries(parsed?.parameters ?? []) as Record<string, string | number>,
  }
}

describe.each(file.vectors)('RFC 9421 section $section, $label, $alg', (vector) => {
  const key = nodeKey(file.keys[vector.keyid] ?? {}, vector.alg)

  it('has the signature base of the vector (HMS-2.5-10, HMS-2.5-11)', () => {
    const { components } = partsOf(vector)
    expect(createSignatureBase(messageOf(vector), components, vector.signature_input, { request: testRequest })).toBe(vector.signature_base)
  })

  it('verifies (HMS-3.2-01, HMS-3.2-12)', async () => {
    const verified = await verifyMessage(signed(vector), {
      verifier: key,
      select: ({ parameters }) => parameters.get('keyid') === vector.keyid,
      requiredComponents: [],
      request: testRequest,
      runtime: fixedRuntime(1618884480),
    })
    expect(verified.label).toBe(vector.label)
  })

  it('is refused over another message (HMS-3.2-14)', async () => {
    const [parsed] = parseSignatures(signed(vector).fields)
    const other = Buffer.from(parsed?.signature ?? [])
    other[0] = (other[0] ?? 0) ^ 1
    const message = signed({ ...vector, signature: other.toString('base64') })
    await expect(
      verifyMessage(message, {
        verifier: key,
        select: () => true,
        requiredComponents: [],
        request: testRequest,
        runtime: fixedRuntime(1618884480),
      }),
    ).rejects.toMatchObject({ code: 'ERR_HTTP_MESSAGE_INVALID' })
  })

  it('is what signing gives, or verifies where the algorithm is randomized (HMS-3.1-10)', async () => {
    const message = messageOf(vector)
    const runtime = fixedRuntime(1618884480)
    const made = await signMessage(message, { signer: key, ...partsOf(vector), label: vector.label, request: testRequest, runtime })
    expect(made.signatureInput).toBe(`${vector.label}=${vector.signature_input}`)
    if (!RANDOMIZED.includes(vector.alg)) expect(made.signature).toBe(`${vector.label}=:${vector.signature}:`)
    const again = {
      ...message,
      fields: [...message.fields, ['signature-input', made.signatureInput], ['signature', made.signature]] as const,
    }
    await verifyMessage(again, { verifier: key, select: () => true, requiredComponents: [], request: testRequest, runtime })
  })
})

it('finds the proxy signature among several on one message (HMS-4.3-01, HMS-3.2-02)', async () => {
  const vector = file.vectors.find(({ label }) => label === 'proxy_sig')
  const message = messageOfText(vector?.message ?? '')
  expect(parseSignatures(message.fields).map(({ label }) => label)).toEqual(['sig1', 'proxy_sig'])
  const verified = await verifyMessage(message, {
    verifier: ({ parameters }) => nodeKey(file.keys[String(parameters.get('keyid'))] ?? {}, 'rsa-v1_5-sha256'),
    select: ({ parameters }) => parameters.get('keyid') === 'test-key-rsa',
    requiredComponents: ['forwarded'],
    runtime: fixedRuntime(1618884480),
  })
  expect(verified.standardParameters.expires).toBe(1618884540)
})
