import { utf8 } from '@wimse/core'
import { DER } from '../der/read-der.ts'
import { der, derOid, derSequence, derSetOf, derUtf8 } from '../der/write-der.ts'

/** A distinguished name; each attribute at most once. An empty one is permitted for leaves. */
export interface DistinguishedName {
  readonly country?: string
  readonly organization?: string
  readonly commonName?: string
}

/** A Name in DER (RFC 5280 section 4.1.2.4). */
export function encodeName({ country, organization, commonName }: DistinguishedName): Uint8Array<ArrayBuffer> {
  const attributes: Uint8Array[] = []
  const add = (oid: string, value: Uint8Array): void => {
    attributes.push(derSetOf(derSequence(derOid(oid), value)))
  }
  if (country !== undefined) add('2.5.4.6', der(DER.printableString, utf8(country)))
  if (organization !== undefined) add('2.5.4.10', derUtf8(organization))
  if (commonName !== undefined) add('2.5.4.3', derUtf8(commonName))
  return derSequence(...attributes)
}
