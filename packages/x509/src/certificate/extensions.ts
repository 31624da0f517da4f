import { constructedContext, context, DER, type DerElement, fieldsOf, malformed, readDer, readDerList } from '../der/read-der.ts'
import { formatHex, formatOid, readBoolean, readNamedBits, readSmallInteger } from '../der/read-values.ts'
import { type GeneralName, readGeneralName, readGeneralNames } from './general-names.ts'

/** Object identifiers of the extensions that are understood, and of the purposes of extended key usage. */
export const OID = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/** Bits of the key usage extension (RFC 5280 section 4.2.1.3). */
export const KEY_USAGE = {
  digitalSignature: 1,
  nonRepudiation: 2,
  keyEncipherment: 4,
  dataEncipherment: 8,
  keyAgreement: 16,
  keyCertSign: 32,
  cRLSign: 64,
} as const

/** The extensions of a certificate that path validation looks at. */
export interface CertificateExtensions {
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength?: number }
  readonly keyUsage?: { readonly critical: boolean; readonly bits: number }
  /** Dotted object identifiers. */
  readonly extendedKeyUsage?: readonly string[]
  readonly subjectAltName?: { readonly critical: boolean; readonly names: readonly GeneralName[] }
  readonly nameConstraints?: { readonly permitted: readonly GeneralName[]; readonly excluded: readonly GeneralName[] }
  /** Hexadecimal. */
  readonly subjectKeyIdentifier?: string
  /** Hexadecimal. */
  readonly authorityKeyIdentifier?: string
  /** Dotted object identifiers of the critical extensions that are not understood here. */
  readonly unknownCritical: readonly string[]
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Reads the extensions of a certificate; one that occurs twice is refused (RFC 5280 section 4.2). @throws WimseError `ERR_X509_MALFORMED` */
export function readExtensions(list: DerElement): CertificateExtensions {
  const found: Writable<CertificateExtensions> = { unknownCritical: [] }
  const unknownCritical: string[] = []
  const seen = new Set<string>()
  for (const extension of readDerList(list.content, 64)) {
    if (extension.tag !== DER.sequence) return malformed('extension')
    const fields = fieldsOf(extension)
    const oid = formatOid(fields.next(DER.oid).content)
    const flag = fields.optional(DER.boolean)
    const critical = flag !== undefined && readBoolean(flag)
    const value = fields.next(DER.octetString).content
    fields.end()
    if (seen.has(oid)) return malformed('an extension occurs twice')
    seen.add(oid)
    if (!readKnown(found, oid, critical, value) && critical) unknownCritical.push(oid)
  }
  return { ...found, unknownCritical }
}

function readKnown(found: Writable<CertificateExtensions>, oid: string, critical: boolean, value: Uint8Array): boolean {
  switch (oid) {
    case OID.basicConstraints:
      found.basicConstraints = readBasicConstraints(value)
      return true
    case OID.keyUsage:
      found.keyUsage = { critical, bits: readNamedBits(readDer(value, DER.bitString)) }
      return true
    case OID.extendedKeyUsage:
      found.extendedKeyUsage = readPurposes(value)
      return true
    case OID.subjectAltName:
      found.subjectAltName = { critical, names: readGeneralNames(readDer(value, DER.sequence).content) }
      return true
    case OID.nameConstraints:
      found.nameConstraints = readNameConstraints(value)
      return true
    case OID.subjectKeyIdentifier:
      found.subjectKeyIdentifier = formatHex(readDer(value, DER.octetString).content)
      return true
    case OID.authorityKeyIdentifier: {
      const keyIdentifier = fieldsOf(readDer(value, DER.sequence)).optional(context(0))
      if (keyIdentifier !== undefined) found.authorityKeyIdentifier = formatHex(keyIdentifier.content)
      return true
    }
    default:
      return false
  }
}

function readBasicConstraints(value: Uint8Array): { readonly ca: boolean; readonly pathLength?: number } {
  const fields = fieldsOf(readDer(value, DER.sequence))
  const flag = fields.optional(DER.boolean)
  const length = fields.optional(DER.integer)
  fields.end()
  const ca = flag !== undefined && readBoolean(flag)
  if (length === undefined) return { ca }
  return ca ? { ca, pathLength: readSmallInteger(length) } : malformed('path length without cA')
}

function readPurposes(value: Uint8Array): readonly string[] {
  const purposes = readDerList(readDer(value, DER.sequence).content).map(({ tag, content }) =>
    tag === DER.oid ? formatOid(content) : malformed('extended key usage'),
  )
  return purposes.length > 0 ? purposes : malformed('extended key usage')
}

function readNameConstraints(value: Uint8Array): { readonly permitted: readonly GeneralName[]; readonly excluded: readonly GeneralName[] } {
  const fields = fieldsOf(readDer(value, DER.sequence))
  const permitted = fields.optional(constructedContext(0))
  const excluded = fields.optional(constructedContext(1))
  fields.end()
  if (permitted === undefined && excluded === undefined) return malformed('empty name constraints')
  return { permitted: readSubtrees(permitted), excluded: readSubtrees(excluded) }
}

function readSubtrees(element: DerElement | undefined): readonly GeneralName[] {
  if (element === undefined) return []
  return readDerList(element.content).map((subtree) => {
    if (subtree.tag !== DER.sequence) return malformed('name constraints')
    const fields = fieldsOf(subtree)
    const base = readGeneralName(fields.any())
    // minimum is 0, hence left out in DER, and maximum is absent (RFC 5280 section 4.2.1.10).
    fields.end()
    if (base.type === 'ip' && base.octets.length !== 8 && base.octets.length !== 32) return malformed('name constraints')
    return base
  })
}
