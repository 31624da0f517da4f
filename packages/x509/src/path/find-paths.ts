import { sameOctets, WimseError } from '@wimse/core'
import { firstOf, type UnverifiedCertificate } from '../certificate/decode-certificate.ts'

/** Candidate paths that are tried, and steps of the search, at most: what a peer sends may not buy unbounded work. */
const MAX_PATHS = 8
const MAX_STEPS = 64

/** A candidate: leaf first, anchor last. Its names and key identifiers fit; no signature has been verified. */
export type CandidatePath = readonly UnverifiedCertificate[]

/**
 * Finds the paths from a leaf to the anchors by names and key identifiers (RFC 5280 section 6.1): each certificate's issuer is the next
 * one's subject. The order of what the peer sent doesn't matter, no certificate occurs twice in a path, certificates that are not
 * needed are left out.
 *
 * @param chain what the peer sent, leaf first
 * @param maxDepth certificates in a path, leaf and anchor included
 * @throws WimseError `ERR_X509_NO_PATH`, `ERR_X509_DEPTH`
 */
export function findPaths(
  chain: readonly UnverifiedCertificate[],
  anchors: readonly UnverifiedCertificate[],
  maxDepth: number,
): readonly CandidatePath[] {
  const sent = chain.slice(1).filter((certificate) => !anchors.some((anchor) => sameOctets(anchor.der, certificate.der)))
  const paths: CandidatePath[] = []
  let steps = 0
  let tooDeep = false
  const extend = (path: CandidatePath, last: UnverifiedCertificate): void => {
    for (const anchor of anchors) {
      if (!isIssuer(anchor, last) || paths.length >= MAX_PATHS) continue
      if (path.length < maxDepth) paths.push([...path, anchor])
      else tooDeep = true
    }
    for (const next of sent) {
      if (path.includes(next) || !isIssuer(next, last) || paths.length >= MAX_PATHS || steps >= MAX_STEPS) continue
      steps += 1
      if (path.length + 1 < maxDepth) extend([...path, next], next)
      else tooDeep = true
    }
  }
  const leaf = firstOf(chain)
  extend([leaf], leaf)
  if (paths.length === 0) throw new WimseError(tooDeep ? 'ERR_X509_DEPTH' : 'ERR_X509_NO_PATH')
  return paths
}

function isIssuer(issuer: UnverifiedCertificate, subject: UnverifiedCertificate): boolean {
  const wanted = subject.extensions.authorityKeyIdentifier
  const offered = issuer.extensions.subjectKeyIdentifier
  if (wanted !== undefined && offered !== undefined && wanted !== offered) return false
  return sameOctets(issuer.subject, subject.issuer)
}
