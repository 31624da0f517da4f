import { isWimseError, type Runtime, type WorkloadIdentifier } from '@wimse/core'
import { decodeUnverifiedCertificate, decodeUnverifiedIdentifier, importCertificateKey, splitDer } from '@wimse/x509'
import { malformed } from '../connection/call-errors.ts'
import { inResponse } from './identities.ts'

/**
 * Takes concatenated DER certificates apart, as the Workload API sends chains and bundles (WLAPI-5.1-04: no PEM). That each is a
 * certificate is checked; what it says and who signed it is not.
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function decodeCertificates(octets: Uint8Array): readonly Uint8Array[] {
  return inResponse('certificates', () => splitDer(octets).map((der) => decodeUnverifiedCertificate(der).der))
}

/**
 * Checks that the first certificate of a chain is the leaf of an identity (WLAPI-5.1-02): no authority, and its one URI name is the
 * identifier.
 *
 * @returns the end of its validity in seconds since the epoch
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function checkLeaf(leaf: Uint8Array, identifier: WorkloadIdentifier): number {
  return inResponse('the leaf certificate', () => {
    const { notAfter, extensions } = decodeUnverifiedCertificate(leaf)
    if (extensions.basicConstraints?.ca === true) throw malformed('the first certificate of a chain is an authority')
    if (decodeUnverifiedIdentifier(leaf) !== identifier) throw malformed('the leaf certificate is of another identity')
    return notAfter
  })
}

/**
 * Checks that a private key is unencrypted PKCS#8 in DER (WLAPI-5.1-03, WLAPI-5.1-04) and belongs to the certificate.
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export async function checkPrivateKey(privateKey: Uint8Array, leaf: Uint8Array, runtime: Runtime): Promise<void> {
  const { publicKey } = inResponse('the leaf certificate', () => decodeUnverifiedCertificate(leaf))
  try {
    await importCertificateKey(privateKey, { publicKey, runtime })
  } catch (error) {
    // The cause is left out: it is about a private key.
    if (isWimseError(error)) throw malformed(`a private key: ${error.code}`)
    throw error
  }
}
