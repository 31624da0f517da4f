import { WimseError } from '@wimse/core'

// RFC 6749 section 3.3: a scope token is visible ASCII without quotation mark and backslash; exactly one space between two.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

/**
 * The values of a `scope` claim, in order and case-sensitive: one text, one space between two values, none of them empty (TXN-9.2-11).
 *
 * @throws WimseError `ERR_TXN_SCOPE`
 * @see RFC 8693, section 4.2; RFC 6749, section 3.3
 */
export function parseScope(text: unknown): readonly string[] {
  if (typeof text !== 'string' || !SCOPE.test(text)) throw new WimseError('ERR_TXN_SCOPE')
  return Object.freeze(text.split(' '))
}

/**
 * The text of scope values; {@link parseScope} gives the values back.
 *
 * @throws WimseError `ERR_TXN_SCOPE` for no value at all or one that is none
 */
export function formatScope(values: readonly string[]): string {
  if (!Array.isArray(values) || !values.every((value) => typeof value === 'string' && !value.includes(' ')))
    throw new WimseError('ERR_TXN_SCOPE')
  const text = values.join(' ')
  parseScope(text)
  return text
}
