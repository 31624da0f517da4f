import { type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { decodeUnverifiedCertificate } from '../certificate/decode-certificate.ts'
import { jwkOfSpki } from '../key/public-key-info.ts'
import { encodeCertificate, keyIdentifierOf } from './encode-certificate.ts'
import {
  basicConstraints,
  type ExtendedKeyUsageName,
  extendedKeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './encode-extensions.ts'
import { type DistinguishedName, encodeName } from './encode-name.ts'
import { type CertificateAuthority, issuerExtensions } from './issue-authority.ts'

/** Options of {@link issueCertificate}. */
export interface IssueCertificateOptions {
  readonly issuer: CertificateAuthority
  /** SubjectPublicKeyInfo of the holder in DER; the private key never comes here (MTLS-5-13). */
  readonly publicKey: Uint8Array
  /** The one URI name. None for a certificate of Web PKI kind, which then needs a DNS name or an address. */
  readonly identifier?: WorkloadIdentifier
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Empty unless told; the names are then critical (XSVID-3.1-04). */
  readonly subject?: DistinguishedName
  /** Seconds since the epoch. */
  readonly notBefore: number
  /** Seconds since the epoch; not after the issuer's end. */
  readonly notAfter: number
  /** Both unless told (XSVID-4.4-01, XSVID-4.4-03, MTLS-3.2-07). */
  readonly purposes?: readonly ExtendedKeyUsageName[]
  readonly runtime: Pick<Runtime, 'crypto' | 'randomBytes'>
}

/** A certificate that was issued. */
export interface IssuedCertificate {
  /** In DER. */
  readonly certificate: Uint8Array
  /** What the holder shows: the certificate and the intermediates, leaf first, without the root. */
  readonly chain: readonly Uint8Array[]
}

/**
 * Issues a leaf certificate: one URI name (XSVID-2-02, CRED-6.1-02), other names as asked (XSVID-2-04, CRED-6.1-04), `cA` false
 * (XSVID-4.1-03), critical key usage with `digitalSignature` and neither `keyCertSign` nor `cRLSign` (XSVID-4.3-05, XSVID-4.3-07,
 * XSVID-4.3-08).
 *
 * Not checked: that the holder has the private key (`verifyCertificateRequest` does), or that the issuer may speak for the
 * identifier's trust domain.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_X509_MALFORMED`, `ERR_X509_ALGORITHM`
 */
export async function issueCertificate(options: IssueCertificateOptions): Promise<IssuedCertificate> {
  const { issuer, publicKey, identifier, dnsNames = [], ipAddresses = [], runtime } = options
  jwkOfSpki(publicKey)
  const authority = decodeUnverifiedCertificate(issuer.certificate)
  if (identifier === undefined && dnsNames.length + ipAddresses.length === 0) invalid('a certificate without a name')
  if (options.notAfter > authority.notAfter) invalid('a certificate that outlives its issuer')
  if (options.notAfter < options.notBefore) invalid('a certificate that is never valid')
  const names = { uris: identifier === undefined ? [] : [identifier], dnsNames, ipAddresses }
  const fields = {
    issuer: authority.subject,
    subject: encodeName(options.subject ?? {}),
    notBefore: options.notBefore,
    notAfter: options.notAfter,
    publicKey,
    extensions: [
      basicConstraints(false),
      keyUsage(['digitalSignature']),
      extendedKeyUsage(options.purposes ?? ['serverAuth', 'clientAuth']),
      subjectKeyIdentifier(await keyIdentifierOf(publicKey, runtime)),
      ...issuerExtensions(issuer),
      subjectAltName(names, options.subject === undefined || Object.keys(options.subject).length === 0),
    ],
  }
  const certificate = await encodeCertificate(fields, issuer.key, runtime)
  return { certificate, chain: [certificate, ...issuer.intermediates] }
}

function invalid(detail: string): never {
  throw new WimseError('ERR_OPTIONS_INVALID', { detail })
}
