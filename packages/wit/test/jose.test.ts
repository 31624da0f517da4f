import { generateSigner, type SignatureAlgorithm, SVID_ALGORITHMS, WIMSE_ALGORITHMS } from '@wimse/keys'
import { keyAuthority } from '@wimse/trust'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { issueWit, verifyWit, type WitProfileName } from '../src/index.ts'
import { createWorld, NOW, SUBJECT, signerOf, storeOf, type World } from './support/world.ts'

// jose shares no code with us: what one of the two makes, the other has to take.
let world: World
beforeAll(async () => {
  world = await createWorld()
})

const all: readonly SignatureAlgorithm[] = [...new Set([...WIMSE_ALGORITHMS, ...SVID_ALGORITHMS])]
const profileOf = (algorithm: SignatureAlgorithm): WitProfileName => (SVID_ALGORITHMS.includes(algorithm) ? 'wit-svid' : 'wimse')
const currentDate = new Date(NOW * 1000)

describe.each(all)('%s', (algorithm) => {
  it('CRED-5.1-01, WSVID-4-01: jose verifies a WIT that we issue', async () => {
    const signer = await signerOf('issuer', algorithm)
    const own = await signerOf('workload', algorithm)
    const grant = { profile: profileOf(algorithm), subject: SUBJECT, confirmationKey: own.publicJwk, lifetimeSeconds: 300 }
    const token = await issueWit(grant, { signer, keyId: 'k', runtime: world.runtime })
    const { payload, protectedHeader } = await jwtVerify(token, await importJWK({ ...signer.publicJwk }, algorithm), {
      algorithms: [algorithm],
      typ: 'wit+jwt',
      subject: SUBJECT,
      requiredClaims: ['exp', 'cnf'],
      currentDate,
    })
    expect(protectedHeader.kid).toBe('k')
    expect(payload['cnf']).toEqual({ jwk: { ...own.publicJwk } })
  })

  it('CRED-5.1.4-06, WSVID-4-01: we verify a WIT that jose signs', async () => {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), alg: algorithm }
    const token = await new SignJWT({ cnf: { jwk } })
      .setProtectedHeader({ alg: algorithm, typ: 'wit+jwt', kid: 'k' })
      .setSubject(SUBJECT)
      .setExpirationTime(NOW + 300)
      .sign(privateKey)
    const trust = storeOf('shop.example', [keyAuthority({ ...jwk, kid: 'k' })])
    const wit = await verifyWit(token, { trust, profile: profileOf(algorithm), runtime: world.runtime })
    expect(wit.identifier).toBe(SUBJECT)
    expect(wit.confirmation.thumbprint).toBe(await calculateJwkThumbprint(jwk))
  })
})

it('both read the same private keys', async () => {
  const { signer, exportPrivateJwk } = await generateSigner('ES256', world.runtime)
  const token = await new SignJWT({ cnf: { jwk: { ...signer.publicJwk } } })
    .setProtectedHeader({ alg: 'ES256', typ: 'wit+jwt' })
    .setSubject(SUBJECT)
    .setExpirationTime(NOW + 300)
    .sign(await importJWK({ ...exportPrivateJwk() }, 'ES256'))
  const trust = storeOf('shop.example', [keyAuthority(signer.publicJwk)])
  expect((await verifyWit(token, { trust, profile: 'wimse', runtime: world.runtime })).identifier).toBe(SUBJECT)
})
