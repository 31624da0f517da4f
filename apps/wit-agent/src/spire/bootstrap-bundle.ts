import { type Runtime, type TrustDomain, utf8, WimseError } from '@wimse/core'
import { parseSpiffeBundle } from '@wimse/trust'
import { decodeUnverifiedCertificate, parsePem } from '@wimse/x509'

/**
 * Reads the X.509 roots to begin with: a SPIFFE bundle in JSON, or PEM certificates. Whoever gives the text is believed; it is checked
 * that there is at least one certificate and that each is one.
 *
 * @returns certificates in DER
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function parseBootstrapBundle(text: string, trustDomain: TrustDomain, runtime: Pick<Runtime, 'crypto'>): readonly Uint8Array[] {
  let certificates: readonly Uint8Array[]
  try {
    certificates = text.includes('-----BEGIN')
      ? parsePem('CERTIFICATE', text)
      : (parseSpiffeBundle(utf8(text), { trustDomain, runtime }).x509Authorities ?? [])
    for (const certificate of certificates) decodeUnverifiedCertificate(certificate)
  } catch (cause) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'bootstrapBundleFile: neither a SPIFFE bundle nor PEM certificates', cause })
  }
  if (certificates.length === 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'bootstrapBundleFile: no X.509 root' })
  return certificates
}
