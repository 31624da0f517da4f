import { type RequestView, type ResponseView, requestViewOfParts, utf8 } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import {
  component,
  createContentDigest,
  createSignatureBase,
  parseSignatures,
  signMessage,
  verifyContentDigest,
  verifyMessage,
} from '../src/index.ts'
import { fixedRuntime, nodeKey } from './support/node-keys.ts'

const runtime = fixedRuntime(1_000_000)
const key = nodeKey({ k_base64: 'c2VjcmV0' }, 'hmac-sha256')
const request: RequestView = requestViewOfParts({
  method: 'POST',
  scheme: 'https',
  authority: 'a.example',
  target: '/p?a=1',
  fields: [
    ['X-Dict', 'a=1, b=2'],
    ['X-Dict', 'c=(1   2), d=3'],
    ['@method', 'DELETE'],
  ],
})
const types = { structuredFields: { 'x-dict': 'dictionary' } } as const
const lineOf = (identifier: ReturnType<typeof component>) => createSignatureBase(request, [identifier], '()', types).split('\n')[0]
const refusal = (code: string) => expect.objectContaining({ code })

describe('components', () => {
  it('HMS-2.1.1-03 HMS-2.1.2-02: several lines are one Dictionary', () => {
    expect(lineOf(component('x-dict', { sf: true }))).toBe('"x-dict";sf: a=1, b=2, c=(1 2), d=3')
    expect(lineOf(component('x-dict', { key: 'd' }))).toBe('"x-dict";key="d": 3')
  })

  it('HMS-2.1-17: sf beside key adds nothing to the value', () => {
    expect(lineOf(component('x-dict', { key: 'c', sf: true }))).toBe('"x-dict";key="c";sf: (1 2)')
  })

  it('HMS-2-05 HMS-2-06 HMS-2.5-01: parameters keep the order in which they were given', () => {
    const response: ResponseView = { kind: 'response', status: 200, fields: [], body: null }
    const base = (identifier: ReturnType<typeof component>) => createSignatureBase(response, [identifier], '()', { ...types, request })
    expect(base(component('x-dict', { key: 'a', req: true }))).toMatch(/^"x-dict";key="a";req: 1\n/)
    expect(base(component('x-dict', { req: true, key: 'a' }))).toMatch(/^"x-dict";req;key="a": 1\n/)
  })

  it('HMS-2.2-02 HMS-7.5.1-01: a field whose name begins with an at sign is never read', () => {
    expect(lineOf(component('@method'))).toBe('"@method": POST')
    expect(() => component('@other')).toThrow(refusal('ERR_HTTP_MESSAGE_COMPONENT'))
  })

  it.each([
    ['HMS-2.2-05', 'PO\nST'],
    ['HMS-2.2-06', ' POST'],
    ['HMS-2.2-06', 'POST '],
    ['HMS-2.2-04', 'P\u00d6ST'],
  ])('%s: a derived value of %j is refused', (_id, method) => {
    const step = () => createSignatureBase({ ...request, method }, [component('@method')], '()')
    expect(step).toThrow(refusal('ERR_HTTP_MESSAGE_COMPONENT_VALUE'))
  })

  it('HMS-2.4-09 HMS-2.5-06 HMS-2.5-14: what can not go together is refused before anything is signed', async () => {
    const sign = (components: readonly ReturnType<typeof component>[]) => signMessage(request, { signer: key, components, runtime })
    expect(() => component('x-dict', { bs: true, key: 'a' })).toThrow(refusal('ERR_HTTP_MESSAGE_COMPONENT_PARAMETER'))
    await expect(sign([component('@path', { req: true })])).rejects.toEqual(refusal('ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE'))
  })

  it('HMS-2.1.4-02 HMS-2.1.4-04 HMS-2.1.4-05: a header field never stands in for a trailer', () => {
    expect(() => component('x-dict', { tr: true })).toThrow(refusal('ERR_HTTP_MESSAGE_COMPONENT_PARAMETER'))
  })
})

describe('the signature base', () => {
  const components = [component('@query'), component('@method'), component('x-dict', { key: 'a' })]

  it('HMS-2.3-01 HMS-2.3-06 HMS-2.3-08 HMS-2.5-11: has the components in order and the parameters last', async () => {
    let signed = ''
    const signer = {
      sign: (data: Uint8Array) => {
        signed = new TextDecoder().decode(data)
        return key.sign(data)
      },
    }
    const { signatureInput } = await signMessage(request, {
      signer,
      components,
      parameters: { created: 5, tag: 't', 'x-own': true },
      runtime,
    })
    const inner = '("@query" "@method" "x-dict";key="a");created=5;tag="t";x-own'
    expect(signatureInput).toBe(`sig1=${inner}`)
    expect(signed).toBe(`"@query": ?a=1\n"@method": POST\n"x-dict";key="a": 1\n"@signature-params": ${inner}`)
  })

  it('HMS-2.5-03 HMS-2.5-13 HMS-2.5-04: a component that fails leaves no base at all', async () => {
    let asked = false
    const signer = {
      sign: (data: Uint8Array) => {
        asked = true
        return data
      },
    }
    for (const last of [component('x-missing'), component('@method')]) {
      await expect(signMessage(request, { signer, components: [...components, last], runtime })).rejects.toBeDefined()
    }
    expect(asked).toBe(false)
  })

  it('HMS-2.3-07 HMS-3.1-05 HMS-2.3-09: another order of components or parameters is another signature', async () => {
    const made = await signMessage(request, { signer: key, components, parameters: { created: 1_000_000, tag: 't' }, runtime })
    const verify = (signatureInput: string) =>
      verifyMessage(
        { ...request, fields: [...request.fields, ['signature-input', signatureInput], ['signature', made.signature]] },
        { verifier: key, select: () => true, requiredComponents: ['@method'], runtime },
      )
    await expect(verify(made.signatureInput)).resolves.toBeDefined()
    const { signatureInput } = made
    for (const changed of [
      signatureInput.replace('"@query" "@method"', '"@method" "@query"'),
      signatureInput.replace(';created=1000000;tag="t"', ';tag="t";created=1000000'),
      signatureInput.replace(';tag="t"', ''),
    ]) {
      expect(changed).not.toBe(signatureInput)
      await expect(verify(changed)).rejects.toEqual(refusal('ERR_HTTP_MESSAGE_INVALID'))
    }
  })

  it('HMS-4.2-01 HMS-3.2-03: a signature whose parameters are missing is refused', () => {
    const fields = [
      ['signature-input', 'a=()'],
      ['signature', 'a=:AAAA:, b=:AAAA:'],
    ] as const
    expect(() => parseSignatures(fields)).toThrow(refusal('ERR_HTTP_MESSAGE_LABEL'))
  })
})

describe('what a signature is worth', () => {
  it('HMS-7.5.8-01 HMS-7.4.3-03: the query that is covered is the query of the message', async () => {
    const made = await signMessage(request, { signer: key, components: [component('@query-param', { name: 'a' })], runtime })
    const received = {
      ...request,
      fields: [...request.fields, ['signature-input', made.signatureInput], ['signature', made.signature]] as const,
    }
    const verify = (message: RequestView) => verifyMessage(message, { verifier: key, select: () => true, requiredComponents: [], runtime })
    await expect(verify(received)).resolves.toBeDefined()
    await expect(verify({ ...received, query: 'a=2' })).rejects.toEqual(refusal('ERR_HTTP_MESSAGE_INVALID'))
    await expect(verify({ ...received, query: 'a=1&a=1' })).rejects.toEqual(refusal('ERR_HTTP_MESSAGE_COMPONENT_VALUE'))
  })

  it('HMS-7.2.8-01: a covered digest says something about the body only once they are compared', async () => {
    const body = utf8('one')
    const digest = await createContentDigest(body, { runtime })
    const message = { ...request, body, fields: [['content-digest', digest]] as const }
    const made = await signMessage(message, { signer: key, components: ['content-digest'], runtime })
    const received = {
      ...message,
      body: utf8('two'),
      fields: [...message.fields, ['signature-input', made.signatureInput], ['signature', made.signature]] as const,
    }
    await verifyMessage(received, { verifier: key, select: () => true, requiredComponents: ['content-digest'], runtime })
    await expect(verifyContentDigest(received, { runtime })).rejects.toEqual(refusal('ERR_DIGEST_MISMATCH'))
  })

  it('HMS-7.2.2-01 HMS-3.2.1-03 HMS-3.2.1-05: an empty list of components does not do where any is required', async () => {
    const made = await signMessage(request, { signer: key, components: [], runtime })
    const received = {
      ...request,
      fields: [
        ['signature-input', made.signatureInput],
        ['signature', made.signature],
      ] as const,
    }
    const options = { verifier: key, select: () => true, requiredComponents: ['@method'], runtime }
    await expect(verifyMessage(received, options)).rejects.toEqual(refusal('ERR_HTTP_MESSAGE_REQUIREMENTS'))
  })

  it('HMS-3.2-08 HMS-7.2.6-01 HMS-7.3.4-01: a key that is not expected is no key', async () => {
    const made = await signMessage(request, { signer: key, components: ['@method'], parameters: { keyid: 'other' }, runtime })
    const received = {
      ...request,
      fields: [
        ['signature-input', made.signatureInput],
        ['signature', made.signature],
      ] as const,
    }
    const verifier = ({ parameters }: { readonly parameters: ReadonlyMap<string, unknown> }) =>
      parameters.get('keyid') === 'mine' ? key : undefined
    const options = { verifier, select: () => true, requiredComponents: ['@method'], runtime }
    await expect(verifyMessage(received, options)).rejects.toEqual(refusal('ERR_HTTP_MESSAGE_INVALID'))
  })

  it('DIG-3-03: the digest of nothing is the digest of the empty string', async () => {
    const digest = await createContentDigest(new Uint8Array(), { runtime })
    expect(await verifyContentDigest({ fields: [['content-digest', digest]], body: null }, { runtime })).toHaveLength(0)
  })
})
