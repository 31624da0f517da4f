import { scopeTextOf, scopeValuesOf, WimseError } from '@wimse/core'

/** Octets of a scope, and values in it, at most. */
export const MAX_SCOPE_BYTES = 4096
export const MAX_SCOPE_VALUES = 64

/**
 * Parses a scope: values separated by single spaces (TEX-4.2-01, TEX-2.1-13), compared with regard to case. A value that occurs twice is
 * refused, as are more or longer ones than the limits.
 *
 * @throws WimseError `ERR_EXCHANGE_SCOPE`
 */
export function parseScope(text: unknown): readonly string[] {
  const values = typeof text === 'string' && text.length <= MAX_SCOPE_BYTES ? scopeValuesOf(text) : undefined
  if (values === undefined) throw new WimseError('ERR_EXCHANGE_SCOPE', { detail: 'malformed' })
  if (values.length > MAX_SCOPE_VALUES || new Set(values).size !== values.length) {
    throw new WimseError('ERR_EXCHANGE_SCOPE', { detail: 'too many, or one that occurs twice' })
  }
  return values
}

/** Formats a scope; the reverse of {@link parseScope}. @throws WimseError `ERR_EXCHANGE_SCOPE` */
export function formatScope(values: readonly string[]): string {
  const text = scopeTextOf(values)
  if (text === undefined) throw new WimseError('ERR_EXCHANGE_SCOPE', { detail: 'malformed' })
  // The limits hold for what is written as well.
  parseScope(text)
  return text
}

/**
 * The scope to issue: what was requested, when all of it is available (CHN-2.5-03: no more than the subject token has), or everything
 * that is available when nothing in particular was requested. A scope only narrows. Nothing left is refused.
 *
 * @throws WimseError `ERR_EXCHANGE_SCOPE`
 */
export function narrowScope(requested: readonly string[] | undefined, available: readonly string[]): readonly string[] {
  const scope = requested ?? available
  if (scope.length === 0 || scope.some((value) => !available.includes(value))) {
    throw new WimseError('ERR_EXCHANGE_SCOPE', { detail: 'wider than what is available' })
  }
  return scope
}
