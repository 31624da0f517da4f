import type { ErrorCode } from '@wimse/core'
import { decodeUnverifiedJws, SVID_ALGORITHMS } from '@wimse/keys'
import { keyAuthority } from '@wimse/trust'
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type IssueJwtSvidOptions, issueJwtSvid, type JwtSvidGrant } from '../src/index.ts'
import { AUDIENCE, codeOf, createWorld, NOW, SUBJECT, signerOf, storeOf, trustIn, type World } from './support/world.ts'

const grant: JwtSvidGrant = { subject: SUBJECT, audience: [AUDIENCE], lifetimeSeconds: 300 }
let world: World
let options: IssueJwtSvidOptions
beforeAll(async () => {
  world = await createWorld()
  options = { signer: world.issuer, keyId: '1', runtime: world.runtime }
})

it('JSVID-2-01, JSVID-3.2-01, JSVID-3.2-04, JSVID-3.3-01: has these headers and claims and no others', async () => {
  const { header, payload } = decodeUnverifiedJws(await issueJwtSvid(grant, options))
  expect(header).toEqual({ alg: 'ES256', kid: '1', typ: 'JWT' })
  expect(payload).toEqual({ sub: SUBJECT, aud: [AUDIENCE], iat: NOW, exp: NOW + 300 })
})

describe.each(SVID_ALGORITHMS)('%s', (algorithm) => {
  it('JSVID-2.1-01, JSVID-4-02: what we issue we verify, and so does jose', async () => {
    const signer = await signerOf('issuer', algorithm)
    const token = await issueJwtSvid(grant, { ...options, signer })
    const trust = trustIn('shop.example', { '1': signer })
    expect(await world.verify(token, { trust })).toMatchObject({ identifier: SUBJECT, audience: [AUDIENCE], expiresAt: NOW + 300 })
    const key = await importJWK({ ...signer.publicJwk }, algorithm)
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      audience: AUDIENCE,
      subject: SUBJECT,
      typ: 'JWT',
      currentDate: new Date(NOW * 1000),
    })
    expect(payload.exp).toBe(NOW + 300)
  })

  it('JSVID-4-02: what jose signs we verify', async () => {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: algorithm, kid: 'k' })
      .setSubject(SUBJECT)
      .setAudience(AUDIENCE)
      .setExpirationTime(NOW + 300)
      .sign(privateKey)
    const jwk = await exportJWK(publicKey)
    const trust = storeOf('shop.example', [keyAuthority({ ...jwk, kid: 'k', use: 'jwt-svid' }, { uses: ['jwt-svid'] })])
    expect((await world.verify(token, { trust })).identifier).toBe(SUBJECT)
  })
})

const rows: readonly (readonly [title: string, code: ErrorCode, grant: object, options?: () => Promise<object>])[] = [
  ['JSVID-3.1-01: for an identifier that is not canonical', 'ERR_IDENTIFIER_NOT_CANONICAL', { subject: 'SPIFFE://a/b' }],
  ['JSVID-3.1-01: for a wimse identifier', 'ERR_JWT_SVID_SUB', { subject: 'wimse://shop.example/orders' }],
  ['JSVID-2.1-01: with EdDSA', 'ERR_JWT_SVID_ALG', {}, async () => ({ signer: await signerOf('issuer', 'EdDSA') })],
  ['JSVID-3.2-01: without an audience', 'ERR_OPTIONS_INVALID', { audience: [] }],
  ['JSVID-3.2-01: with an empty audience', 'ERR_OPTIONS_INVALID', { audience: [''] }],
  ['JSVID-3.3-01: without a lifetime', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: undefined }],
  ['JSVID-3.3-01: with a lifetime of nothing', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 0.5 }],
  ['JSVID-3.3-01: without an end', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: Number.POSITIVE_INFINITY }],
  ['without kid', 'ERR_OPTIONS_INVALID', {}, async () => ({ keyId: '' })],
]
const none = async (): Promise<object> => ({})

it.each(rows.map(([title, code, wrong, wrongOptions = none]) => [title, code, wrong, wrongOptions] as const))(
  'no JWT-SVID is issued: %s',
  async (_title, code, wrong, wrongOptions) => {
    expect(await codeOf(issueJwtSvid({ ...grant, ...wrong }, { ...options, ...(await wrongOptions()) }))).toBe(code)
  },
)
