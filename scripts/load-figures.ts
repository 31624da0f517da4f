/** Operations with public keys that one request can't do without. */
export interface KeyOperations {
  readonly verifications: number
  readonly signatures: number
}

/** What one of them takes on one core, alone. */
export interface RawMicroseconds {
  readonly verification: number
  readonly signature: number
}

/** Microseconds of bare cryptography in one request. */
export function rawMicrosecondsOf({ verifications, signatures }: KeyOperations, raw: RawMicroseconds): number {
  return verifications * raw.verification + signatures * raw.signature
}

/** The requests per second that one core could answer if it did nothing but the operations with public keys. */
export function limitPerSecond(operations: KeyOperations, raw: RawMicroseconds): number {
  return 1_000_000 / rawMicrosecondsOf(operations, raw)
}

/**
 * The smallest of the values that at least this share of them doesn't exceed (nearest rank). NaN of no values.
 *
 * @param share above 0, at most 1: 0.99 for the ninety-ninth percentile
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** The middle one of the values, the greater one of two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** When the request with this index is to be sent, in milliseconds since the first one: they come evenly, whatever becomes of those before. */
export function intendedAt(index: number, perSecond: number): number {
  return (index * 1000) / perSecond
}
