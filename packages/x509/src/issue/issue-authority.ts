import type { Runtime, TrustDomain } from '@wimse/core'
import { decodeUnverifiedCertificate } from '../certificate/decode-certificate.ts'
import { parseHex } from '../der/read-values.ts'
import type { CertificateKey } from '../key/certificate-key.ts'
import { encodeCertificate, keyIdentifierOf } from './encode-certificate.ts'
import {
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateExtension,
  keyUsage,
  nameConstraints,
  type SubjectNames,
  subjectAltName,
  subjectKeyIdentifier,
} from './encode-extensions.ts'
import { type DistinguishedName, encodeName } from './encode-name.ts'

/** An authority: its certificate and the key that signs with it. */
export interface CertificateAuthority {
  /** In DER. */
  readonly certificate: Uint8Array
  readonly key: CertificateKey
  /** What a leaf of it has to be shown with, in DER: empty for a root, itself and those between it and the root otherwise. */
  readonly intermediates: readonly Uint8Array[]
}

/** Options of {@link issueAuthority}. */
export interface IssueAuthorityOptions {
  /** The authority's own key. */
  readonly key: CertificateKey
  /** Signs its own certificate unless told. */
  readonly issuer?: CertificateAuthority
  /** Becomes its SPIFFE ID, without a path (XSVID-3.2-01, XSVID-3.2-02). None for an authority of Web PKI kind. */
  readonly trustDomain?: TrustDomain
  readonly subject: DistinguishedName
  /** Seconds since the epoch. */
  readonly notBefore: number
  /** Seconds since the epoch. */
  readonly notAfter: number
  readonly pathLength?: number
  readonly permitted?: SubjectNames
  readonly excluded?: SubjectNames
  readonly runtime: Pick<Runtime, 'crypto' | 'randomBytes'>
}

/**
 * Issues a signing certificate, self-signed or below another one: `cA` (XSVID-4.1-02), critical key usage with `keyCertSign` and
 * `cRLSign` (XSVID-4.3-01, XSVID-4.3-02, XSVID-4.3-03, XSVID-4.3-04), key identifiers.
 *
 * @throws WimseError `ERR_X509_MALFORMED`, `ERR_OPTIONS_INVALID`
 */
export async function issueAuthority(options: IssueAuthorityOptions): Promise<CertificateAuthority> {
  const { key, issuer, trustDomain, permitted, excluded, runtime } = options
  const subject = encodeName(options.subject)
  const extensions: CertificateExtension[] = [
    basicConstraints(true, options.pathLength),
    keyUsage(['keyCertSign', 'cRLSign']),
    subjectKeyIdentifier(await keyIdentifierOf(key.publicKey, runtime)),
  ]
  if (issuer !== undefined) extensions.push(...issuerExtensions(issuer))
  if (trustDomain !== undefined) extensions.push(subjectAltName({ uris: [`spiffe://${trustDomain}`] }, false))
  if (permitted !== undefined || excluded !== undefined) {
    extensions.push(nameConstraints({ ...(permitted && { permitted }), ...(excluded && { excluded }) }))
  }
  const fields = {
    issuer: issuer === undefined ? subject : decodeUnverifiedCertificate(issuer.certificate).subject,
    subject,
    notBefore: options.notBefore,
    notAfter: options.notAfter,
    publicKey: key.publicKey,
    extensions,
  }
  const certificate = await encodeCertificate(fields, issuer?.key ?? key, runtime)
  return { certificate, key, intermediates: issuer === undefined ? [] : [certificate, ...issuer.intermediates] }
}

/** The extension that points from a certificate to the key of its issuer. */
export function issuerExtensions(issuer: CertificateAuthority): readonly CertificateExtension[] {
  const identifier = decodeUnverifiedCertificate(issuer.certificate).extensions.subjectKeyIdentifier
  return identifier === undefined ? [] : [authorityKeyIdentifier(parseHex(identifier))]
}
