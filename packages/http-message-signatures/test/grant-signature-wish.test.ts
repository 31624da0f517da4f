import { type ResponseView, requestViewOfParts } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { grantSignatureWish, parseAcceptSignature, verifyMessage } from '../src/index.ts'
import { fixedRuntime, nodeKey } from './support/node-keys.ts'

const runtime = fixedRuntime(1_000_000)
const key = nodeKey({ k_base64: 'c2VjcmV0' }, 'hmac-sha256')
const request = requestViewOfParts({ method: 'GET', scheme: 'https', authority: 'a.example', target: '/p', fields: [] })
const response: ResponseView = { kind: 'response', status: 200, fields: [['x', '1']], body: null }
const options = { signer: key, keyid: 'k', alg: 'hmac-sha256', lifetimeSeconds: 60, request, runtime }

async function grant(value: string) {
  const [wish] = parseAcceptSignature([['accept-signature', value]])
  if (wish === undefined) throw new Error('no wish')
  return grantSignatureWish(response, wish, options)
}

describe('grantSignatureWish', () => {
  it('HMS-5-02 HMS-5.1-04 HMS-5.1-05 HMS-5.1-06 HMS-5.2-04 HMS-5.2-05 HMS-5.2-06: grants exactly what was asked for', async () => {
    const made = await grant('mine=("@status" "x" "@path";req);created;expires;nonce="n";tag="t";keyid="k";alg="hmac-sha256"')
    expect(made.signatureInput).toBe(
      'mine=("@status" "x" "@path";req);created=1000000;expires=1000060;nonce="n";tag="t";keyid="k";alg="hmac-sha256"',
    )
    const fields = [...response.fields, ['signature-input', made.signatureInput], ['signature', made.signature]] as const
    const verified = await verifyMessage(
      { ...response, fields },
      { verifier: key, select: () => true, requiredComponents: ['@status'], request, runtime },
    )
    expect(verified.label).toBe('mine')
  })

  it.each([
    ['HMS-5.2-02 another key', 'a=("x");keyid="other"', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.2-02 another algorithm', 'a=("x");alg="ed25519"', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.2-06 an unknown parameter', 'a=("x");x-own', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5-03 HMS-5.2-01 not for a response', 'a=("@path")', 'ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE'],
    ['HMS-5.2-01 not there', 'a=("y")', 'ERR_HTTP_MESSAGE_COMPONENT_MISSING'],
  ])('%s: refuses %s', async (_id, value, code) => {
    await expect(grant(value)).rejects.toMatchObject({ code })
  })
})
