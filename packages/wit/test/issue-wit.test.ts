import type { ErrorCode } from '@wimse/core'
import { decodeUnverifiedJws, generateSigner, type SignatureAlgorithm, SVID_ALGORITHMS, WIMSE_ALGORITHMS } from '@wimse/keys'
import { beforeAll, describe, expect, it } from 'vitest'
import { type IssueWitOptions, issueWit, type WitGrant, type WitProfileName } from '../src/index.ts'
import { codeOf, createWorld, NOW, SUBJECT, signerOf, trustIn, type World } from './support/world.ts'

let world: World
let grant: WitGrant
let options: IssueWitOptions
beforeAll(async () => {
  world = await createWorld()
  const { publicJwk } = await signerOf('workload')
  grant = { profile: 'wit-svid', subject: SUBJECT, confirmationKey: publicJwk, lifetimeSeconds: 600 }
  options = { signer: world.issuer, keyId: '1', runtime: world.runtime }
})

describe('a WIT that is issued', () => {
  it('CRED-5.1-02, CRED-5.1-04, WSVID-4-03, WSVID-4-04, WSVID-2.4-01, WSVID-3.2-01, WSVID-3.4-01, WSVID-B-01: has these headers and claims and no others', async () => {
    const { header, payload } = decodeUnverifiedJws(await issueWit(grant, options))
    expect(header).toEqual({ alg: 'ES256', typ: 'wit+jwt', kid: '1' })
    expect(payload).toEqual({
      sub: SUBJECT,
      iat: NOW,
      exp: NOW + 600,
      jti: expect.stringMatching(/^[0-9a-f]{32}$/),
      cnf: { jwk: { ...(grant.confirmationKey as object) } },
    })
  })

  it('CRED-5.1-05, CRED-5.1.3-01, CRED-5.1.2-03: has an issuer and further claims where told', async () => {
    const claims = { 'shop.example/zone': 'a' }
    const { payload } = decodeUnverifiedJws(await issueWit({ ...grant, issuer: 'https://issuer.shop.example', claims }, options))
    expect(payload).toMatchObject({ iss: 'https://issuer.shop.example', 'shop.example/zone': 'a' })
  })

  it('WSVID-3.3-01, WSVID-4-06: has no jti where told', async () => {
    expect(decodeUnverifiedJws(await issueWit({ ...grant, jti: false }, options)).payload['jti']).toBeUndefined()
  })

  it('WSVID-3.3-02: has a jti of its own', async () => {
    const made = await Promise.all(
      Array.from({ length: 200 }, async () => decodeUnverifiedJws(await issueWit(grant, options)).payload['jti']),
    )
    expect(new Set(made).size).toBe(200)
  })

  const profiles: readonly (readonly [WitProfileName, readonly SignatureAlgorithm[]])[] = [
    ['wimse', WIMSE_ALGORITHMS],
    ['wit-svid', SVID_ALGORITHMS],
  ]
  const each = profiles.flatMap(([profile, algorithms]) => algorithms.map((algorithm) => [profile, algorithm] as const))

  it.each(each)('CRED-5.1-20, WSVID-4-02, WSVID-4-05: is accepted in the profile %s with %s', async (profile, algorithm) => {
    const signer = await signerOf('issuer', algorithm)
    const own = await signerOf('workload', algorithm)
    const token = await issueWit({ ...grant, profile, confirmationKey: own.publicJwk }, { ...options, signer })
    const wit = await world.verify(token, { profile, trust: trustIn('shop.example', { '1': signer }) })
    expect(wit.identifier).toBe(SUBJECT)
    expect(wit.confirmation.algorithm).toBe(algorithm)
  })

  it('WSVID-1-02: as a WIT-SVID, is a WIT', async () => {
    expect(await codeOf(world.verify(await issueWit(grant, options), { profile: 'wimse' }))).toBe('ok')
  })

  it('CRED-5.1-21: has a wimse identifier in the WIMSE profile', async () => {
    const subject = 'wimse://shop.example/orders'
    expect((await world.verify(await issueWit({ ...grant, profile: 'wimse', subject }, options))).identifier).toBe(subject)
  })
})

describe('no WIT is issued', () => {
  const key = async (algorithm: SignatureAlgorithm, changes: object = {}) => ({
    ...(await signerOf('workload', algorithm)).publicJwk,
    ...changes,
  })
  const rows: readonly (readonly [
    title: string,
    code: ErrorCode,
    grant: () => object | Promise<object>,
    options?: () => Promise<object>,
  ])[] = [
    [
      'CRED-5.1-07, ID-4.1-13: for an identifier that is not canonical',
      'ERR_IDENTIFIER_NOT_CANONICAL',
      () => ({ subject: 'SPIFFE://a/b' }),
    ],
    ['WSVID-3.1-02: for a wimse identifier in a WIT-SVID', 'ERR_WIT_SUB', () => ({ subject: 'wimse://shop.example/orders' })],
    ['WSVID-4-02: with EdDSA in a WIT-SVID', 'ERR_WIT_ALG', () => ({}), async () => ({ signer: await signerOf('issuer', 'EdDSA') })],
    [
      'WSVID-4-05, WSVID-3.2-04: for a key of Ed25519 in a WIT-SVID',
      'ERR_WIT_CNF_ALG',
      async () => ({ confirmationKey: await key('Ed25519') }),
    ],
    ['CRED-5.1-14: for a key without alg', 'ERR_WIT_CNF_KEY', async () => ({ confirmationKey: await key('ES256', { alg: undefined }) })],
    ['CRED-5.1-17: for alg none', 'ERR_WIT_CNF_KEY', async () => ({ confirmationKey: await key('ES256', { alg: 'none' }) })],
    [
      'CRED-5.1-11, CRED-9.4-01: for a private key',
      'ERR_WIT_CNF_KEY',
      async () => ({ confirmationKey: await key('ES256', { d: 'AAAA' }) }),
    ],
    ['CRED-5.1-18: for a symmetric key', 'ERR_WIT_CNF_KEY', () => ({ confirmationKey: { kty: 'oct', k: 'AAAA', alg: 'HS256' } })],
    ['CRED-5.1-10: for no key', 'ERR_WIT_CNF_KEY', () => ({ confirmationKey: undefined })],
    ['CRED-9.2.1-01: without a lifetime', 'ERR_OPTIONS_INVALID', () => ({ lifetimeSeconds: undefined })],
    ['CRED-9.2.1-01: with a lifetime of nothing', 'ERR_OPTIONS_INVALID', () => ({ lifetimeSeconds: 0.9 })],
    ['CRED-9.2.1-02: with a lifetime over a day', 'ERR_OPTIONS_INVALID', () => ({ lifetimeSeconds: 86_401 })],
    ['CRED-5.1-06: with an issuer that is no URI', 'ERR_OPTIONS_INVALID', () => ({ issuer: 'issuer' })],
    ['WSVID-3.8-01, WSVID-B-04: with an audience', 'ERR_OPTIONS_INVALID', () => ({ claims: { aud: 'a' } })],
    ['CRED-4-05: with a second sub', 'ERR_OPTIONS_INVALID', () => ({ claims: { sub: 'spiffe://shop.example/b' } })],
    ['WSVID-4-03: without kid', 'ERR_OPTIONS_INVALID', () => ({}), async () => ({ keyId: '' })],
    ['of an unknown profile', 'ERR_OPTIONS_INVALID', () => ({ profile: 'toString' })],
  ]
  const none = async (): Promise<object> => ({})
  it.each(rows.map(([title, code, wrongGrant, wrongOptions = none]) => [title, code, wrongGrant, wrongOptions] as const))(
    '%s',
    async (_title, code, wrongGrant, wrongOptions) => {
      const wrong = { ...grant, ...(await wrongGrant()) } as WitGrant
      expect(await codeOf(issueWit(wrong, { ...options, ...(await wrongOptions()) }))).toBe(code)
    },
  )
})

it('CRED-9.4-01: nothing of a private key is in the error that refuses it', async () => {
  const { exportPrivateJwk } = await generateSigner('ES256', world.runtime)
  const secret = String(exportPrivateJwk()['d'])
  const error: unknown = await issueWit({ ...grant, confirmationKey: exportPrivateJwk() }, options).catch((reason: unknown) => reason)
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause)).not.toContain(secret)
})
