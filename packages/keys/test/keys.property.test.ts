import { formatBase64url, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSigner, createVerifier, decodeUnverifiedJws, parsePublicJwk, signCompactJws } from '../src/index.ts'
import { codeOf, engines, privateJwk, publicOf } from './fixtures.ts'

const runtime = engines.node
const CODED = /^(?:ok|ERR_[A-Z0-9_]+)$/
const members = fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'd', 'k', 'alg', 'use', 'key_ops', 'p', 'oth')

describe('arbitrary input ends in a value or a coded error', () => {
  it('of any kind: parsePublicJwk, createVerifier, createSigner', async () => {
    const near = fc
      .tuple(members, fc.oneof(fc.anything(), fc.base64String(), fc.constantFrom('EC', 'RSA', 'P-256', 'ES256')))
      .map(([name, value]) => ({
        ...privateJwk('ES256'),
        [name]: value,
      }))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.anything(), near, near.map(publicOf)), async (value) => {
        expect(await codeOf(() => parsePublicJwk(value))).toMatch(CODED)
        expect(await codeOf(() => createVerifier(value, { algorithm: 'ES256', runtime }))).toMatch(CODED)
        expect(await codeOf(() => createSigner(value, { algorithm: 'ES256', runtime }))).toMatch(CODED)
      }),
    )
  })

  it('of text: decodeUnverifiedJws', async () => {
    const shaped = fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map((text) => formatBase64url(utf8(text))).join('.'))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), shaped), async (token) => {
        expect(await codeOf(() => decodeUnverifiedJws(token))).toMatch(CODED)
      }),
    )
  })

  it.each(['ES256', 'ES512', 'PS256', 'Ed25519'] as const)('of octets as a signature: no valid one, no error (%s)', async (algorithm) => {
    for (const engine of Object.values(engines)) {
      const verifier = await createVerifier(publicOf(privateJwk(algorithm)), { algorithm, runtime: engine })
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.uint8Array(), async (signature, data) => {
          expect(await verifier.verify(data, signature)).toBe(false)
        }),
        { numRuns: 30 },
      )
    }
  })
})

describe('a compact JWS', () => {
  const claims = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[ -~é€]{0,20}$/)),
  )

  it('decodes to what was signed', async () => {
    const signer = await createSigner(privateJwk('ES256'), { algorithm: 'ES256', runtime })
    await fc.assert(
      fc.asyncProperty(claims, async (payload) => {
        const decoded = decodeUnverifiedJws(await signCompactJws({ typ: 'x' }, payload, signer))
        expect(decoded.payload).toEqual({ ...payload })
      }),
    )
  })

  it('does not survive the change of any one character', async () => {
    const signer = await createSigner(privateJwk('ES256'), { algorithm: 'ES256', runtime })
    const verifier = await createVerifier(signer.publicJwk, { runtime })
    const token = await signCompactJws({ typ: 'x' }, { sub: 'wimse://td.example/a', exp: 1 }, signer)
    for (let index = 0; index < token.length; index += 1) {
      const changed = token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1)
      const survives = async (): Promise<boolean> => {
        const { signingInput, signature } = decodeUnverifiedJws(changed)
        return verifier.verify(signingInput, signature)
      }
      const code = await codeOf(async () => expect(await survives()).toBe(false))
      expect(code).toMatch(CODED)
    }
  })
})
