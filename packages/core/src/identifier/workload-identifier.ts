import { WimseError } from '../errors/wimse-error.ts'
import { parseTrustDomain, type TrustDomain, type TrustDomainOptions } from './trust-domain.ts'

declare const workloadIdentifierBrand: unique symbol

/**
 * A Workload Identifier in its canonical form, such as `spiffe://shop.example/orders`. It is the string itself, so that issuance,
 * look-up, authorization, caching and audit use the same octets (ID-4.4-16, ID-7.1-05), and `===` is the comparison of the
 * specification (ID-4.4-15). Only {@link parseWorkloadIdentifier} makes one.
 */
export type WorkloadIdentifier = string & { readonly [workloadIdentifierBrand]: true }

/** The URI schemes of Workload Identifiers. */
export type IdentifierScheme = 'spiffe' | 'wimse'

/** Longest identifier in octets: every length up to it is supported, no greater one (ID-4.1-08, ID-4.1-09, SPIFFEID-2.3-01). */
export const MAX_IDENTIFIER_BYTES = 2048

/** Options of {@link parseWorkloadIdentifier}. */
export interface WorkloadIdentifierOptions extends TrustDomainOptions {
  /**
   * `canonical` (the default) is the strict form of the text after -03; `draft-03` also takes percent-encoded octets and
   * sub-delimiters in the path of a `wimse` identifier. Comparison stays octet by octet.
   */
  readonly rules?: 'canonical' | 'draft-03'
}

const SEGMENT = { spiffe: /^[A-Za-z0-9._-]+$/, wimse: /^[A-Za-z0-9._~-]+$/ } as const
const SEGMENT_DRAFT_03 = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})+$/

/**
 * Parses a Workload Identifier, `spiffe://<trust domain>/<path>` or `wimse://<trust domain>/<path>`. In order: length, scheme in
 * lower case (ID-4.4-03), no query, fragment, user information, port (ID-7.1-02), trust domain, one or more path segments
 * (ID-4.4-07) of the scheme's characters (ID-4.4-08, SPIFFEID-2.2-05), none of them empty (ID-4.4-09), `.` or `..` (ID-4.4-10).
 * What isn't canonical is refused, never repaired (ID-4.1-14, ID-4.1-15). It is not checked that anyone vouches for the name.
 *
 * @throws WimseError `ERR_IDENTIFIER_TOO_LONG`, `ERR_IDENTIFIER_MALFORMED`, `ERR_IDENTIFIER_NOT_CANONICAL`,
 *   `ERR_IDENTIFIER_COMPONENT`, `ERR_IDENTIFIER_NO_PATH`, `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`
 */
export function parseWorkloadIdentifier(text: string, options: WorkloadIdentifierOptions = {}): WorkloadIdentifier {
  const { scheme, authority, path } = splitIdentifier(text)
  parseTrustDomain(authority, options)
  // SPIFFE allows an identifier without a path for the trust domain itself; it names no workload.
  if (path === '') throw new WimseError('ERR_IDENTIFIER_NO_PATH')
  const segment = options.rules === 'draft-03' && scheme === 'wimse' ? SEGMENT_DRAFT_03 : SEGMENT[scheme]
  for (const part of path.slice(1).split('/')) {
    if (part === '' || part === '.' || part === '..') throw new WimseError('ERR_IDENTIFIER_NOT_CANONICAL', { detail: 'path segment' })
    if (!segment.test(part)) {
      throw new WimseError(part.includes('%') ? 'ERR_IDENTIFIER_NOT_CANONICAL' : 'ERR_IDENTIFIER_MALFORMED', { detail: 'path character' })
    }
  }
  return text as WorkloadIdentifier
}

/** The trust domain that scopes an identifier. */
export function trustDomainOf(identifier: WorkloadIdentifier): TrustDomain {
  const start = identifier.indexOf('://') + 3
  return identifier.slice(start, identifier.indexOf('/', start)) as TrustDomain
}

/** The scheme of an identifier. */
export function schemeOf(identifier: WorkloadIdentifier): IdentifierScheme {
  return identifier.startsWith('spiffe:') ? 'spiffe' : 'wimse'
}

/**
 * Parses the identifier of a trust domain itself, `spiffe://<trust domain>` without a path, as signing certificates carry it
 * (SPIFFEID-3.1-04, XSVID-3.2-02).
 *
 * @throws WimseError as {@link parseWorkloadIdentifier}, and `ERR_IDENTIFIER_MALFORMED` when there is a path
 */
export function parseTrustDomainIdentifier(text: string, options: TrustDomainOptions = {}): TrustDomain {
  const { authority, path } = splitIdentifier(text)
  if (path !== '') throw new WimseError('ERR_IDENTIFIER_MALFORMED', { detail: 'a path' })
  return parseTrustDomain(authority, options)
}

interface IdentifierParts {
  readonly scheme: IdentifierScheme
  readonly authority: string
  /** Empty, or from the first slash on. */
  readonly path: string
}

/** The generic part of the rules: everything that doesn't depend on what follows the authority. */
export function splitIdentifier(text: string): IdentifierParts {
  if (typeof text !== 'string') throw new WimseError('ERR_IDENTIFIER_MALFORMED', { detail: 'not a string' })
  if (text.length > MAX_IDENTIFIER_BYTES) throw new WimseError('ERR_IDENTIFIER_TOO_LONG')
  const scheme = text.startsWith('spiffe://') ? 'spiffe' : text.startsWith('wimse://') ? 'wimse' : undefined
  if (scheme === undefined) {
    const folded = /^(?:spiffe|wimse):\/\//i.test(text)
    throw new WimseError(folded ? 'ERR_IDENTIFIER_NOT_CANONICAL' : 'ERR_IDENTIFIER_MALFORMED', { detail: 'scheme' })
  }
  if (text.includes('?')) throw new WimseError('ERR_IDENTIFIER_COMPONENT', { detail: 'query' })
  if (text.includes('#')) throw new WimseError('ERR_IDENTIFIER_COMPONENT', { detail: 'fragment' })
  const rest = text.slice(scheme.length + 3)
  const slash = rest.indexOf('/')
  const authority = slash === -1 ? rest : rest.slice(0, slash)
  if (authority.includes('@')) throw new WimseError('ERR_IDENTIFIER_COMPONENT', { detail: 'user information' })
  if (authority.startsWith('[')) throw new WimseError('ERR_TRUST_DOMAIN_IP')
  if (authority.includes(':')) throw new WimseError('ERR_IDENTIFIER_COMPONENT', { detail: 'port' })
  return { scheme, authority, path: slash === -1 ? '' : rest.slice(slash) }
}
