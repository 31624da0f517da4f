import { parseTrustDomain } from '@wimse/core'
import { verifyJwtSvid } from '@wimse/jwt-svid'
import { decodeUnverifiedJws } from '@wimse/keys'
import { parseSpiffeBundle } from '@wimse/trust'
import { verifyWit } from '@wimse/wit'
import { verifyX509Svid } from '@wimse/x509'
import { beforeEach, describe, expect, it } from 'vitest'
import { createTestAuthority, createTestRuntime, type TestAuthority, trustAuthorities } from '../src/index.ts'

const ORDERS = 'spiffe://shop.example/orders'
const withCode = (code: string) => expect.objectContaining({ code })
const runtime = createTestRuntime()
const audience = ['https://payments.shop.example']

let authority: TestAuthority
beforeEach(async () => {
  authority = await createTestAuthority({ trustDomain: 'shop.example', runtime, intermediate: true })
})

const verifyChain = (chain: readonly Uint8Array[]) =>
  verifyX509Svid(chain, {
    profile: 'x509-svid',
    purpose: 'client',
    anchors: (trustDomain) => trustAuthorities([authority]).bundle(trustDomain).x509Authorities,
    runtime,
  })

describe('an authority for tests', () => {
  it('issues what verifiers accept', async () => {
    const trust = trustAuthorities([authority])
    const { chain } = await authority.issueX509Svid(ORDERS, { dnsNames: ['orders.shop.example'] })
    expect(await verifyChain(chain)).toMatchObject({ identifier: ORDERS, dnsNames: ['orders.shop.example'] })
    const { credential } = await authority.issueWit(ORDERS)
    expect(await verifyWit(credential.token, { trust, profile: 'wit-svid', runtime })).toMatchObject({ identifier: ORDERS })
    const token = await authority.issueJwtSvid(ORDERS, { audience })
    expect(await verifyJwtSvid(token, { trust, audience, runtime })).toMatchObject({ identifier: ORDERS })
  })

  it.each(['ES384', 'RS256', 'Ed25519'] as const)('issues with %s', async (x509) => {
    authority = await createTestAuthority({ trustDomain: 'shop.example', runtime, algorithms: { x509, wit: 'ES384', jwt: 'RS256' } })
    const { chain } = await authority.issueX509Svid(ORDERS, { algorithm: x509 })
    expect(await verifyChain(chain)).toMatchObject({ identifier: ORDERS })
  })

  it('issues WITs of the wimse scheme', async () => {
    const { credential } = await authority.issueWit('wimse://shop.example/orders', { issuer: 'https://shop.example' })
    const verified = await verifyWit(credential.token, { trust: trustAuthorities([authority]), profile: 'wimse', runtime })
    expect(verified.identifier).toBe('wimse://shop.example/orders')
  })

  it('keeps rotated keys in its bundle until they are withdrawn', async () => {
    const trust = trustAuthorities([authority])
    const { chain } = await authority.issueX509Svid(ORDERS)
    const { credential } = await authority.issueWit(ORDERS)
    const token = await authority.issueJwtSvid(ORDERS, { audience })
    const verifyAll = () => [
      verifyChain(chain),
      verifyWit(credential.token, { trust, profile: 'wit-svid', runtime }),
      verifyJwtSvid(token, { trust, audience, runtime }),
    ]
    for (const kind of ['x509', 'wit', 'jwt'] as const) await authority.rotate(kind)
    await Promise.all(verifyAll())
    for (const kind of ['x509', 'wit', 'jwt'] as const) authority.withdraw(kind)
    const codes = await Promise.all(verifyAll().map((verification) => verification.catch(({ code }: { code: string }) => code)))
    expect(codes).toEqual([expect.stringMatching(/^ERR_X509_/), 'ERR_WIT_KEY_UNKNOWN', 'ERR_JWT_SVID_KEY_UNKNOWN'])
  })

  it('publishes a prepared key before it signs with it', async () => {
    await authority.prepare('wit')
    await authority.prepare('wit')
    const [active, prepared, ...others] = authority.contents().witAuthorities ?? []
    expect(others).toEqual([])
    const kidOf = async () => decodeUnverifiedJws((await authority.issueWit(ORDERS)).credential.token).header['kid']
    expect(await kidOf()).toBe(active?.keyId)
    await authority.rotate('wit')
    expect(await kidOf()).toBe(prepared?.keyId)
  })

  it('publishes a SPIFFE bundle whose sequence grows with each change', async () => {
    const trustDomain = parseTrustDomain('shop.example')
    const first = parseSpiffeBundle(authority.spiffeBundle(), { trustDomain })
    expect([first.x509Authorities, first.jwtAuthorities, first.witAuthorities].map((anchors) => anchors?.length)).toEqual([1, 1, 1])
    await authority.rotate('wit')
    const second = parseSpiffeBundle(authority.spiffeBundle(), { trustDomain })
    expect(second.witAuthorities).toHaveLength(2)
    expect(second.sequence).toBe((first.sequence ?? 0) + 1)
  })

  it('is a trust bundle that stays the same object until it changes', async () => {
    const authorities = [authority]
    const trust = trustAuthorities(authorities)
    const bundle = trust.bundle(authority.trustDomain)
    expect(trust.bundle(authority.trustDomain)).toBe(bundle)
    await authority.rotate('jwt')
    expect(trust.bundle(authority.trustDomain)).not.toBe(bundle)
    authorities.pop()
    expect(() => trust.bundle(authority.trustDomain)).toThrow(withCode('ERR_TRUST_DOMAIN_UNKNOWN'))
  })
})
