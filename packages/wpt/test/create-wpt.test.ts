import type { ErrorCode } from '@wimse/core'
import { decodeUnverifiedJws, generateSigner, WIMSE_ALGORITHMS } from '@wimse/keys'
import { createTestRuntime } from '@wimse/testing'
import { decodeJwt, importJWK, jwtVerify, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type CreateWptOptions, createWpt, DEFAULT_WPT_LIFETIME_SECONDS, hashToken, targetAudience } from '../src/index.ts'
import { AUDIENCE, codeOf, createWorld, NOW, PATH, requestWith, type World } from './support/world.ts'

let world: World
let options: CreateWptOptions
beforeAll(async () => {
  world = await createWorld()
  options = { credential: world.credential, audience: AUDIENCE + PATH, runtime: world.runtime }
})

const tokenOf = (authorization: string): string => authorization.slice('WPT '.length)

describe('a proof that is created', () => {
  it('WPT-2-02, WPT-2-08, WPT-2-09, WPT-2-10, WPT-2-13, WPT-2-15, WPT-2-17: has these headers and claims and no others', async () => {
    const made = await createWpt(options)
    expect(made).toMatch(/^WPT [\w-]+\.[\w-]+\.[\w-]+$/)
    const { header, payload } = decodeUnverifiedJws(tokenOf(made))
    expect(header).toEqual({ alg: 'ES256', typ: 'wpt+jwt' })
    expect(payload).toEqual({
      aud: AUDIENCE + PATH,
      exp: NOW + DEFAULT_WPT_LIFETIME_SECONDS,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      wth: await hashToken(world.credential.token, world.runtime),
    })
  })

  it('WPT-2-14: lives for a minute unless told, and never longer than its WIT', async () => {
    expect(DEFAULT_WPT_LIFETIME_SECONDS).toBeLessThanOrEqual(300)
    expect(decodeJwt(tokenOf(await createWpt({ ...options, lifetimeSeconds: 10 }))).exp).toBe(NOW + 10)
    const credential = await world.issue(world.credential.signer, 20)
    expect(decodeJwt(tokenOf(await createWpt({ ...options, credential }))).exp).toBe(NOW + 20)
  })

  it('WPT-2-16: has a jti of 128 random bits that no other has', async () => {
    const made = await Promise.all(Array.from({ length: 500 }, async () => decodeJwt(tokenOf(await createWpt(options))).jti ?? ''))
    expect(new Set(made).size).toBe(500)
    expect(Buffer.from(made[0] ?? '', 'base64url')).toHaveLength(16)
  })

  it('WPT-2-18, WPT-2-19, WPT-2-20, WPT-2-21, WPT-2-22, WPT-2-23, WPT-2-24: binds the other tokens', async () => {
    const contextTokens = { 'X-CTX': ' Bearer abc\t', 'x-other': 'b' }
    const { payload } = decodeUnverifiedJws(tokenOf(await createWpt({ ...options, transactionToken: 'h.c.s', contextTokens })))
    expect(payload['tth']).toBe(await hashToken('h.c.s', world.runtime))
    expect(payload['oth']).toEqual({
      'x-ctx': await hashToken('Bearer abc', world.runtime),
      'x-other': await hashToken('b', world.runtime),
    })
  })

  it('WPT-2-20, WPT-2.2-05: is accepted with the tokens that it binds', async () => {
    const authorization = await createWpt({ ...options, transactionToken: 'h.c.s', contextTokens: { 'X-Ctx': 'Bearer abc' } })
    const fields = [
      ['Txn-Token', 'h.c.s'],
      ['X-Ctx', 'Bearer abc'],
    ] as const
    expect(await codeOf(world.verify(requestWith(authorization, fields), { contextFields: ['x-ctx'] }))).toBe('ok')
  })

  it.each([...WIMSE_ALGORITHMS, 'RS256' as const])(
    'WPT-2-07, WPT-2-08, CRED-5.1-16, CRED-5.1-20: is accepted with %s',
    async (algorithm) => {
      const other = await createWorld(algorithm)
      const authorization = await createWpt({ ...options, credential: other.credential, runtime: other.runtime })
      expect(await other.verify(requestWith(authorization))).toMatchObject({ identifier: 'spiffe://shop.example/orders' })
    },
  )
})

describe('no proof is created', () => {
  const rows: readonly (readonly [title: string, code: ErrorCode, options: Partial<CreateWptOptions>])[] = [
    ['WPT-2-10: without an audience', 'ERR_OPTIONS_INVALID', { audience: '' }],
    ['WPT-2-14: for an hour', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 3600 }],
    ['WPT-2-13, WPT-3.1.2-01: without an end', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: Number.NaN }],
    ['WPT-2-19: for a transaction token that is not ASCII', 'ERR_OPTIONS_INVALID', { transactionToken: 'ü' }],
    ['WPT-2-19: for an empty transaction token', 'ERR_OPTIONS_INVALID', { transactionToken: ' ' }],
    ['WPT-2-25: for a field twice', 'ERR_OPTIONS_INVALID', { contextTokens: { 'x-a': 'a', 'X-A': 'b' } }],
    ['WPT-2-22: for what is no field name', 'ERR_OPTIONS_INVALID', { contextTokens: { 'x a': 'a' } }],
    ['WPT-2.2-05: for a transaction token in oth', 'ERR_OPTIONS_INVALID', { contextTokens: { 'Txn-Token': 'a' } }],
    ['WPT-2.2-02: for a token in Authorization', 'ERR_OPTIONS_INVALID', { contextTokens: { authorization: 'Bearer a' } }],
    ['WPT-2-21: for a field that would vanish from oth', 'ERR_OPTIONS_INVALID', { contextTokens: { ['__proto__']: 'a' } }],
  ]
  it.each(rows)('%s', async (_title, code, wrong) => {
    expect(await codeOf(createWpt({ ...options, ...wrong }))).toBe(code)
  })

  it('WPT-3.2-03, CRED-9.4-03: once the WIT has expired', async () => {
    const runtime = createTestRuntime({ now: (NOW + 3600) * 1000 })
    expect(await codeOf(createWpt({ ...options, runtime }))).toBe('ERR_CREDENTIAL_EXPIRED')
  })
})

describe('the audience for a target', () => {
  it.each([
    ['https://b.example/p?q=1#f', 'https://b.example/p'],
    ['https://b.example', 'https://b.example/'],
    ['https://user:secret@b.example:8443/a%2Fb', 'https://b.example:8443/a%2Fb'],
    ['http://b.example:80/', 'http://b.example/'],
  ])('WPT-2-11: of %s is %s', (target, audience) => {
    expect(targetAudience(target)).toBe(audience)
    expect(targetAudience(new URL(target))).toBe(audience)
  })

  it.each(['', '/p', 'b.example/p', 'data:,x', 'spiffe://shop.example/a'])('WPT-2-11: of %j is none', async (target) => {
    expect(await codeOf(() => targetAudience(target))).toBe('ERR_OPTIONS_INVALID')
  })
})

// jose shares no code with us: what one of the two makes, the other has to take.
describe.each(WIMSE_ALGORITHMS)('%s', (algorithm) => {
  it('WPT-2-07: jose verifies a proof that we create', async () => {
    const { credential, runtime } = await createWorld(algorithm)
    const token = tokenOf(await createWpt({ ...options, credential, runtime }))
    const { payload } = await jwtVerify(token, await importJWK({ ...credential.signer.publicJwk }, algorithm), {
      algorithms: [algorithm],
      typ: 'wpt+jwt',
      audience: AUDIENCE + PATH,
      requiredClaims: ['exp', 'jti', 'wth'],
      currentDate: new Date(NOW * 1000),
    })
    expect(payload['wth']).toBe(await hashToken(credential.token, runtime))
  })

  it('WPT-2-32: we verify a proof that jose signs', async () => {
    const other = await createWorld(algorithm)
    const { signer, exportPrivateJwk } = await generateSigner(algorithm, other.runtime)
    const wit = await other.verifyWit((await other.issue(signer)).token)
    const token = await new SignJWT({ wth: wit.hash })
      .setProtectedHeader({ alg: algorithm, typ: 'wpt+jwt' })
      .setAudience(AUDIENCE + PATH)
      .setExpirationTime(NOW + 60)
      .setJti('a')
      .sign(await importJWK({ ...exportPrivateJwk() }, algorithm))
    expect(await codeOf(other.verify(requestWith(`WPT ${token}`), { wit }))).toBe('ok')
  })
})
