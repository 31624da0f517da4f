import { formatBase64url, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createWitCredential, issueWit, readWitField, type WitProfileName } from '../src/index.ts'
import { codeOf, createWorld, forgeJws, NOW, signerOf, type World } from './support/world.ts'

const CODED = /^ERR_[A-Z0-9_]+$/
let world: World
beforeAll(async () => {
  world = await createWorld()
})

const profile = fc.constantFrom<WitProfileName>('wimse', 'wit-svid')

describe('a change of an accepted WIT is refused', () => {
  it.each(['wimse', 'wit-svid'] as const)('CRED-5.1.4-06: of each character to another (%s)', async (name) => {
    const token = await world.forge()
    expect(await codeOf(world.verify(token, { profile: name }))).toBe('ok')
    for (let at = 0; at < token.length; at += 1) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      expect(await codeOf(world.verify(changed, { profile: name })), `at ${at}`).toMatch(CODED)
    }
  })

  it('CRED-5.1.4-06: of any character to any, one more, one less', async () => {
    const token = await world.forge()
    await fc.assert(
      fc.asyncProperty(profile, fc.nat(token.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(2), async (name, at, code, kind) => {
        const end = kind === 1 ? at : at + 1
        const changed = token.slice(0, at) + (kind === 2 ? '' : String.fromCharCode(code)) + token.slice(end)
        fc.pre(changed !== token)
        expect(await codeOf(world.verify(changed, { profile: name }))).toMatch(CODED)
      }),
      { numRuns: 500 },
    )
  })
})

describe('arbitrary input ends in a coded error', () => {
  it('as a token', async () => {
    const shaped = fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map((part) => formatBase64url(utf8(part))).join('.'))
    await fc.assert(
      fc.asyncProperty(profile, fc.oneof(fc.string({ unit: 'binary' }), shaped, fc.anything()), async (name, token) => {
        expect(await codeOf(world.verify(token as string, { profile: name }))).toMatch(CODED)
      }),
      { numRuns: 300 },
    )
  })

  it('as any one member of a WIT that is signed by the right key', async () => {
    const members = [
      'header.typ',
      'header.kid',
      'header.alg',
      'claims.sub',
      'claims.exp',
      'claims.nbf',
      'claims.iat',
      'claims.iss',
      'claims.cnf',
    ]
    const jwkMembers = ['kty', 'crv', 'x', 'y', 'alg', 'use', 'key_ops', 'n', 'e'].map((member) => `jwk.${member}`)
    await fc.assert(
      fc.asyncProperty(profile, fc.constantFrom(...members, ...jwkMembers), fc.jsonValue(), async (name, path, value) => {
        const [place = '', member = ''] = path.split('.')
        const token = await world.forge({ [place]: { [member]: value } })
        expect(await codeOf(world.verify(token, { profile: name }))).toMatch(/^(?:ok|ERR_[A-Z0-9_]+)$/)
      }),
      { numRuns: 500 },
    )
  })

  it('as header and claims that are signed by the right key', async () => {
    await fc.assert(
      fc.asyncProperty(profile, fc.dictionary(fc.string(), fc.jsonValue()), async (name, claims) => {
        const token = await forgeJws({ typ: 'wit+jwt', alg: 'ES256', kid: '1' }, claims, world.issuer)
        expect(await codeOf(world.verify(token, { profile: name }))).toMatch(CODED)
        expect(await codeOf(async () => createWitCredential(token, await signerOf('workload')))).toMatch(CODED)
      }),
      { numRuns: 300 },
    )
  })

  it('as fields', async () => {
    const name = fc.constantFrom('workload-identity-token', 'Workload-Identity-Token', 'x')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, fc.string({ unit: 'binary' }))), async (fields) => {
        expect(await codeOf(() => readWitField(fields))).toMatch(/^(?:ok|ERR_WIT_MISSING|ERR_WIT_HEADER_COUNT)$/)
      }),
    )
  })
})

it('what is issued verifies to what was asked for', async () => {
  const segment = fc.stringMatching(/^[a-z0-9_-]{1,12}$/)
  const claimName = fc.stringMatching(/^shop\.example\/[a-z]{1,8}$/)
  const { publicJwk } = await signerOf('workload')
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('spiffe', 'wimse'),
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 86_400 }),
      fc.dictionary(claimName, fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[ -~é€]{0,20}$/))),
      async (scheme, path, lifetimeSeconds, claims) => {
        const subject = `${scheme}://shop.example/${path.join('/')}`
        const grant = { profile: 'wimse', subject, confirmationKey: publicJwk, lifetimeSeconds, claims, issuer: 'urn:issuer' } as const
        const token = await issueWit(grant, { signer: world.issuer, keyId: '1', runtime: world.runtime })
        const wit = await world.verify(token)
        expect(wit).toMatchObject({ identifier: subject, expiresAt: NOW + lifetimeSeconds, issuer: 'urn:issuer' })
        expect(wit.claims).toMatchObject(claims)
      },
    ),
  )
})
