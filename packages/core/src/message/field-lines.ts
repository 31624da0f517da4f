import { WimseError } from '../errors/wimse-error.ts'

/**
 * Header fields in the order of the wire, repeated ones apart: web `Headers` joins them, and "exactly one field" rules have to see
 * two. Names may be in any case.
 */
export type FieldLines = readonly (readonly [name: string, value: string])[]

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** The values of every line of a field, in order, without spaces and tabs at both ends. `name` is in lower case. */
export function fieldValues(fields: FieldLines, name: string): string[] {
  const values: string[] = []
  for (const [line, value] of fields) {
    if (line.length === name.length && (line === name || line.toLowerCase() === name)) values.push(trimFieldValue(value))
  }
  return values
}

/** A field value without spaces and tabs at both ends (RFC 9110 section 5.5); other white space stays and is judged elsewhere. */
export function trimFieldValue(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isOptionalWhitespace(value.charCodeAt(start))) start += 1
  while (end > start && isOptionalWhitespace(value.charCodeAt(end - 1))) end -= 1
  return start === 0 && end === value.length ? value : value.slice(start, end)
}

/** The lines of web `Headers`. Repeated fields have been joined by the platform already, `Set-Cookie` excepted. */
export function fieldLinesOfHeaders(headers: Headers): FieldLines {
  return [...headers]
}

/**
 * The lines of the flat array that `rawHeaders` of node:http is.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` for an odd length or a name that is no token
 */
export function fieldLinesOfRawHeaders(rawHeaders: readonly string[]): FieldLines {
  const lines: [string, string][] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    const value = rawHeaders[index + 1]
    if (name === undefined || value === undefined || !NAME.test(name))
      throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'header field' })
    lines.push([name, value])
  }
  return lines
}

function isOptionalWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
