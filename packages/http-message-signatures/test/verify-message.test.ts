import { type RequestView, requestViewOfParts } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { component, type SignMessageOptions, signMessage, type VerifyMessageOptions, verifyMessage } from '../src/index.ts'
import { fixedRuntime, nodeKey } from './support/node-keys.ts'

const runtime = fixedRuntime(1_000_000)
const key = nodeKey({ k_base64: 'c2VjcmV0' }, 'hmac-sha256')
const request = requestViewOfParts({ method: 'GET', scheme: 'https', authority: 'a.example', target: '/p?q', fields: [['x', '1']] })

async function signed(options: Partial<SignMessageOptions> = {}, message: RequestView = request): Promise<RequestView> {
  const { signatureInput, signature } = await signMessage(message, { signer: key, components: ['@method', 'x'], runtime, ...options })
  return { ...message, fields: [...message.fields, ['Signature-Input', signatureInput], ['Signature', signature]] }
}

function verify(message: RequestView, options: Partial<VerifyMessageOptions> = {}) {
  return verifyMessage(message, { verifier: key, select: () => true, requiredComponents: ['@method'], runtime, ...options })
}

describe('verifyMessage', () => {
  it('HMS-3.1-03 HMS-2.3-03: accepts what signMessage made and dated', async () => {
    const verified = await verify(await signed())
    expect(verified.standardParameters).toMatchObject({ created: 1_000_000, expires: undefined })
  })

  it('HMS-3.2.1-01: unknown parameters are kept and do no harm', async () => {
    const verified = await verify(await signed({ parameters: { tag: 't', 'x-mine': { serialized: 'token' }, flag: false } }))
    expect(verified.parameters.get('x-mine')).toEqual({ serialized: 'token' })
    expect(verified.signatureParams).toBe('("@method" "x");created=1000000;tag="t";x-mine=token;flag=?0')
  })

  it.each([
    ['HMS-3.2.1-04 component', 'ERR_HTTP_MESSAGE_REQUIREMENTS', {}, { requiredComponents: ['@path'] }],
    ['HMS-3.2.1-04 parameter', 'ERR_HTTP_MESSAGE_REQUIREMENTS', {}, { requiredParameters: ['nonce'] }],
    ['HMS-3.2-06 future', 'ERR_HTTP_MESSAGE_REQUIREMENTS', { parameters: { created: 1_000_031 } }, {}],
    ['HMS-3.2-06 order', 'ERR_HTTP_MESSAGE_REQUIREMENTS', { parameters: { created: 1_000_000, expires: 999_999 } }, {}],
    ['HMS-3.2.1-02', 'ERR_HTTP_MESSAGE_EXPIRED', { parameters: { created: 999_000, expires: 999_970 } }, {}],
    ['HMS-7.2.4-01', 'ERR_HTTP_MESSAGE_EXPIRED', { parameters: { created: 999_910 } }, { maxAgeSeconds: 60 }],
    ['HMS-3.2-10 HMS-3.2-11', 'ERR_HTTP_MESSAGE_ALGORITHM', { parameters: { alg: 'ed25519' } }, {}],
    ['HMS-3.3.7-04', 'ERR_HTTP_MESSAGE_ALGORITHM', { parameters: { alg: 'hmac-sha256' } }, { verifier: { verify: key.verify } }],
    ['HMS-3.2-07', 'ERR_HTTP_MESSAGE_INVALID', {}, { verifier: () => undefined }],
    ['HMS-3.2-02', 'ERR_HTTP_MESSAGE_NO_SIGNATURE', {}, { select: () => false }],
  ] as const)('%s: %s', async (_id, code, signing, verifying) => {
    await expect(verify(await signed(signing), verifying)).rejects.toMatchObject({ code })
  })

  it.each([
    ['HMS-3.2.1-02', { parameters: { created: 999_000, expires: 999_971 } }, {}],
    ['HMS-3.2-06', { parameters: { created: 1_000_030 } }, {}],
    ['HMS-7.2.4-01', { parameters: { created: 999_911 } }, { maxAgeSeconds: 60 }],
    ['HMS-3.2-09', { parameters: { alg: 'hmac-sha256' } }, {}],
  ] as const)('%s: accepts at the edge', async (_id, signing, verifying) => {
    await expect(verify(await signed(signing), verifying)).resolves.toMatchObject({ label: 'sig1' })
  })

  it.each([
    { clockToleranceSeconds: Number.NaN },
    { clockToleranceSeconds: Number.POSITIVE_INFINITY },
    { clockToleranceSeconds: -1 },
    { maxAgeSeconds: Number.NaN },
  ])('HMS-3.2.1-02: a bound on time that bounds nothing is refused: %o', async (options) => {
    const old = await signed({ parameters: { created: 1000, expires: 1060 } })
    await expect(verify(old, options)).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' })
  })

  it('HMS-3.2-14: refuses a changed component', async () => {
    const message = await signed()
    await expect(verify({ ...message, method: 'PUT' })).rejects.toMatchObject({ code: 'ERR_HTTP_MESSAGE_INVALID' })
  })

  it('HMS-4.1-02: refuses parameters in another form than was signed', async () => {
    const message = await signed()
    const fields = message.fields.map(([name, value]): [string, string] => [name, value.replace(';created', '; created')])
    await expect(verify({ ...message, fields })).rejects.toMatchObject({ code: 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT' })
  })

  it('HMS-7.2.6-02: another signature that does not hold is left alone', async () => {
    const message = await signed({ parameters: { tag: 'mine' } })
    const fields = [...message.fields, ['Signature-Input', 'o=("@nothing");created="?"'], ['Signature', 'o=:AAAA:']] as const
    const select: VerifyMessageOptions['select'] = ({ parameters }) => parameters.get('tag') === 'mine'
    await expect(verify({ ...message, fields }, { select })).resolves.toMatchObject({ label: 'sig1' })
    await expect(verify({ ...message, fields })).rejects.toMatchObject({ code: 'ERR_HTTP_MESSAGE_NO_SIGNATURE' })
  })
})

describe('signMessage', () => {
  it('HMS-4.3-02: a second signature needs another label', async () => {
    const once = await signed()
    await expect(signed({}, once)).rejects.toMatchObject({ code: 'ERR_HTTP_MESSAGE_LABEL_DUPLICATE' })
    const twice = await signed({ label: 'sig2', components: [component('signature', { key: 'sig1' })], parameters: { tag: 'two' } }, once)
    await expect(verify(twice, { select: ({ parameters }) => parameters.has('tag'), requiredComponents: [] })).resolves.toMatchObject({
      label: 'sig2',
    })
  })

  it.each([
    ['HMS-2.3-04', 'ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER', { parameters: { created: '1' } }],
    ['HMS-2.3-04', 'ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER', { parameters: { x: 1.5 } }],
    ['HMS-2.3-05', 'ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER', { parameters: { nonce: 'caf\u00e9' } }],
    ['HMS-2.3-05', 'ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER', { parameters: { Upper: 1 } }],
    ['HMS-3.1-09', 'ERR_HTTP_MESSAGE_COMPONENT', { components: ['@signature-params'] }],
    ['HMS-3.1-06', 'ERR_HTTP_MESSAGE_COMPONENT_MISSING', { components: ['y'] }],
    ['HMS-4-02', 'ERR_HTTP_MESSAGE_LABEL', { label: 'Sig' }],
  ] as const)('%s: %s', async (_id, code, options) => {
    await expect(signed(options)).rejects.toMatchObject({ code })
  })
})
