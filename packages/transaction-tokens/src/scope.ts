import { scopeTextOf, scopeValuesOf, WimseError } from '@wimse/core'

/**
 * The values of a `scope` claim, in order and case-sensitive: one text, one space between two values, none of them empty (TXN-9.2-11).
 *
 * @throws WimseError `ERR_TXN_SCOPE`
 * @see RFC 8693, section 4.2; RFC 6749, section 3.3
 */
export function parseScope(text: unknown): readonly string[] {
  const values = scopeValuesOf(text)
  if (values === undefined) throw new WimseError('ERR_TXN_SCOPE')
  return Object.freeze(values)
}

/**
 * The text of scope values; {@link parseScope} gives the values back.
 *
 * @throws WimseError `ERR_TXN_SCOPE` for no value at all or one that is none
 */
export function formatScope(values: readonly string[]): string {
  const text = scopeTextOf(values)
  if (text === undefined) throw new WimseError('ERR_TXN_SCOPE')
  return text
}
