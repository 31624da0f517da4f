import type { JsonObject, RequestView, ResponseView, TrustDomain, WorkloadIdentifier } from '@wimse/core'
import { trustDomainOf } from '@wimse/core'
import type { VerifiedHttpSignature } from '@wimse/http-signature'
import type { VerifiedJwtSvid } from '@wimse/jwt-svid'
import type { VerifiedWpt } from '@wimse/wpt'

/** The ways in which a caller can prove who it is. A JWT-SVID proves nothing but possession of the token: it is a bearer credential. */
export type ProofKind = 'wpt' | 'http-signature' | 'mutual-tls' | 'jwt-svid'

/** What mutual TLS says about a connection: made by `@wimse/mutual-tls`, or by whoever terminates TLS for this service. */
export interface ConnectionPeer {
  readonly identifier: WorkloadIdentifier
  /** Seconds since the epoch. */
  readonly notAfter: number
}

/** A proof that mutual TLS gave. */
export interface VerifiedConnection {
  readonly kind: 'mutual-tls'
  readonly identifier: WorkloadIdentifier
  readonly expiresAt: number
}

export type VerifiedProof = VerifiedWpt | VerifiedHttpSignature | VerifiedJwtSvid | VerifiedConnection

declare const authenticatedPeerBrand: unique symbol

/** The workload that made a request. Only the authenticator makes one; policy takes nothing else. */
export interface AuthenticatedPeer {
  readonly [authenticatedPeerBrand]: true
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** Every proof that was verified; all of them name this peer. */
  readonly proofs: readonly VerifiedProof[]
  /** The claims of its WIT or JWT-SVID; empty for mutual TLS. */
  readonly claims: JsonObject
  /** The workload on the other end of the TLS connection, where it showed itself: a proxy may differ from the peer. */
  readonly connection: WorkloadIdentifier | undefined
}

/** A request whose caller is known. */
export interface AuthenticatedRequest {
  readonly peer: AuthenticatedPeer
  /** The request; its body is octets when a signature covered it, and then these are the octets that were verified. */
  readonly request: RequestView
  /**
   * Finishes the response: signs it when the caller requires that (SIG-3.5-02), else leaves it as it is.
   *
   * @throws WimseError `ERR_HTTP_SIGNATURE_CANNOT_SIGN` when it has to be signed and can't be (SIG-3.5-04)
   */
  finish(response: ResponseView): Promise<ResponseView>
}

/** For the authenticator alone: not exported by the package. */
export function authenticatedPeer(
  identifier: WorkloadIdentifier,
  proofs: readonly VerifiedProof[],
  claims: JsonObject,
  connection: ConnectionPeer | undefined,
): AuthenticatedPeer {
  return Object.freeze({
    identifier,
    trustDomain: trustDomainOf(identifier),
    proofs,
    claims,
    connection: connection?.identifier,
  }) as AuthenticatedPeer
}
