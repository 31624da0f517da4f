import { formatBase64url, utf8 } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { createSigner, createVerifier, decodeUnverifiedJws, signCompactJws } from '../src/index.ts'
import { codeOf, engines, privateJwk } from './fixtures.ts'

const part = (text: string): string => formatBase64url(utf8(text))
const jws = (header: string, payload = '{"sub":"a"}', signature = 'c2ln'): string => `${part(header)}.${part(payload)}.${signature}`
const HEADER = '{"alg":"ES256","typ":"wit+jwt"}'

describe('decodeUnverifiedJws', () => {
  it('BCP-3.14-01, CRED-5.1.1-02: takes three parts apart', () => {
    const token = jws(HEADER)
    const decoded = decodeUnverifiedJws(token)
    expect(decoded).toMatchObject({ header: { alg: 'ES256', typ: 'wit+jwt' }, payload: { sub: 'a' }, signature: utf8('sig') })
    expect(decoded.signingInput).toEqual(utf8(token.slice(0, token.lastIndexOf('.'))))
  })

  it('takes 8192 octets, and no more unless told', async () => {
    const filled = (length: number): string => {
      const start = jws(HEADER, '{"sub":"a"}', '')
      return start + 'A'.repeat(length - start.length)
    }
    const length = 8192 - ((8192 - jws(HEADER, '{"sub":"a"}', '').length) % 4)
    expect(await codeOf(() => decodeUnverifiedJws(filled(length)))).toBe('ok')
    expect(await codeOf(() => decodeUnverifiedJws(filled(length + 4)))).toBe('ERR_JWS_MALFORMED')
    expect(await codeOf(() => decodeUnverifiedJws(filled(length + 4), length + 4))).toBe('ok')
  })

  it.each([
    ['nothing', ''],
    ['two parts', 'e30.e30'],
    ['four parts', `${jws(HEADER)}.c2ln`],
    ['an empty header', `.${part('{}')}.c2ln`],
    ['an empty payload', `${part(HEADER)}..c2ln`],
    ['an empty signature', `${part(HEADER)}.${part('{}')}.`],
    ['dots alone', '..'],
    ['padding', `${part(HEADER)}.${part('{}')}.c2k=`],
    ['white space before', ` ${jws(HEADER)}`],
    ['a line end behind', `${jws(HEADER)}\n`],
    ['trailing bits', `${part(HEADER)}.${part('{}')}.Zh`],
    ['the JSON serialization', JSON.stringify({ protected: part(HEADER), payload: part('{}'), signature: 'c2ln' })],
    ['a header that is no JSON', jws('{')],
    ['a header that is no object', jws('[]')],
    ['a payload that is no object', jws(HEADER, '"a"')],
    ['a payload that is no JSON', jws(HEADER, 'claims')],
    ['alg twice', jws('{"alg":"ES256","alg":"none"}')],
    ['sub twice', jws(HEADER, '{"sub":"a","sub":"b"}')],
    ['a header in UTF-16', `${formatBase64url(new Uint8Array([0x7b, 0, 0x7d, 0]))}.${part('{}')}.c2ln`],
  ])('BCP-3.14-01, CRED-5.1.1-02: refuses %s', async (_title, token) => {
    expect(await codeOf(() => decodeUnverifiedJws(token))).toBe('ERR_JWS_MALFORMED')
  })

  it.each([
    '{"alg":"ES256","crit":["exp"],"exp":1}',
    '{"alg":"ES256","crit":[]}',
    '{"alg":"ES256","crit":null}',
    '{"alg":"ES256","b64":false,"crit":["b64"]}',
    '{"alg":"ES256","b64":true}',
  ])('CRED-5.1.4-01, WSVID-2.4-03: refuses an extension that it does not know: %s', async (header) => {
    expect(await codeOf(() => decodeUnverifiedJws(jws(header)))).toBe('ERR_JWS_CRIT')
  })

  it.each([undefined, null, 7, {}, ['a.b.c']])('refuses what is no text: %j', async (value) => {
    expect(await codeOf(() => decodeUnverifiedJws(value as unknown as string))).toBe('ERR_JWS_MALFORMED')
  })
})

describe('signCompactJws', () => {
  it('writes a token that verifies, with the algorithm of the signer whatever the header says', async () => {
    const runtime = engines.node
    const signer = await createSigner(privateJwk('ES256'), { algorithm: 'ES256', runtime })
    const { header, signature, signingInput } = decodeUnverifiedJws(
      await signCompactJws({ typ: 'wit+jwt', alg: 'none' }, { sub: 'a' }, signer),
    )
    expect(header).toEqual({ alg: 'ES256', typ: 'wit+jwt' })
    expect(await (await createVerifier(signer.publicJwk, { runtime })).verify(signingInput, signature)).toBe(true)
  })
})
