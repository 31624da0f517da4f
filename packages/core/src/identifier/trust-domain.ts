import { WimseError } from '../errors/wimse-error.ts'

declare const trustDomainBrand: unique symbol

/** The name of a trust domain in canonical form, such as `shop.example`. Only {@link parseTrustDomain} makes one. */
export type TrustDomain = string & { readonly [trustDomainBrand]: true }

/** Longest name of a trust domain in octets. */
export const MAX_TRUST_DOMAIN_BYTES = 255

/** Options of {@link parseTrustDomain}. */
export interface TrustDomainOptions {
  /** Admits IPv4 literals, for legacy naming schemes (ID-4.3-02). */
  readonly allowIpAddress?: boolean
}

const NAME = /^[a-z0-9._-]+$/
const IPV4 = /^[0-9]+(?:\.[0-9]+){3}$/

/**
 * Parses the name of a trust domain: lower-case letters, digits, dot, hyphen and underscore (ID-4.4-04, SPIFFEID-2.1-05), no
 * percent-encoding (ID-4.4-05), no leading, trailing or doubled dot (ID-4.4-06), no IP address (ID-4.3-02), 255 octets at most
 * (SPIFFEID-2.3-04). Nothing is folded or repaired (SPIFFEID-2.1-04). It is not checked that the name exists in the DNS.
 *
 * @throws WimseError `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`
 */
export function parseTrustDomain(text: string, options: TrustDomainOptions = {}): TrustDomain {
  if (typeof text !== 'string' || text.length === 0 || text.length > MAX_TRUST_DOMAIN_BYTES || !NAME.test(text)) {
    throw new WimseError('ERR_TRUST_DOMAIN_MALFORMED')
  }
  if (text.startsWith('.') || text.endsWith('.') || text.includes('..'))
    throw new WimseError('ERR_TRUST_DOMAIN_MALFORMED', { detail: 'dots' })
  if (options.allowIpAddress !== true && IPV4.test(text)) throw new WimseError('ERR_TRUST_DOMAIN_IP')
  return text as TrustDomain
}
