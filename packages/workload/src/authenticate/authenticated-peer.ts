import type { JsonObject, RequestView, ResponseView, TrustDomain, WorkloadIdentifier } from '@wimse/core'
import { trustDomainOf, WimseError } from '@wimse/core'
import type { VerifiedHttpSignature } from '@wimse/http-signature'
import type { VerifiedJwtSvid } from '@wimse/jwt-svid'
import type { BoundTransactionToken } from '@wimse/transaction-tokens'
import type { VerifiedWpt } from '@wimse/wpt'

/** The ways in which a caller can prove who it is. A JWT-SVID proves nothing but possession of the token: it is a bearer credential. */
export type ProofKind = 'wpt' | 'http-signature' | 'mutual-tls' | 'jwt-svid'

/** What mutual TLS says about a connection: made by `@wimse/mutual-tls`, or by whoever terminates TLS for this service. */
export interface ConnectionPeer {
  /** What the URI name of the validated certificate is (CRED-7-04). */
  readonly identifier: WorkloadIdentifier
  /** End of the certificate in seconds since the epoch. Not judged again: connections outlive certificates. */
  readonly notAfter: number
}

/** A proof that mutual TLS gave. */
export interface VerifiedConnection {
  readonly kind: 'mutual-tls'
  readonly identifier: WorkloadIdentifier
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/** A proof that held. Its `kind` tells which. */
export type VerifiedProof = VerifiedWpt | VerifiedHttpSignature | VerifiedJwtSvid | VerifiedConnection

declare const authenticatedPeerBrand: unique symbol

/** The workload that made a request. Only the authenticator makes one; policy takes nothing else. */
export interface AuthenticatedPeer {
  readonly [authenticatedPeerBrand]: true
  /** Whole, with its trust domain: what authorization, accounting and audit go by (CRED-7-01, CRED-7-02). */
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** Every proof that was verified; all of them name this peer. */
  readonly proofs: readonly VerifiedProof[]
  /** The claims of its WIT or JWT-SVID, for policy and accounting (CRED-7-05); empty for mutual TLS. */
  readonly claims: JsonObject
  /** The workload on the other end of the TLS connection, where it showed itself: a proxy may differ from the peer. */
  readonly connection: WorkloadIdentifier | undefined
}

/** A request whose caller is known. */
export interface AuthenticatedRequest {
  readonly peer: AuthenticatedPeer
  /** The transaction that the request belongs to and that its peer vouches for. Undefined without one, and where `transactionTokens` isn't told. */
  readonly transaction: BoundTransactionToken | undefined
  /** The request; its body is octets when a signature covered it, and then these are the octets that were verified. */
  readonly request: RequestView
  /**
   * Finishes the response: signs it when the caller requires that (SIG-3.5-02) or `signResponses` says so (SIG-3.5-03), else leaves it as
   * it is. A body that gets signed is read whole.
   *
   * @throws WimseError `ERR_HTTP_SIGNATURE_CANNOT_SIGN` when it has to be signed and can't be: send that refusal instead (SIG-3.5-04)
   */
  finish(response: ResponseView): Promise<ResponseView>
}

/** The brand is a private member, which no other code can give an object. */
class Authenticated implements Omit<AuthenticatedPeer, typeof authenticatedPeerBrand> {
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  readonly proofs: readonly VerifiedProof[]
  readonly connection: WorkloadIdentifier | undefined
  readonly #first: VerifiedProof

  constructor(proofs: readonly [VerifiedProof, ...VerifiedProof[]], connection: ConnectionPeer | undefined) {
    const [first] = proofs
    this.identifier = first.identifier
    this.trustDomain = trustDomainOf(first.identifier)
    this.proofs = Object.freeze([...proofs])
    this.connection = connection?.identifier
    this.#first = first
    Object.freeze(this)
  }

  get claims(): JsonObject {
    const first = this.#first
    if (first.kind === 'mutual-tls') return {}
    return first.kind === 'jwt-svid' ? first.claims : first.wit.claims
  }

  static is(value: object): boolean {
    return #first in value
  }
}

/** For the authenticator alone: not exported by the package. The proofs name one identifier. */
export function authenticatedPeer(
  proofs: readonly [VerifiedProof, ...VerifiedProof[]],
  connection: ConnectionPeer | undefined,
): AuthenticatedPeer {
  return new Authenticated(proofs, connection) as object as AuthenticatedPeer
}

/**
 * Makes sure at run time that a peer comes from an authenticator, for callers that the compiler doesn't guard.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function assertAuthenticatedPeer(peer: AuthenticatedPeer): void {
  if (typeof peer !== 'object' || peer === null || !Authenticated.is(peer)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'not an authenticated peer' })
  }
}
