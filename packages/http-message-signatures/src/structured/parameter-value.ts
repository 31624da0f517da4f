/**
 * A bare item of RFC 9651 that is none of String, Integer and Boolean (a Token, a Byte Sequence, a Decimal, a Date, a Display
 * String), kept as its canonical text.
 */
export interface OpaqueItem {
  readonly serialized: string
}

/** The value of a parameter. A `number` is always an Integer. */
export type ParameterValue = string | number | boolean | OpaqueItem

/** Parameters in their order, which is part of what is signed (HMS-2-05, HMS-2.3-07). */
export type Parameters = ReadonlyMap<string, ParameterValue>

const LARGEST_INTEGER = 999_999_999_999_999
const KEY = /^[a-z*][a-z0-9_\-.*]*$/
const PRINTABLE = /^[\x20-\x7e]*$/
const ESCAPED = /["\\]/

/** Whether a text is a key of RFC 9651 section 3.1.2: what labels and parameter names are. */
export function isKey(text: string): boolean {
  return KEY.test(text)
}

/** Formats parameters canonically (RFC 9651 section 4.1.1.2); undefined when a name or a value can't be expressed. */
export function formatParameters(parameters: Iterable<readonly [string, ParameterValue]>): string | undefined {
  let text = ''
  for (const [name, value] of parameters) {
    const formatted = value === true ? '' : formatBareItem(value)
    if (formatted === undefined || !isKey(name)) return undefined
    text += value === true ? `;${name}` : `;${name}=${formatted}`
  }
  return text
}

/** Formats a bare item canonically; undefined when it can't be expressed: text that isn't ASCII, numbers out of range. */
function formatBareItem(value: ParameterValue): string | undefined {
  switch (typeof value) {
    case 'string':
      return formatString(value)
    case 'number':
      return Number.isInteger(value) && Math.abs(value) <= LARGEST_INTEGER ? String(value === 0 ? 0 : value) : undefined
    case 'boolean':
      return value ? '?1' : '?0'
    default:
      return value.serialized
  }
}

/** Formats a String (RFC 9651 section 4.1.6); undefined for anything but printable ASCII. */
export function formatString(value: string): string | undefined {
  if (!PRINTABLE.test(value)) return undefined
  return ESCAPED.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`
}
