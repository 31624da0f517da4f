import { isJsonObject, parseStrictJsonObject, type TrustDomain, utf8, WimseError } from '@wimse/core'
import { parseBundleDocument } from '@wimse/spire-api'
import { decodeUnverifiedCertificate, parsePem } from '@wimse/x509'

const MAX_BOOTSTRAP_BYTES = 1024 * 1024

/**
 * Reads the X.509 roots to begin with: a SPIFFE bundle in JSON, or PEM certificates. Whoever gives the text is believed; it is checked
 * that there is at least one certificate and that each is one.
 *
 * @returns certificates in DER
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function parseBootstrapBundle(text: string, trustDomain: TrustDomain): readonly Uint8Array[] {
  try {
    const certificates = text.includes('-----BEGIN') ? parsePem('CERTIFICATE', text) : rootsOfDocument(text, trustDomain)
    for (const certificate of certificates) decodeUnverifiedCertificate(certificate)
    if (certificates.length > 0) return certificates
  } catch (cause) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'bootstrapBundleFile: neither a SPIFFE bundle nor PEM certificates', cause })
  }
  throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'bootstrapBundleFile: no X.509 root' })
}

function rootsOfDocument(text: string, trustDomain: TrustDomain): readonly Uint8Array[] {
  const { keys } = parseStrictJsonObject(utf8(text), { maxBytes: MAX_BOOTSTRAP_BYTES })
  const roots = (Array.isArray(keys) ? keys : []).filter(
    (key): key is { readonly use: string } => isJsonObject(key) && key['use'] === 'x509-svid',
  )
  return parseBundleDocument(trustDomain, { keys: roots, spiffe_sequence: 0 }).x509Authorities.map(({ certificate }) => certificate)
}
