import { utf8, WimseError } from '@wimse/core'
import { KEY_USAGE, OID } from '../certificate/extensions.ts'
import { parseIpAddress } from '../certificate/general-names.ts'
import { constructedContext, context } from '../der/read-der.ts'
import { der, derBoolean, derInteger, derNamedBits, derOctetString, derOid, derSequence } from '../der/write-der.ts'

/** An extension as it is written: `value` is the DER inside of the OCTET STRING. */
export interface CertificateExtension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
}

/** Uses of a key, as the key usage extension names them. */
export type KeyUsageName = keyof typeof KEY_USAGE

/** Purposes of extended key usage. */
export type ExtendedKeyUsageName = 'serverAuth' | 'clientAuth'

/** Names of the subject alternative name extension. IP addresses in text form. */
export interface SubjectNames {
  readonly uris?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
}

/** Basic constraints (RFC 5280 section 4.2.1.9). */
export function basicConstraints(ca: boolean, pathLength?: number, critical = true): CertificateExtension {
  const fields = ca ? [derBoolean(true), ...(pathLength === undefined ? [] : [derInteger(pathLength)])] : []
  return { oid: OID.basicConstraints, critical, value: derSequence(...fields) }
}

/** Key usage (RFC 5280 section 4.2.1.3). */
export function keyUsage(names: readonly KeyUsageName[], critical = true): CertificateExtension {
  const bits = names.reduce((sum, name) => sum | KEY_USAGE[name], 0)
  return { oid: OID.keyUsage, critical, value: derNamedBits(bits) }
}

/** Extended key usage (RFC 5280 section 4.2.1.12). */
export function extendedKeyUsage(names: readonly ExtendedKeyUsageName[], critical = false): CertificateExtension {
  return { oid: OID.extendedKeyUsage, critical, value: derSequence(...names.map((name) => derOid(OID[name]))) }
}

/** Subject alternative name (RFC 5280 section 4.2.1.6). @throws WimseError `ERR_OPTIONS_INVALID` for what is no IP address */
export function subjectAltName({ uris = [], dnsNames = [], ipAddresses = [] }: SubjectNames, critical: boolean): CertificateExtension {
  const names = [
    ...uris.map((uri) => der(context(6), utf8(uri))),
    ...dnsNames.map((name) => der(context(2), utf8(name))),
    ...ipAddresses.map((address) => der(context(7), addressOctets(address))),
  ]
  return { oid: OID.subjectAltName, critical, value: derSequence(...names) }
}

function addressOctets(address: string): Uint8Array {
  const octets = parseIpAddress(address)
  if (octets === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'IP address' })
  return octets
}

/** Name constraints on URIs and DNS names (RFC 5280 section 4.2.1.10). */
export function nameConstraints(
  { permitted = {}, excluded = {} }: { readonly permitted?: SubjectNames; readonly excluded?: SubjectNames },
  critical = true,
): CertificateExtension {
  const subtrees = ({ uris = [], dnsNames = [] }: SubjectNames): Uint8Array[] => [
    ...uris.map((base) => derSequence(der(context(6), utf8(base)))),
    ...dnsNames.map((base) => derSequence(der(context(2), utf8(base)))),
  ]
  const parts = [permitted, excluded].flatMap((names, index) => {
    const trees = subtrees(names)
    return trees.length === 0 ? [] : [der(constructedContext(index), ...trees)]
  })
  return { oid: OID.nameConstraints, critical, value: derSequence(...parts) }
}

/** Subject key identifier (RFC 5280 section 4.2.1.2). */
export function subjectKeyIdentifier(identifier: Uint8Array): CertificateExtension {
  return { oid: OID.subjectKeyIdentifier, critical: false, value: derOctetString(identifier) }
}

/** Authority key identifier (RFC 5280 section 4.2.1.1). */
export function authorityKeyIdentifier(identifier: Uint8Array): CertificateExtension {
  return { oid: OID.authorityKeyIdentifier, critical: false, value: derSequence(der(context(0), identifier)) }
}

/** Extensions in DER. */
export function encodeExtensions(extensions: readonly CertificateExtension[]): Uint8Array<ArrayBuffer> {
  return derSequence(
    ...extensions.map(({ oid, critical, value }) =>
      derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value)),
    ),
  )
}
