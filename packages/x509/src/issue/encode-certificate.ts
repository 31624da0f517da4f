import type { Runtime } from '@wimse/core'
import { algorithmIdentifier, certificateSignature, signedStructure } from '../certificate/signature-algorithm.ts'
import { constructedContext } from '../der/read-der.ts'
import { der, derInteger, derSequence, derTime, derUnsigned } from '../der/write-der.ts'
import type { CertificateKey } from '../key/certificate-key.ts'
import { type CertificateExtension, encodeExtensions } from './encode-extensions.ts'

/** The content of a certificate, as it will be written. */
export interface CertificateFields {
  /** Name in DER. */
  readonly issuer: Uint8Array
  /** Name in DER. */
  readonly subject: Uint8Array
  /** Seconds since the epoch. */
  readonly notBefore: number
  /** Seconds since the epoch. */
  readonly notAfter: number
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  readonly extensions: readonly CertificateExtension[]
}

/**
 * Writes and signs a certificate of version 3 with a random serial number of 128 bits. Nothing is checked: certificates that no
 * verifier should accept, as tests need them, can be made. Use `issueCertificate` and `issueAuthority` for all others.
 *
 * @see RFC 5280 section 4.1
 */
export async function encodeCertificate(
  fields: CertificateFields,
  key: CertificateKey,
  runtime: Pick<Runtime, 'randomBytes'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const identifier = algorithmIdentifier(key.algorithm)
  const content = derSequence(
    der(constructedContext(0), derInteger(2)),
    derUnsigned(runtime.randomBytes(16)),
    identifier,
    fields.issuer,
    derSequence(derTime(fields.notBefore), derTime(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    ...(fields.extensions.length === 0 ? [] : [der(constructedContext(3), encodeExtensions(fields.extensions))]),
  )
  return signedStructure(content, identifier, certificateSignature(key.algorithm, await key.sign(content)))
}

/** A key identifier: the first 160 bits of the SHA-256 of the public key (RFC 7093 section 2, method 1, over SubjectPublicKeyInfo as in method 4). */
export async function keyIdentifierOf(publicKey: Uint8Array, { crypto }: Pick<Runtime, 'crypto'>): Promise<Uint8Array> {
  return (await crypto.digest('sha-256', publicKey)).slice(0, 20)
}
