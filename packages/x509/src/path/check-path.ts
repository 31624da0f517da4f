import { isWimseError, parseTrustDomainIdentifier, sameOctets, type TrustDomain, WimseError } from '@wimse/core'
import { firstOf, type UnverifiedCertificate } from '../certificate/decode-certificate.ts'
import { KEY_USAGE, OID } from '../certificate/extensions.ts'
import { type CertificateProfile, uriNames } from '../certificate/leaf-identifier.ts'
import type { CandidatePath } from './find-paths.ts'
import { checkNameConstraints } from './name-constraints.ts'

/** The side of a connection that the holder of a certificate is on. */
export type CertificatePurpose = 'client' | 'server'

/** What a path is held to. */
export interface PathRules {
  readonly profile: CertificateProfile
  readonly purpose: CertificatePurpose
  readonly trustDomain: TrustDomain
  /** Seconds since the epoch. */
  readonly at: number
  readonly clockToleranceSeconds: number
  readonly allowForeignSigningIdentifiers: boolean
}

/**
 * Checks everything about a path but its signatures, in this order: validity and critical extensions of each certificate, leaf first;
 * the leaf; the authorities, upwards; name constraints. The anchor is held to the same rules as the authorities below it.
 *
 * @throws WimseError of the family `ERR_X509_`
 */
export function checkPath(path: CandidatePath, rules: PathRules): void {
  for (const certificate of path) checkCertificate(certificate, rules)
  checkLeaf(firstOf(path), rules)
  // Authorities that are not self-issued count against the path length of those above them (RFC 5280 section 6.1.4 (l)).
  let authorities = 0
  path.slice(1).forEach((authority, index) => {
    checkAuthority(authority, authorities, index === 0, rules)
    if (!sameOctets(authority.subject, authority.issuer)) authorities += 1
  })
  path.forEach((authority, index) => {
    for (const certificate of path.slice(0, index)) checkNameConstraints(certificate, authority)
  })
}

/** XSVID-5.1-01, MTLS-3.2-02: validity at the given time, nothing critical that isn't understood. */
function checkCertificate(certificate: UnverifiedCertificate, { at, clockToleranceSeconds, profile }: PathRules): void {
  if (at + clockToleranceSeconds < certificate.notBefore) throw new WimseError('ERR_X509_NOT_YET_VALID')
  // The last second counts (RFC 5280 section 4.1.2.5).
  if (Math.floor(at - clockToleranceSeconds) > certificate.notAfter) throw new WimseError('ERR_X509_EXPIRED')
  const { unknownCritical, keyUsage } = certificate.extensions
  if (unknownCritical.length > 0) throw new WimseError('ERR_X509_CRITICAL_EXTENSION', { detail: unknownCritical.join(' ') })
  // XSVID-4.3-01, XSVID-4.3-02: present in every certificate, and critical.
  if (profile === 'x509-svid' && keyUsage?.critical !== true) throw new WimseError('ERR_X509_KEY_USAGE')
}

function checkLeaf(leaf: UnverifiedCertificate, { profile, purpose }: PathRules): void {
  const { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName } = leaf.extensions
  // XSVID-3.1-04
  if (!leaf.hasSubject && subjectAltName?.critical !== true) throw new WimseError('ERR_X509_SAN_NOT_CRITICAL')
  // XSVID-3.1-01, XSVID-3.2-05, XSVID-4.1-03, XSVID-5.2-02, XSVID-A-02
  if (basicConstraints?.ca === true) throw new WimseError('ERR_X509_LEAF_CA')
  const bits = keyUsage?.bits ?? 0
  // XSVID-4.3-07, XSVID-4.3-08, XSVID-5.2-03, XSVID-5.2-04, XSVID-A-05
  if ((bits & (KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign)) !== 0) throw new WimseError('ERR_X509_LEAF_KEY_USAGE', { detail: 'signs' })
  // XSVID-4.3-05, XSVID-A-09
  if ((bits & KEY_USAGE.digitalSignature) === 0) throw new WimseError('ERR_X509_LEAF_KEY_USAGE', { detail: 'digitalSignature' })
  if (extendedKeyUsage === undefined) return
  // XSVID-4.4-03 asks for both; MTLS-5-02, MTLS-3.2-05 and MTLS-3.2-06 for the one of the role.
  const wanted = profile === 'x509-svid' ? [OID.serverAuth, OID.clientAuth] : [oidOf(purpose)]
  if (!wanted.every((oid) => extendedKeyUsage.includes(oid))) throw new WimseError('ERR_X509_EXTENDED_KEY_USAGE')
}

function checkAuthority(authority: UnverifiedCertificate, below: number, issuesLeaf: boolean, rules: PathRules): void {
  const { basicConstraints, keyUsage, extendedKeyUsage } = authority.extensions
  // XSVID-4.1-02
  if (basicConstraints?.ca !== true) throw new WimseError('ERR_X509_CA_REQUIRED')
  // XSVID-4.3-03
  if (((keyUsage?.bits ?? 0) & KEY_USAGE.keyCertSign) === 0) throw new WimseError('ERR_X509_CA_KEY_USAGE')
  // XSVID-4.1-01
  if (basicConstraints.pathLength !== undefined && below > basicConstraints.pathLength) throw new WimseError('ERR_X509_PATH_LENGTH')
  // XSVID-4.4-04: an authority with purposes lends no other one to what it issues.
  if (
    extendedKeyUsage !== undefined &&
    !extendedKeyUsage.includes(OID.anyExtendedKeyUsage) &&
    !extendedKeyUsage.includes(oidOf(rules.purpose))
  ) {
    throw new WimseError('ERR_X509_EXTENDED_KEY_USAGE', { detail: 'of an authority' })
  }
  checkSigningIdentifier(authority, issuesLeaf, rules)
}

/**
 * The name of a signing certificate, if it has one: at most one URI (XSVID-2-03), without a path (XSVID-3.2-02), of the trust domain of
 * the leaf (XSVID-3.2-03, CRED-9.3-02); XSVID-3.2-04 lets others stand further up, which is an option.
 */
function checkSigningIdentifier(authority: UnverifiedCertificate, issuesLeaf: boolean, rules: PathRules): void {
  const uris = uriNames(authority)
  const identifiers = rules.profile === 'x509-svid' ? uris : uris.filter((uri) => /^(?:spiffe|wimse):\/\//i.test(uri))
  const [identifier, ...others] = identifiers
  if (identifier === undefined) return
  if (others.length > 0) throw new WimseError('ERR_X509_URI_SAN_COUNT', { detail: 'of an authority' })
  const trustDomain = signingTrustDomain(identifier)
  if (trustDomain !== rules.trustDomain && (issuesLeaf || !rules.allowForeignSigningIdentifiers)) {
    throw new WimseError('ERR_X509_TRUST_DOMAIN')
  }
}

function signingTrustDomain(identifier: string): TrustDomain {
  if (/^[a-z]+:\/\/[^/]*\//.test(identifier)) throw new WimseError('ERR_X509_CA_PATH')
  try {
    return parseTrustDomainIdentifier(identifier)
  } catch (error) {
    throw isWimseError(error) ? new WimseError('ERR_X509_IDENTIFIER', { detail: 'of an authority', cause: error }) : error
  }
}

function oidOf(purpose: CertificatePurpose): string {
  return purpose === 'client' ? OID.clientAuth : OID.serverAuth
}
