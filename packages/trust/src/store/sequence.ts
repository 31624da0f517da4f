import { type Fingerprints, sameFingerprints } from './fingerprint.ts'

/** The highest sequence number that a source gave for a trust domain, and the anchors that came with it. */
export interface SequenceMark {
  readonly sequence: number
  readonly fingerprints: Fingerprints
}

/**
 * Whether an answer may take the place of the one before: its number is higher, or the same with the same anchors (BUNDLE-4.1.1-02,
 * BUNDLE-4.1.1-03, TDD-4.2-04, FED-4.2-02). An answer without a number counts as current (FED-4.2-03).
 */
export function mayFollow(mark: SequenceMark | undefined, sequence: number | undefined, fingerprints: Fingerprints): boolean {
  if (mark === undefined || sequence === undefined || sequence > mark.sequence) return true
  return sequence === mark.sequence && sameFingerprints(mark.fingerprints, fingerprints)
}

/** The mark after an answer was taken. */
export function markAfter(
  mark: SequenceMark | undefined,
  sequence: number | undefined,
  fingerprints: Fingerprints,
): SequenceMark | undefined {
  return sequence === undefined ? mark : { sequence, fingerprints }
}
