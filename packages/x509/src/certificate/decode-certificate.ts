import { WimseError, type WorkloadIdentifier } from '@wimse/core'
import { constructedContext, DER, type DerElement, fieldsOf, malformed, readDer } from '../der/read-der.ts'
import { formatHex, readOctetsOfBitString, readSmallInteger, readTime, readUnsigned } from '../der/read-values.ts'
import { type CertificateExtensions, readExtensions } from './extensions.ts'
import { leafIdentifier } from './leaf-identifier.ts'

/** A certificate taken apart. Nothing in it has been verified: it may serve diagnosis and the search for a path, never a decision. */
export interface UnverifiedCertificate {
  /** A copy of the input. */
  readonly der: Uint8Array
  /** The octets that the signature is over. */
  readonly signedContent: Uint8Array
  /** AlgorithmIdentifier in DER. */
  readonly signatureAlgorithm: Uint8Array
  readonly signature: Uint8Array
  /** Hexadecimal. */
  readonly serialNumber: string
  /** Name in DER. */
  readonly issuer: Uint8Array
  /** Name in DER; `hasSubject` tells whether anything is in it. */
  readonly subject: Uint8Array
  readonly hasSubject: boolean
  /** Seconds since the epoch. */
  readonly notBefore: number
  /** Seconds since the epoch; still valid in that second. */
  readonly notAfter: number
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  readonly extensions: CertificateExtensions
}

/** Octets of one certificate that are read unless told otherwise. */
export const DEFAULT_MAX_CERTIFICATE_BYTES = 16_384

/**
 * Takes an X.509 certificate apart: strict DER (CRED-6.1-01), version 3, the two signature algorithms the same, extensions known
 * and well-formed or of another kind, none twice. Nothing is verified.
 *
 * @param der one certificate in DER, nothing after it
 * @throws WimseError `ERR_X509_MALFORMED`
 * @see RFC 5280 section 4.1
 */
export function decodeUnverifiedCertificate(der: Uint8Array, maxBytes: number = DEFAULT_MAX_CERTIFICATE_BYTES): UnverifiedCertificate {
  if (!(der instanceof Uint8Array)) return malformed('not octets')
  if (der.length > maxBytes) return malformed('too long')
  const copy = new Uint8Array(der)
  const outer = fieldsOf(readDer(copy, DER.sequence))
  const content = outer.next(DER.sequence)
  const signatureAlgorithm = outer.next(DER.sequence).raw
  const signature = readOctetsOfBitString(outer.next(DER.bitString))
  outer.end()
  return { ...decodeContent(content, signatureAlgorithm), der: copy, signature }
}

function decodeContent(element: DerElement, outerAlgorithm: Uint8Array): Omit<UnverifiedCertificate, 'der' | 'signature'> {
  const fields = fieldsOf(element)
  const version = fields.optional(constructedContext(0))
  if (version === undefined || readSmallInteger(readDer(version.content, DER.integer)) !== 2) return malformed('not version 3')
  const serial = fields.next(DER.integer)
  if (serial.content.length > 21) return malformed('serial number')
  const serialNumber = formatHex(readUnsigned(serial))
  const algorithm = fields.next(DER.sequence).raw
  // RFC 5280 section 4.1.1.2: an algorithm outside of what is signed proves nothing.
  if (formatHex(algorithm) !== formatHex(outerAlgorithm)) return malformed('two signature algorithms')
  const issuer = fields.next(DER.sequence).raw
  const validity = fieldsOf(fields.next(DER.sequence))
  const notBefore = readTime(validity.any())
  const notAfter = readTime(validity.any())
  validity.end()
  const subject = fields.next(DER.sequence)
  const publicKey = fields.next(DER.sequence).raw
  const tagged = fields.optional(constructedContext(3))
  fields.end()
  const extensions: CertificateExtensions =
    tagged === undefined ? { unknownCritical: [] } : readExtensions(readDer(tagged.content, DER.sequence))
  return {
    signedContent: element.raw,
    signatureAlgorithm: algorithm,
    serialNumber,
    issuer,
    subject: subject.raw,
    hasSubject: subject.content.length > 0,
    notBefore,
    notAfter,
    publicKey,
    extensions,
  }
}

/**
 * The identifier that a certificate claims, for diagnosis and for the choice of what to ask next. Anyone can write any name into a
 * certificate: only `verifyX509Svid` says who someone is.
 *
 * @throws WimseError `ERR_X509_MALFORMED`, `ERR_X509_URI_SAN_COUNT`, `ERR_X509_IDENTIFIER`
 */
export function decodeUnverifiedIdentifier(der: Uint8Array): WorkloadIdentifier {
  return leafIdentifier(decodeUnverifiedCertificate(der), 'wic')
}

/** The SubjectPublicKeyInfo of a certificate, in DER. @throws WimseError `ERR_X509_MALFORMED` */
export function spkiOf(der: Uint8Array): Uint8Array {
  return decodeUnverifiedCertificate(der).publicKey
}

/** The first certificate of a chain. @throws WimseError `ERR_X509_MALFORMED` */
export function firstOf(chain: readonly UnverifiedCertificate[]): UnverifiedCertificate {
  const [first] = chain
  if (first === undefined) throw new WimseError('ERR_X509_MALFORMED', { detail: 'no certificate' })
  return first
}
