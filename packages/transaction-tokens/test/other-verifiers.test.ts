import { parseTrustDomain } from '@wimse/core'
import { verifyJwtSvid } from '@wimse/jwt-svid'
import { keyAuthority, staticTrust, type TrustStore } from '@wimse/trust'
import { issueWit, verifyWit } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import { issueTransactionToken } from '../src/index.ts'
import { codeOf, createWorld, forgeJws, NOW, ORDERS, SHOP, STOREFRONT, signerOf, type World } from './support/world.ts'

// The worst case: one key for everything, known to every verifier. Only the type tells the tokens apart then.
let world: World
let trust: TrustStore
beforeAll(async () => {
  world = await createWorld()
  const authorities = [keyAuthority({ ...world.service.publicJwk, kid: '1' })]
  trust = staticTrust([{ trustDomain: parseTrustDomain(SHOP), witAuthorities: authorities, jwtAuthorities: authorities }])
})

describe('TXN-13.12-01, TXN-13.13-01: a transaction token is no credential', () => {
  const issue = async (): Promise<string> => {
    const { publicJwk } = await signerOf('workload')
    const grant = { trustDomain: SHOP, subject: ORDERS, scope: ['a'], requester: STOREFRONT, claims: { cnf: { jwk: { ...publicJwk } } } }
    return issueTransactionToken(grant, { signer: world.service, keyId: '1', runtime: world.runtime })
  }

  it('for the verifier of transaction tokens it is one', async () => {
    expect(await codeOf(world.verify(await issue()))).toBe('ok')
  })

  it.each(['wimse', 'wit-svid'] as const)('not as a WIT (%s)', async (profile) => {
    expect(await codeOf(verifyWit(await issue(), { trust, profile, runtime: world.runtime }))).toBe('ERR_WIT_TYP')
  })

  it('not as a JWT-SVID', async () => {
    expect(await codeOf(verifyJwtSvid(await issue(), { trust, audience: SHOP, runtime: world.runtime }))).toBe('ERR_JWT_SVID_TYP')
  })
})

describe('TXN-9.1-02: no credential is a transaction token', () => {
  it('not a WIT', async () => {
    const { publicJwk } = await signerOf('workload')
    const claims = { txn: 'a', scope: 'a', req_wl: STOREFRONT }
    const grant = { profile: 'wimse', subject: ORDERS, confirmationKey: publicJwk, lifetimeSeconds: 60, claims } as const
    const wit = await issueWit(grant, { signer: world.service, keyId: '1', runtime: world.runtime })
    expect(await codeOf(world.verify(wit))).toBe('ERR_TXN_TYP')
  })

  it.each(['JWT', 'at+jwt', 'wpt+jwt', 'authorization-grant+jwt', undefined])('not a JWT of type %s', async (typ) => {
    const claims = { sub: ORDERS, aud: SHOP, iat: NOW, exp: NOW + 60, txn: 'a', scope: 'a', req_wl: STOREFRONT }
    expect(await codeOf(world.verify(await forgeJws({ alg: 'ES256', kid: '1', typ }, claims, world.service)))).toBe('ERR_TXN_TYP')
  })
})
