import { withCode } from '../errors/wimse-error.ts'
import { parseOrigin } from './origin.ts'
import { parseWorkloadIdentifier, type WorkloadIdentifier } from './workload-identifier.ts'

/** Which identifiers a rule is about. {@link parseIdentifierPattern} makes one. */
export interface IdentifierPattern {
  readonly text: string
  matches(identifier: WorkloadIdentifier): boolean
}

/**
 * Parses a pattern: an identifier, which matches itself alone, or one that ends in `/*`, which matches one or more whole path
 * segments below it: `spiffe://shop.example/batch/*` matches `…/batch/nightly`, neither `…/batch` nor `…/batches/a`. No other
 * wildcard exists, and the trust domain is always exact (ID-4.3-03, ID-7.6-01, CRED-7-02).
 *
 * @throws WimseError `ERR_IDENTIFIER_PATTERN`
 */
export function parseIdentifierPattern(text: string): IdentifierPattern {
  return withCode('ERR_IDENTIFIER_PATTERN', () => {
    if (typeof text !== 'string' || !text.endsWith('/*')) {
      const exact = parseWorkloadIdentifier(text)
      return { text, matches: (identifier) => identifier === exact }
    }
    const base = text.slice(0, -2)
    if (base.indexOf('/', base.indexOf('://') + 3) === -1) parseOrigin(base)
    else parseWorkloadIdentifier(base)
    const prefix = `${base}/`
    return { text, matches: (identifier) => identifier.startsWith(prefix) }
  })
}

/** Whether one of the patterns matches. */
export function matchesAny(patterns: readonly IdentifierPattern[], identifier: WorkloadIdentifier): boolean {
  return patterns.some((pattern) => pattern.matches(identifier))
}
