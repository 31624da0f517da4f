import type { CryptoEngine, ErrorCode, Runtime } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { createWitVerifier, type WitVerifier } from '../src/index.ts'
import { codeOf, createWorld, type Forgery, forgeJws, NOW, signerOf, trustIn, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** Each fault in the order in which it is found, the latest first, so that every token has its own and all that come after. */
const faults: readonly (readonly [code: ErrorCode, fault: Forgery])[] = [
  ['ERR_WIT_CNF_KEY', { jwk: { use: 'enc' } }],
  ['ERR_WIT_CNF_ALG', { jwk: { alg: 'none' } }],
  ['ERR_WIT_CNF', { claims: { cnf: {} } }],
  ['ERR_WIT_AUD', { claims: { aud: 'a' } }],
  ['ERR_WIT_ISSUER', { claims: { iss: 'urn:other' } }],
  ['ERR_WIT_LIFETIME', { claims: { exp: NOW + 1_000_000 } }],
  ['ERR_WIT_CLAIM', { claims: { iat: 'x' } }],
  ['ERR_WIT_NOT_YET_VALID', { claims: { nbf: NOW + 100 } }],
  ['ERR_WIT_EXPIRED', { claims: { exp: NOW - 100 } }],
  ['ERR_WIT_SIGNATURE', {}],
  ['ERR_WIT_KEY_UNKNOWN', { header: { kid: 'unknown' } }],
  ['ERR_WIT_TRUST_DOMAIN', { claims: { sub: 'spiffe://evil.example/x' } }],
  ['ERR_WIT_KID_MISSING', { header: { kid: undefined } }],
  ['ERR_WIT_SUB', { claims: { sub: 'x' } }],
  ['ERR_WIT_ALG', { header: { alg: 'EdDSA' } }],
  ['ERR_WIT_TYP', { header: { typ: 'JWT' } }],
  ['ERR_WIT_MALFORMED', { header: { crit: ['x'] } }],
]

function withFaults(count: number): Forgery {
  const made: { header: Record<string, unknown>; claims: Record<string, unknown>; jwk: Record<string, unknown> } = {
    header: {},
    claims: {},
    jwk: {},
  }
  for (const [, { header, claims, jwk }] of faults.slice(0, count)) {
    Object.assign(made.header, header)
    Object.assign(made.claims, claims)
    Object.assign(made.jwk, jwk)
  }
  return made
}

/** A verifier of the strictest configuration that counts the signatures that it verifies. */
function countingVerifier(): { readonly verify: WitVerifier; verifications(): number } {
  let verifications = 0
  const crypto: CryptoEngine = {
    ...world.runtime.crypto,
    verify(...args) {
      verifications += 1
      return world.runtime.crypto.verify(...args)
    },
  }
  const runtime: Runtime = { ...world.runtime, crypto }
  const trust = trustIn('shop.example', { '1': world.issuer }, runtime)
  const verify = createWitVerifier({ trust, profile: 'wit-svid', issuers: { 'shop.example': ['urn:issuer'] }, runtime })
  return { verify, verifications: () => verifications }
}

describe('of several faults the earliest decides', () => {
  it.each(faults.map(([code], index) => [code, index] as const))('%s', async (code, index) => {
    const { verify, verifications } = countingVerifier()
    const isLater = index < faults.findIndex(([other]) => other === 'ERR_WIT_SIGNATURE')
    const forgery = withFaults(index + 1)
    const claims = { iss: 'urn:issuer', ...forgery.claims }
    const token = await world.forge({ ...forgery, claims, signer: isLater ? world.issuer : await signerOf('other') })
    expect(await codeOf(verify(token))).toBe(code)
    // CRED-5.1.4-04, JSVID-4-01: what fails before its key is known costs no cryptography.
    expect(verifications()).toBe(isLater || code === 'ERR_WIT_SIGNATURE' ? 1 : 0)
  })
})

it('CRED-5.1.4-04: an unknown trust domain is refused before its signature is looked at', async () => {
  const { verify, verifications } = countingVerifier()
  const token = await forgeJws({ typ: 'wit+jwt', alg: 'ES256', kid: '1' }, { sub: 'spiffe://evil.example/x' }, await signerOf('other'))
  expect(await codeOf(verify(token))).toBe('ERR_WIT_TRUST_DOMAIN')
  expect(verifications()).toBe(0)
})
