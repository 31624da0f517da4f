import { parseWorkloadIdentifier, type Runtime } from '@wimse/core'
import { createSigner, defaultRuntime, generateSigner, type SignatureAlgorithm, type Signer } from '@wimse/keys'
import { issueWit } from '@wimse/wit'
import { generateCertificateKey, importCertificateKey, issueCertificate, privateJwkOfPkcs8 } from '@wimse/x509'
import { NotRun } from '../suite/check.ts'
import type { ForgedCredential } from '../world/control-protocol.ts'
import type { StolenAuthority, TrustDomainName, World } from '../world/world.ts'

/** What a forged credential says. */
export interface Forgery {
  readonly identifier: string
  /** In the WIT's header instead of the stolen key's own. */
  readonly keyId?: string
  /** Issued so long ago, with a lifetime of {@link FORGED_LIFETIME_SECONDS}. */
  readonly issuedSecondsAgo?: number
}

const FORGED_LIFETIME_SECONDS = 120

/** The issuing keys of a trust domain, where the driver can get at them. */
export async function stolenKeys(world: World, name: TrustDomainName): Promise<Required<StolenAuthority>> {
  const { x509, wit } = (await world.trustDomains[name].stolenAuthority()) ?? {}
  if (x509 === undefined || wit === undefined) {
    throw new NotRun(
      `the ${world.driver} driver can't get at the issuing keys of ${name}`,
      'run it with a driver whose SPIRE keeps its keys on disk',
    )
  }
  return { x509, wit }
}

/** A WIT that the holder of an issuing key makes, with a key of its own to prove it. In memory only. */
export async function forgeWit(stolen: Required<StolenAuthority>['wit'], forgery: Forgery): Promise<ForgedCredential> {
  const runtime = runtimeOf(forgery)
  const issuer = await stolenWitSigner(stolen, runtime)
  const { signer, exportPrivateJwk } = await generateSigner('ES256', runtime)
  const token = await issueWit(
    {
      profile: 'wit-svid',
      subject: forgery.identifier,
      confirmationKey: signer.publicJwk,
      lifetimeSeconds: FORGED_LIFETIME_SECONDS,
      jti: false,
    },
    { signer: issuer, keyId: forgery.keyId ?? stolen.keyId, runtime },
  )
  return { wit: { token, privateJwk: exportPrivateJwk() } }
}

/** Signs WITs as the issuer does. */
export function stolenWitSigner({ privateKey }: Required<StolenAuthority>['wit'], runtime: Runtime): Promise<Signer> {
  const jwk = privateJwkOfPkcs8(privateKey)
  return createSigner(jwk, { algorithm: algorithmOf(jwk), runtime })
}

/** An X.509-SVID that the holder of a CA's key makes. In memory only. */
export async function forgeX509(stolen: Required<StolenAuthority>['x509'], forgery: Forgery): Promise<ForgedCredential> {
  const runtime = runtimeOf(forgery)
  const key = await importCertificateKey(stolen.privateKey, { runtime })
  const leafKey = await generateCertificateKey('ES256', runtime)
  const now = Math.floor(runtime.now() / 1000)
  const { chain } = await issueCertificate({
    issuer: { certificate: stolen.certificate, key, intermediates: [] },
    publicKey: leafKey.publicKey,
    identifier: parseWorkloadIdentifier(forgery.identifier),
    notBefore: now - 10,
    notAfter: now + FORGED_LIFETIME_SECONDS,
    runtime,
  })
  return { x509: { chain: chain.map(base64), privateKey: base64(leafKey.privateKey) } }
}

function runtimeOf({ issuedSecondsAgo = 0 }: Forgery): Runtime {
  const runtime = defaultRuntime()
  return { ...runtime, now: () => runtime.now() - issuedSecondsAgo * 1000 }
}

function algorithmOf({ kty, crv }: Readonly<Record<string, string>>): SignatureAlgorithm {
  if (kty === 'RSA') return 'RS256'
  return crv === 'P-384' ? 'ES384' : 'ES256'
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}
