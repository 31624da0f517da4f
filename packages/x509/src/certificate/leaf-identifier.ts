import { isWimseError, parseWorkloadIdentifier, recode, schemeOf, WimseError, type WorkloadIdentifier } from '@wimse/core'
import type { UnverifiedCertificate } from './decode-certificate.ts'

/**
 * The rules that a certificate is held to. `x509-svid`: SPIFFE identifiers and the rules of X509-SVID on key usage and extended key
 * usage. `wic`: SPIFFE or WIMSE identifiers and the rules of RFC 5280.
 */
export type CertificateProfile = 'x509-svid' | 'wic'

/** The URI names of a certificate. */
export function uriNames(certificate: UnverifiedCertificate): readonly string[] {
  const names = certificate.extensions.subjectAltName?.names ?? []
  return names.filter(({ type }) => type === 'uri').map(({ text }) => text)
}

/**
 * The identifier of a leaf: exactly one URI name of any kind (XSVID-2-01, XSVID-2-03, CRED-6.1-02, CRED-6.1-03, MTLS-3.3-03), which is
 * a Workload Identifier with a path (XSVID-3.1-02, XSVID-5.2-05, XSVID-5.2-06, MTLS-5-08). No other name is looked at (CRED-6.1-06).
 *
 * @throws WimseError `ERR_X509_URI_SAN_COUNT`, `ERR_X509_IDENTIFIER`
 */
export function leafIdentifier(certificate: UnverifiedCertificate, profile: CertificateProfile): WorkloadIdentifier {
  const [uri, ...others] = uriNames(certificate)
  if (uri === undefined || others.length > 0)
    throw new WimseError('ERR_X509_URI_SAN_COUNT', { detail: `${others.length + (uri === undefined ? 0 : 1)}` })
  try {
    const identifier = parseWorkloadIdentifier(uri)
    if (profile === 'x509-svid' && schemeOf(identifier) !== 'spiffe') throw new WimseError('ERR_X509_IDENTIFIER', { detail: 'scheme' })
    return identifier
  } catch (error) {
    throw isWimseError(error) && error.code !== 'ERR_X509_IDENTIFIER' ? recode('ERR_X509_IDENTIFIER', error) : error
  }
}
