import type { Runtime } from '@wimse/core'
import { readExtensions } from '../certificate/extensions.ts'
import { formatIpAddress } from '../certificate/general-names.ts'
import { algorithmIdentifier, certificateSignature, signedStructure } from '../certificate/signature-algorithm.ts'
import { constructedContext, DER, type DerElement, fieldsOf, malformed, readDer, readDerList } from '../der/read-der.ts'
import { formatOid, readOctetsOfBitString, readSmallInteger } from '../der/read-values.ts'
import { der, derInteger, derOid, derSequence, derSetOf } from '../der/write-der.ts'
import type { CertificateKey } from '../key/certificate-key.ts'
import { verifySignature } from '../path/verify-signature.ts'
import { encodeExtensions, type SubjectNames, subjectAltName } from './encode-extensions.ts'
import { type DistinguishedName, encodeName } from './encode-name.ts'

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'

/** What a certificate request asks for; its signature shows that the sender has the private key. */
export interface VerifiedCertificateRequest extends Required<SubjectNames> {
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
}

/** Makes a PKCS#10 certificate request in DER (RFC 2986), with the names that it asks for, if any. */
export async function createCertificateRequest(
  key: CertificateKey,
  { subject = {}, ...names }: SubjectNames & { readonly subject?: DistinguishedName } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const hasNames = Object.values(names).some((list) => (list?.length ?? 0) > 0)
  const attribute = (): Uint8Array => derSequence(derOid(EXTENSION_REQUEST), derSetOf(encodeExtensions([subjectAltName(names, false)])))
  const content = derSequence(
    derInteger(0),
    encodeName(subject),
    key.publicKey,
    der(constructedContext(0), ...(hasNames ? [attribute()] : [])),
  )
  return signedStructure(content, algorithmIdentifier(key.algorithm), certificateSignature(key.algorithm, await key.sign(content)))
}

/**
 * Verifies a PKCS#10 certificate request: well-formed, of a known kind of key, signed by that key. The names are what the sender
 * asks for, nothing more.
 *
 * @throws WimseError `ERR_X509_MALFORMED`, `ERR_X509_ALGORITHM`, `ERR_X509_SIGNATURE`
 */
export async function verifyCertificateRequest(
  request: Uint8Array,
  { crypto }: Pick<Runtime, 'crypto'>,
): Promise<VerifiedCertificateRequest> {
  if (!(request instanceof Uint8Array) || request.length > 16_384) return malformed('too long')
  const outer = fieldsOf(readDer(request, DER.sequence))
  const content = outer.next(DER.sequence)
  const identifier = outer.next(DER.sequence).raw
  const signature = readOctetsOfBitString(outer.next(DER.bitString))
  outer.end()
  const fields = fieldsOf(content)
  if (readSmallInteger(fields.next(DER.integer)) !== 0) return malformed('version of the request')
  fields.next(DER.sequence)
  const publicKey = fields.next(DER.sequence).raw.slice()
  const attributes = fields.optional(constructedContext(0))
  fields.end()
  const names = readRequestedNames(attributes)
  await verifySignature({ signedContent: content.raw, signatureAlgorithm: identifier, signature }, { publicKey }, crypto)
  return { publicKey, ...names }
}

function readRequestedNames(attributes: DerElement | undefined): Required<SubjectNames> {
  const lists = readDerList(attributes?.content ?? new Uint8Array(), 32).flatMap((attribute) => {
    const fields = fieldsOf(attribute)
    const oid = formatOid(fields.next(DER.oid).content)
    const values = readDerList(fields.next(DER.set).content, 32)
    return oid === EXTENSION_REQUEST ? values : []
  })
  const [extensions, ...others] = lists
  if (others.length > 0) return malformed('several extension requests')
  const names = extensions === undefined ? [] : (readExtensions(extensions).subjectAltName?.names ?? [])
  return {
    uris: names.filter(({ type }) => type === 'uri').map(({ text }) => text),
    dnsNames: names.filter(({ type }) => type === 'dns').map(({ text }) => text),
    ipAddresses: names.filter(({ type }) => type === 'ip').map(({ octets }) => formatIpAddress(octets)),
  }
}
