import { type FieldLines, WimseError } from '@wimse/core'
import type { MessageView } from './message-view.ts'

/** Headers as clients of most brokers have them: a value, or several, by name. */
export type HeaderMap = Readonly<Record<string, string | readonly string[] | undefined>>

/** A message in parts. */
export interface HeaderMapMessage {
  readonly destination: string
  readonly headers?: HeaderMap
  readonly payload: Uint8Array
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * The view of a message whose headers are a map. Names that differ in case only are lines of one field, so that it counts as repeated.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` for a name that is no token, or a value that is no text
 */
export function messageOfHeaderMap({ destination, headers = {}, payload }: HeaderMapMessage): MessageView {
  const fields: (readonly [string, string])[] = []
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      if (value === undefined) continue
      if (!NAME.test(name) || typeof value !== 'string') throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'header' })
      fields.push([name, value])
    }
  }
  return { kind: 'message', destination, fields, payload }
}

/**
 * The header map of field lines, as those that `createMessageProof` adds: names in lower case, a list where a field is repeated.
 */
export function headerMapOf(fields: FieldLines): Readonly<Record<string, string | readonly string[]>> {
  const map = new Map<string, string[]>()
  for (const [name, value] of fields) {
    const key = name.toLowerCase()
    const known = map.get(key)
    if (known === undefined) map.set(key, [value])
    else known.push(value)
  }
  return Object.fromEntries([...map].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]))
}
