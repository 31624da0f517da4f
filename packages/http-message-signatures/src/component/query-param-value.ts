import { WimseError } from '@wimse/core'
import type { ParameterValue } from '../structured/parameter-value.ts'
import type { ParsedValues } from './parsed-values.ts'

/**
 * The value of one named query parameter (RFC 9421 section 2.2.8): the query is parsed as form parameters (HMS-2.2.8-01), name and
 * value are decoded and encoded again (HMS-2.2.8-05), so that one value has one form; an
 * empty value is an empty text (HMS-2.2.8-06).
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT_MISSING` when it does not occur (HMS-2.2.8-07),
 *   `ERR_HTTP_MESSAGE_COMPONENT_VALUE` when it occurs more than once (HMS-2.2.8-08)
 */
export function queryParamValue(query: string | undefined, name: ParameterValue | undefined, { queries }: ParsedValues): string {
  const text = query ?? ''
  const values = queries.get(text) ?? readQuery(text)
  queries.set(text, values)
  if (typeof name !== 'string' || !values.has(name)) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_MISSING', { detail: '@query-param' })
  const found = values.get(name)
  if (found === undefined) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_VALUE', { detail: '@query-param occurs twice' })
  return found
}

function readQuery(text: string): ReadonlyMap<string, string | undefined> {
  const values = new Map<string, string | undefined>()
  for (const [name, value] of new URLSearchParams(text)) {
    const encoded = encode(name)
    values.set(encoded, values.has(encoded) ? undefined : encode(value))
  }
  return values
}

/** The percent-encode set of form parameters, with a space as `%20`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
