import type { TLSSocket } from 'node:tls'
import { isWimseError, type Runtime, type TrustDomain, trustDomainOf, WimseError, type WorkloadIdentifier } from '@wimse/core'
import {
  type CertificateProfile,
  type CertificatePurpose,
  decodeUnverifiedIdentifier,
  type VerifiedCertificate,
  verifyX509Svid,
} from '@wimse/x509'
import { peerChain } from './peer-chain.ts'

declare const verifiedBrand: unique symbol

/** The authenticated other side of a connection. Only validation makes one; {@link peerOf} gives that of a socket. */
export interface VerifiedPeer {
  readonly [verifiedBrand]: true
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  readonly certificate: VerifiedCertificate
}

/** The X.509 anchors of a trust domain at one time: the same object as long as none has changed. */
export interface X509Anchors {
  /** Roots in DER. */
  readonly x509Authorities: readonly Uint8Array[]
}

/** Whose anchors authenticate whom. A `TrustStore` of `@wimse/trust` is one. */
export interface X509Trust {
  /** @throws WimseError where the trust domain isn't trusted */
  bundle(trustDomain: TrustDomain): X509Anchors
  /** Asks the sources again, because an issuer was unknown; tells whether the anchors have changed. */
  refresh?(trustDomain: TrustDomain): Promise<boolean>
}

/** How peers are validated. */
export interface PeerRules {
  readonly trust: X509Trust
  readonly profile: CertificateProfile
  readonly purpose: CertificatePurpose
  readonly runtime: Pick<Runtime, 'crypto' | 'now'>
  readonly clockToleranceSeconds: number
  readonly maxDepth?: number
  /** What a peer has to be besides valid. @throws WimseError */
  accept(peer: VerifiedPeer): void
}

interface Authentication {
  readonly peer: VerifiedPeer
  readonly rules: PeerRules
  readonly chain: readonly Uint8Array[]
  readonly bundle: X509Anchors | undefined
  /** Seconds since the epoch. */
  readonly at: number
}

const authentications = /* @__PURE__ */ new WeakMap<object, Authentication>()

/** Failures after which the trust domain's sources are asked again: its authorities may have rotated. */
const UNKNOWN_ISSUER = ['ERR_X509_NO_PATH', 'ERR_X509_SIGNATURE', 'ERR_X509_NO_ANCHORS'] as const

/**
 * The authenticated peer of a socket, such as `request.socket`: what its validated certificate says (MTLS-3.3-01), nothing that the peer
 * said later (MTLS-5-15). `undefined` where the peer showed no certificate, and for sockets that didn't come from this package.
 */
export function peerOf(socket: object): VerifiedPeer | undefined {
  return authentications.get(socket)?.peer
}

/**
 * Validates the certificates that a peer showed and remembers the result with the socket. In order: there is one, the path under the
 * anchors of the identifier's trust domain (MTLS-3.2-01, MTLS-5-01, MTLS-5-06), what the rules accept. A resumed session is no
 * exception.
 *
 * @throws WimseError `ERR_MTLS_CERTIFICATE_MISSING`, `ERR_X509_…`, those of the trust store and of the rules
 */
export async function verifyPeer(socket: TLSSocket, rules: PeerRules): Promise<VerifiedPeer> {
  const chain = peerChain(socket)
  const [leaf] = chain
  if (leaf === undefined) throw new WimseError('ERR_MTLS_CERTIFICATE_MISSING')
  const authentication = await authenticate(chain, rules, rules.runtime.now() / 1000).catch(async (error: unknown) => {
    if (!isWimseError(error, ...UNKNOWN_ISSUER)) throw error
    const changed = await rules.trust.refresh?.(trustDomainOf(decodeUnverifiedIdentifier(leaf)))
    if (changed !== true) throw error
    return authenticate(chain, rules, rules.runtime.now() / 1000)
  })
  authentications.set(socket, authentication)
  return authentication.peer
}

/**
 * The peer of a socket, validated again if an anchor of its trust domain has changed since: a federation that was withdrawn ends what
 * connections may do, too. Costs a look-up as long as nothing has changed. Whether the certificate was valid in time is judged as of the
 * handshake, since connections outlive certificates; `certificate.pathNotAfter` is there for those who see it otherwise.
 *
 * @returns `undefined` as {@link peerOf}
 * @throws WimseError as for a new connection; the socket then has no peer any more, and should be closed
 */
export async function recheckPeer(socket: object): Promise<VerifiedPeer | undefined> {
  const known = authentications.get(socket)
  if (known === undefined) return undefined
  const { rules, chain, at, peer } = known
  try {
    if (rules.trust.bundle(peer.trustDomain) === known.bundle) return peer
    const again = await authenticate(chain, rules, at)
    authentications.set(socket, again)
    return again.peer
  } catch (error) {
    authentications.delete(socket)
    throw error
  }
}

/** Whether the anchors that authenticated the peer of a socket are still what they were. */
export function isPeerCurrent(socket: object): boolean {
  const known = authentications.get(socket)
  try {
    return known !== undefined && known.rules.trust.bundle(known.peer.trustDomain) === known.bundle
  } catch {
    return false
  }
}

async function authenticate(chain: readonly Uint8Array[], rules: PeerRules, at: number): Promise<Authentication> {
  const { trust, profile, purpose, runtime, clockToleranceSeconds, maxDepth } = rules
  let bundle: X509Anchors | undefined
  const certificate = await verifyX509Svid(chain, {
    profile,
    purpose,
    runtime,
    at,
    clockToleranceSeconds,
    ...(maxDepth !== undefined && { maxDepth }),
    anchors(trustDomain) {
      bundle = trust.bundle(trustDomain)
      return bundle.x509Authorities
    },
  })
  const { identifier, trustDomain } = certificate
  const peer = Object.freeze({ identifier, trustDomain, certificate }) as VerifiedPeer
  rules.accept(peer)
  // Those that the path was validated under: were they replaced meanwhile, the next look at the peer has to notice.
  return { peer, rules, chain, bundle, at }
}
