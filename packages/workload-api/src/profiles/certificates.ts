import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { WorkloadIdentifier } from '@wimse/core'
import { malformed } from '../connection/call-errors.ts'

/** Most certificates in one chain or bundle. */
export const MAX_CERTIFICATES = 256

/**
 * Takes concatenated DER certificates apart, as the Workload API sends chains and bundles (WLAPI-5.1-04: no PEM). That each is a
 * certificate is checked; what it says and who signed it is not.
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function decodeCertificates(octets: Uint8Array): readonly Uint8Array[] {
  const certificates: Uint8Array[] = []
  for (let at = 0; at < octets.length; ) {
    const length = derLength(octets.subarray(at))
    if (length === undefined || at + length > octets.length) throw malformed('certificates are not concatenated DER')
    if (certificates.length === MAX_CERTIFICATES) throw malformed('too many certificates')
    const certificate = octets.slice(at, at + length)
    parseCertificate(certificate)
    certificates.push(certificate)
    at += length
  }
  return certificates
}

/** The octets of the DER SEQUENCE that the input begins with, header included. */
function derLength(octets: Uint8Array): number | undefined {
  const [tag, first] = octets
  if (tag !== 0x30 || first === undefined) return undefined
  if (first < 0x80) return 2 + first
  const count = first & 0x7f
  if (count === 0 || count > 3 || octets.length < 2 + count) return undefined
  return octets.subarray(2, 2 + count).reduce((sum, octet) => sum * 256 + octet, 0) + 2 + count
}

/**
 * Checks that the first certificate of a chain is the leaf of an identity (WLAPI-5.1-02): no authority, and its one URI name is the
 * identifier.
 *
 * @returns the end of its validity in seconds since the epoch
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function checkLeaf(leaf: Uint8Array | undefined, identifier: WorkloadIdentifier): number {
  if (leaf === undefined) throw malformed('an empty certificate chain')
  const { ca, subjectAltName, validToDate } = parseCertificate(leaf)
  const uris = (subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:'))
  if (ca) throw malformed('the first certificate of a chain is an authority')
  if (uris.length !== 1 || uris[0] !== `URI:${identifier}`) throw malformed('the leaf certificate is of another identity')
  return Math.floor(validToDate.getTime() / 1000)
}

/**
 * Checks that a private key is unencrypted PKCS#8 in DER (WLAPI-5.1-03, WLAPI-5.1-04) and belongs to the certificate.
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function checkPrivateKey(privateKey: Uint8Array, leaf: Uint8Array | undefined): void {
  let fits: boolean
  try {
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' })
    fits = leaf !== undefined && parseCertificate(leaf).checkPrivateKey(key)
  } catch {
    // The reason is left out: it may quote the key.
    throw malformed('a private key is no unencrypted PKCS#8 in DER')
  }
  if (!fits) throw malformed('a private key does not fit its certificate')
}

function parseCertificate(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (cause) {
    throw malformed('something is no certificate', cause)
  }
}
