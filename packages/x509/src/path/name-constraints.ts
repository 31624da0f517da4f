import { WimseError } from '@wimse/core'
import type { UnverifiedCertificate } from '../certificate/decode-certificate.ts'
import type { GeneralName } from '../certificate/general-names.ts'

/**
 * Checks the names of a certificate against the constraints of one above it (RFC 5280 section 4.2.1.10, XSVID-4.2-01): URI names by the
 * host, which is the trust domain; DNS and IP names by their own rules. A constraint says nothing about names of other types
 * (XSVID-4.2-03). A name of a type that is constrained in a way that isn't understood here (directory, e-mail, others) is refused.
 *
 * @throws WimseError `ERR_X509_NAME_CONSTRAINTS`
 */
export function checkNameConstraints(certificate: UnverifiedCertificate, issuer: UnverifiedCertificate): void {
  const { nameConstraints } = issuer.extensions
  if (nameConstraints === undefined) return
  const { permitted, excluded } = nameConstraints
  if (certificate.hasSubject && [...permitted, ...excluded].some(({ type }) => type === 'directory')) refuse('directory')
  for (const name of certificate.extensions.subjectAltName?.names ?? []) {
    const allowed = permitted.filter(({ type }) => type === name.type)
    if (allowed.length > 0 && !allowed.some((base) => isWithin(name, base, false))) refuse(name.type)
    if (excluded.some((base) => base.type === name.type && isWithin(name, base, true))) refuse(name.type)
  }
}

function refuse(type: string): never {
  throw new WimseError('ERR_X509_NAME_CONSTRAINTS', { detail: `name of type ${type}` })
}

/** `unknown` is the answer where the rule for the type isn't known: it has to be the one that refuses. */
function isWithin(name: GeneralName, base: GeneralName, unknown: boolean): boolean {
  if (name.type === 'uri') return isHostWithin(hostOfUri(name.text), base.text, unknown)
  if (name.type === 'dns') return isDnsWithin(name.text.toLowerCase(), base.text.toLowerCase())
  if (name.type === 'ip') return isAddressWithin(name.octets, base.octets)
  return unknown
}

/** The host of a URI with an authority; `undefined` for other URIs, which no host constraint admits. */
function hostOfUri(uri: string): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:[\]]+)(?::\d*)?(?:[/?#]|$)/i.exec(uri)?.[1]
  return authority?.toLowerCase()
}

/** RFC 5280: a host is itself alone, a domain that starts with a dot is what has one or more labels before it. */
function isHostWithin(host: string | undefined, constraint: string, unknown: boolean): boolean {
  if (host === undefined || constraint === '') return unknown
  const base = constraint.toLowerCase()
  return base.startsWith('.') ? host.length > base.length && host.endsWith(base) : host === base
}

/** DNS names: the base itself and everything below it. */
function isDnsWithin(name: string, constraint: string): boolean {
  const base = constraint.startsWith('.') ? constraint.slice(1) : constraint
  return base === '' || name.endsWith(`.${base}`) || (name === base && !constraint.startsWith('.'))
}

/** Addresses: network and mask of the same family. */
function isAddressWithin(address: Uint8Array, range: Uint8Array): boolean {
  if (range.length !== address.length * 2) return false
  return address.every((octet, index) => {
    const mask = range[address.length + index] ?? 0
    return (octet & mask) === ((range[index] ?? 0) & mask)
  })
}
