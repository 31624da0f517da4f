import { parseIdentifierPattern, parseTrustDomain, parseWorkloadIdentifier } from '@wimse/core'
import type { VerifiedPeer } from './verified-peer.ts'

/**
 * Says whether a peer may be who it is here. It sees a peer whose path has been validated (MTLS-5-01), with the whole identifier.
 * Nothing but `true` says yes: not the promise of an async function.
 */
export type Authorizer = (peer: VerifiedPeer) => boolean

/** Exactly one workload. @throws WimseError of `parseWorkloadIdentifier` */
export function authorizeIdentifier(identifier: string): Authorizer {
  const exact = parseWorkloadIdentifier(identifier)
  return (peer) => peer.identifier === exact
}

/**
 * The workloads that a pattern matches: an identifier, or one that ends in `/*`. A pattern always names its trust domain; a path alone is
 * refused (MTLS-3.2.1-07, MTLS-3.3-02, MTLS-5-04).
 *
 * @throws WimseError `ERR_IDENTIFIER_PATTERN`
 */
export function authorizePattern(pattern: string): Authorizer {
  const parsed = parseIdentifierPattern(pattern)
  return (peer) => parsed.matches(peer.identifier)
}

/** Every workload of a trust domain (MTLS-3.2-03). @throws WimseError `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP` */
export function authorizeTrustDomain(trustDomain: string): Authorizer {
  const expected = parseTrustDomain(trustDomain)
  return (peer) => peer.trustDomain === expected
}

/** Whoever one of the authorizers admits; no one when there is none. */
export function authorizeAnyOf(...authorizers: readonly Authorizer[]): Authorizer {
  return (peer) => authorizers.some((authorizer) => authorizer(peer) === true)
}
