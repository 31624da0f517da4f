import { parseTrustDomain } from '@wimse/core'
import { defaultRuntime, generateSigner } from '@wimse/keys'
import { keyAuthority, type TrustBundle, type TrustStore } from '@wimse/trust'
import { verifyWit } from '@wimse/wit'
import { generateCertificateKey, issueAuthority, pkcs8OfPrivateJwk, verifyX509Svid } from '@wimse/x509'
import { describe, expect, it } from 'vitest'
import { forgeWit, forgeX509 } from '../../src/checks/forge.ts'
import type { ForgedCredential } from '../../src/world/control-protocol.ts'

const runtime = defaultRuntime()
const trustDomain = parseTrustDomain('shop.example')
const identifier = 'spiffe://shop.example/orders'
const seconds = Math.floor(runtime.now() / 1000)

const caKey = await generateCertificateKey('ES256', runtime)
const ca = await issueAuthority({
  key: caKey,
  trustDomain,
  subject: { commonName: 'root' },
  notBefore: seconds - 3600,
  notAfter: seconds + 3600,
  runtime,
})

async function stolenWit(
  algorithm: 'ES256' | 'ES384' | 'RS256',
): Promise<{ stolen: { keyId: string; privateKey: Uint8Array }; trust: TrustStore }> {
  const { signer, exportPrivateJwk } = await generateSigner(algorithm, runtime)
  const authority = keyAuthority({ ...signer.publicJwk, kid: 'stolen', use: 'wit-svid' }, { uses: ['wit-svid'], runtime })
  const bundle: TrustBundle = { trustDomain, x509Authorities: [], jwtAuthorities: [], witAuthorities: [authority] }
  return {
    stolen: { keyId: 'stolen', privateKey: pkcs8OfPrivateJwk(exportPrivateJwk()) },
    trust: { bundle: () => bundle, refresh: async () => false },
  }
}

const tokenOf = ({ wit }: ForgedCredential): string => wit?.token ?? ''
const chainOf = ({ x509 }: ForgedCredential): Uint8Array[] => (x509?.chain ?? []).map((text) => new Uint8Array(Buffer.from(text, 'base64')))

// A forgery that is bad in more than one way would show nothing: each is accepted where its signer is trusted.
describe('a forged WIT', () => {
  it.each(['ES256', 'ES384', 'RS256'] as const)('verifies under the stolen %s key', async (algorithm) => {
    const { stolen, trust } = await stolenWit(algorithm)
    await expect(verifyWit(tokenOf(await forgeWit(stolen, { identifier })), { trust, profile: 'wit-svid' })).resolves.toMatchObject({
      identifier,
    })
  })

  it('has nothing wrong but its time, or its key identifier', async () => {
    const { stolen, trust } = await stolenWit('ES256')
    const expired = tokenOf(await forgeWit(stolen, { identifier, issuedSecondsAgo: 600 }))
    await expect(verifyWit(expired, { trust, profile: 'wit-svid' })).rejects.toMatchObject({ code: 'ERR_WIT_EXPIRED' })
    const renamed = tokenOf(await forgeWit(stolen, { identifier, keyId: 'another' }))
    await expect(verifyWit(renamed, { trust, profile: 'wit-svid' })).rejects.toMatchObject({ code: 'ERR_WIT_KEY_UNKNOWN' })
  })
})

describe('a forged certificate', () => {
  const stolen = { certificate: ca.certificate, privateKey: caKey.privateKey }
  const options = { profile: 'x509-svid', purpose: 'client', anchors: () => [ca.certificate], runtime } as const

  it('verifies under the stolen CA', async () => {
    await expect(verifyX509Svid(chainOf(await forgeX509(stolen, { identifier })), options)).resolves.toMatchObject({ identifier })
  })

  it('has nothing wrong but its time', async () => {
    const chain = chainOf(await forgeX509(stolen, { identifier, issuedSecondsAgo: 600 }))
    await expect(verifyX509Svid(chain, options)).rejects.toMatchObject({ code: 'ERR_X509_EXPIRED' })
  })
})
