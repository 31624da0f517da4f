import { parseAcceptSignature } from '@wimse/http-message-signatures'
import { describe, expect, it } from 'vitest'
import { formatSignatureWish, readSignatureWish, WIMSE_TAG } from '../src/index.ts'

const read = (value: string, target: 'request' | 'response' = 'request') => readSignatureWish([['Accept-Signature', value]], target)
const FULL = '"@method" "@path" "@query" "workload-identity-token"'

describe('Accept-Signature under the profile', () => {
  it('SIG-3.5-12: on a request it lists what a response has to cover', () => {
    const value = formatSignatureWish('response')
    const [wish] = parseAcceptSignature([['accept-signature', value]])
    expect(wish?.components.map(({ text }) => text)).toEqual([
      '"@status"',
      '"@method";req',
      '"@path";req',
      '"@query";req',
      '"workload-identity-token"',
    ])
    expect(wish?.parameters.get('tag')).toBe(WIMSE_TAG)
    expect(read(value, 'response')).toEqual([])
  })

  it('SIG-3.5-13: on a response it lists what a request has to cover, and what is wanted besides', () => {
    const value = formatSignatureWish('request', ['X-Tenant'])
    expect(value).toContain(FULL)
    expect(read(value)?.map(({ name }) => name)).toEqual(['x-tenant'])
  })

  it('SIG-3.5-11: other wishes, or none, mean nothing', () => {
    expect(readSignatureWish([], 'request')).toBeUndefined()
    expect(read('a=("@method");tag="other"')).toBeUndefined()
  })

  it.each(['@method', '@path', '@query', 'workload-identity-token'])('SIG-3.5-15: a wish without %s is refused', (name) => {
    const weaker = FULL.replace(`"${name}"`, '"date"')
    expect(() => read(`a=(${weaker});tag="${WIMSE_TAG}"`)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_SIGNATURE_ACCEPT_WEAK' }))
  })

  it('SIG-3.5-15: a wish for alg or keyid is refused', () => {
    for (const parameter of ['alg="ed25519"', 'keyid="k"']) {
      expect(() => read(`a=(${FULL});tag="${WIMSE_TAG}";${parameter}`)).toThrow(
        expect.objectContaining({ code: 'ERR_HTTP_SIGNATURE_ACCEPT_WEAK' }),
      )
    }
  })

  it('two wishes for this profile are refused', () => {
    expect(() => read(`a=(${FULL});tag="${WIMSE_TAG}", b=(${FULL});tag="${WIMSE_TAG}"`)).toThrow(
      expect.objectContaining({ code: 'ERR_HTTP_SIGNATURE_TAG_DUPLICATE' }),
    )
  })
})
