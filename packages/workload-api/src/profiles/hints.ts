import { malformed } from '../connection/call-errors.ts'

/** Longest hint in octets (WLAPI-8-04). */
export const MAX_HINT_BYTES = 1024

/** What a source does with several identities. */
export interface IdentitySelection {
  /** Takes the identity that the operator gave this hint. Without it: the first, which is the default one (WLAPI-8-01, WLAPI-8-02). */
  readonly hint?: string
}

/**
 * The identity to use, or `undefined` where none carries the hint that was asked for (WLAPI-8-05): falling back to another
 * identity would be a surprise to everyone.
 */
export function selectIdentity<T extends { readonly hint?: string }>(svids: readonly T[], selection: IdentitySelection): T | undefined {
  return selection.hint === undefined ? svids[0] : svids.find((svid) => svid.hint === selection.hint)
}

/**
 * Keeps the first of those that share a hint (WLAPI-5.2.1-06, WLAPI-6.2.1-07, WLAPI-7.2.1-06) and the order of the rest (WLAPI-8-01).
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE` on a hint that is too long
 */
export function firstOfEachHint<T extends { readonly hint: string }>(svids: readonly T[]): readonly T[] {
  const seen = new Set<string>()
  return svids.filter(({ hint }) => {
    if (Buffer.byteLength(hint) > MAX_HINT_BYTES) throw malformed('a hint is too long')
    if (hint === '') return true
    const first = !seen.has(hint)
    seen.add(hint)
    return first
  })
}
