import { formatBase64url } from '@wimse/core'
import type { AnchorKind, BundleContents, KeyAuthority } from '../trust-bundle.ts'

/** The kinds of anchors. */
export const ANCHOR_KINDS: readonly AnchorKind[] = ['x509', 'jwt', 'wit']

/** What tells sets of anchors of one kind apart: the same text exactly for the same set, in whatever order. Absent for an absent kind. */
export type Fingerprints = Readonly<Partial<Record<AnchorKind, string>>>

/** The fingerprints of what a source says. Computed once for each answer of a source. */
export function fingerprintsOf({ x509Authorities, jwtAuthorities, witAuthorities }: BundleContents): Fingerprints {
  return {
    ...(x509Authorities && { x509: joined(x509Authorities.map(formatBase64url)) }),
    ...(jwtAuthorities && { jwt: joined(jwtAuthorities.map(keyText)) }),
    ...(witAuthorities && { wit: joined(witAuthorities.map(keyText)) }),
  }
}

/** Whether two answers hold the same anchors. */
export function sameFingerprints(a: Fingerprints, b: Fingerprints): boolean {
  return ANCHOR_KINDS.every((kind) => a[kind] === b[kind])
}

function keyText({ jwk }: KeyAuthority): string {
  return JSON.stringify(Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function joined(texts: readonly string[]): string {
  return [...new Set(texts)].sort().join('\n')
}
