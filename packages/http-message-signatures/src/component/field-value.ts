import { type FieldLines, fieldValues, WimseError } from '@wimse/core'
import { formatBase64 } from '../structured/base64.ts'
import type { ComponentIdentifier } from './component-identifier.ts'
import type { ParsedValues } from './parsed-values.ts'
import { dictionaryMember, type StructuredFieldTypes, strictForm } from './structured-field-value.ts'

const FIELD_TEXT = /^[\t\x20-\x7e]*$/
const OBSOLETE_FOLD = /[ \t]*\r?\n[ \t]+/g

/**
 * The value of a field (RFC 9421 sections 2.1 to 2.1.3), from the header section (HMS-2.1-02, HMS-7.5.5-01): every line of it in
 * order (HMS-2.1-11), each without spaces at its ends (HMS-2.1-09) and without obsolete folds (HMS-2.1-10), joined with a comma and
 * a space (HMS-2.1-04, HMS-2.1-05); or, as the parameters say, reserialized, one member, or as Byte Sequences. An empty field has
 * an empty value (HMS-2.1-13).
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT_MISSING` (HMS-2.5-09, HMS-2.1.2-06), `ERR_HTTP_MESSAGE_COMPONENT_VALUE` for
 *   newlines (HMS-2-07), text that isn't ASCII (HMS-2.1-03, HMS-2.5-12), and what isn't a Structured Field of its type
 */
export function fieldValue(fields: FieldLines, identifier: ComponentIdentifier, types: StructuredFieldTypes, parsed: ParsedValues): string {
  const { name, parameters } = identifier
  const lines = fieldValues(fields, name)
  const first = lines[0]
  if (first === undefined) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_MISSING', { detail: name })
  if (parameters.size > 0 && parameters.has('bs')) return byteSequences(name, lines)
  const joined = lines.length === 1 ? unfold(first) : lines.map(unfold).join(', ')
  if (!FIELD_TEXT.test(joined)) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_VALUE', { detail: name })
  if (parameters.size === 0) return joined
  const key = parameters.get('key')
  if (typeof key === 'string') return dictionaryMember(name, joined, key, parsed)
  return parameters.has('sf') ? strictForm(name, joined, types) : joined
}

function unfold(line: string): string {
  return line.includes('\n') ? line.replace(OBSOLETE_FOLD, ' ') : line
}

/** HMS-2.1.3-02: a List of Byte Sequences, one for each line. */
function byteSequences(name: string, lines: readonly string[]): string {
  return lines.map((line) => `:${formatBase64(octetsOf(name, unfold(line)))}:`).join(', ')
}

/** Field lines are octets; a platform gives each as one character. */
function octetsOf(name: string, line: string): Uint8Array {
  const octets = new Uint8Array(line.length)
  for (let index = 0; index < line.length; index += 1) {
    const code = line.charCodeAt(index)
    if (code > 0xff || code === 0x0a || code === 0x0d || code === 0)
      throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_VALUE', { detail: name })
    octets[index] = code
  }
  return octets
}
