// RFC 6749 section 3.3: a scope token is visible ASCII without quotation mark and backslash; exactly one space between two.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

/**
 * The values of an OAuth scope, in order and case-sensitive: one text, one space between two values, none of them empty. How many there may
 * be, and whether one may occur twice, is for the caller to say, and so is the code of the failure.
 *
 * @returns undefined for what is no scope
 * @see RFC 6749, section 3.3
 */
export function scopeValuesOf(text: unknown): readonly string[] | undefined {
  return typeof text === 'string' && SCOPE.test(text) ? text.split(' ') : undefined
}

/**
 * The text of scope values; {@link scopeValuesOf} gives the values back.
 *
 * @returns undefined for no value at all, or one that is none
 */
export function scopeTextOf(values: readonly string[]): string | undefined {
  if (!Array.isArray(values) || !values.every((value) => typeof value === 'string' && !value.includes(' '))) return undefined
  const text = values.join(' ')
  return SCOPE.test(text) ? text : undefined
}
