import { formatBase64url, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { issueJwtSvid, readBearerField } from '../src/index.ts'
import { codeOf, createWorld, forgeJws, NOW, type World } from './support/world.ts'

const CODED = /^ERR_[A-Z0-9_]+$/
let world: World
beforeAll(async () => {
  world = await createWorld()
})

it('JSVID-4-02: a change of any one character of an accepted JWT-SVID is refused', async () => {
  const token = await world.forge()
  expect(await codeOf(world.verify(token))).toBe('ok')
  for (let at = 0; at < token.length; at += 1) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    expect(await codeOf(world.verify(changed)), `at ${at}`).toMatch(CODED)
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), fc.integer({ min: 0, max: 255 }), async (at, code) => {
      const changed = token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1)
      fc.pre(changed !== token)
      expect(await codeOf(world.verify(changed))).toMatch(CODED)
    }),
    { numRuns: 300 },
  )
})

it('arbitrary tokens end in a coded error', async () => {
  const shaped = fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map((part) => formatBase64url(utf8(part))).join('.'))
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), shaped, fc.anything()), async (token) => {
      expect(await codeOf(world.verify(token as string))).toMatch(CODED)
    }),
    { numRuns: 300 },
  )
})

it('arbitrary members under the right signature end in a value or a coded error', async () => {
  const member = fc.constantFrom(
    'header.typ',
    'header.kid',
    'header.alg',
    'header.x',
    'claims.sub',
    'claims.aud',
    'claims.exp',
    'claims.nbf',
  )
  await fc.assert(
    fc.asyncProperty(member, fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), async (path, value, claims) => {
      const [place = '', name = ''] = path.split('.')
      expect(await codeOf(world.verify(await world.forge({ [place]: { [name]: value } })))).toMatch(/^(?:ok|ERR_[A-Z0-9_]+)$/)
      expect(await codeOf(world.verify(await forgeJws({ alg: 'ES256', kid: '1' }, claims, world.issuer)))).toMatch(CODED)
    }),
    { numRuns: 300 },
  )
})

it('arbitrary fields end in a value or a coded error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('authorization', 'x'), fc.string({ unit: 'binary' }))), async (fields) => {
      expect(await codeOf(() => readBearerField(fields))).toMatch(/^(?:ok|ERR_JWT_SVID_MISSING|ERR_JWT_SVID_MALFORMED)$/)
    }),
  )
})

it('what is issued verifies to what was asked for', async () => {
  const path = fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/), { minLength: 1, maxLength: 4 })
  const audience = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(path, audience, fc.integer({ min: 1, max: 3600 }), async (segments, audiences, lifetimeSeconds) => {
      const subject = `spiffe://shop.example/${segments.join('/')}`
      const token = await issueJwtSvid(
        { subject, audience: audiences, lifetimeSeconds },
        { signer: world.issuer, keyId: '1', runtime: world.runtime },
      )
      const verified = await world.verify(token, { audience: audiences[0] ?? '' })
      expect(verified).toMatchObject({ identifier: subject, audience: audiences, expiresAt: NOW + lifetimeSeconds })
    }),
  )
})
