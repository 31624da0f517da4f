import { WimseError } from '../errors/wimse-error.ts'
import { parseTrustDomain } from './trust-domain.ts'
import { splitIdentifier, type WorkloadIdentifier } from './workload-identifier.ts'

declare const originBrand: unique symbol

/** A Workload Identifier Origin: scheme and trust domain without the path, such as `spiffe://shop.example` (ID-4.6-01). A hint, never a proof. */
export type WorkloadIdentifierOrigin = string & { readonly [originBrand]: true }

/** The origin of an identifier (ID-4.6-01). */
export function originOf(identifier: WorkloadIdentifier): WorkloadIdentifierOrigin {
  const start = identifier.indexOf('://') + 3
  return identifier.slice(0, identifier.indexOf('/', start)) as WorkloadIdentifierOrigin
}

/**
 * Parses an origin under the rules of identifiers; a path is refused.
 *
 * @throws WimseError `ERR_IDENTIFIER_MALFORMED`, `ERR_IDENTIFIER_NOT_CANONICAL`, `ERR_IDENTIFIER_COMPONENT`,
 *   `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`
 */
export function parseOrigin(text: string): WorkloadIdentifierOrigin {
  const { authority, path } = splitIdentifier(text)
  if (path !== '') throw new WimseError('ERR_IDENTIFIER_MALFORMED', { detail: 'an origin has no path' })
  parseTrustDomain(authority)
  return text as WorkloadIdentifierOrigin
}
