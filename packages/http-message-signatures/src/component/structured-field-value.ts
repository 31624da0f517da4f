import { WimseError } from '@wimse/core'
import {
  isInnerList,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeInnerList,
  serializeItem,
  serializeList,
} from 'structured-headers'
import { splitDictionary } from '../structured/dictionary-members.ts'
import type { ParsedDictionary, ParsedValues } from './parsed-values.ts'

/** The type of a Structured Field. */
export type StructuredFieldType = 'item' | 'list' | 'dictionary'

/** Which fields are Structured Fields and of what type, by name in lower case. */
export type StructuredFieldTypes = Readonly<Record<string, StructuredFieldType>>

/** Fields whose type is known without being told. */
export const DEFAULT_STRUCTURED_FIELDS: StructuredFieldTypes = {
  'accept-signature': 'dictionary',
  'cache-status': 'list',
  'client-cert': 'item',
  'client-cert-chain': 'list',
  'content-digest': 'dictionary',
  priority: 'dictionary',
  'proxy-status': 'list',
  'repr-digest': 'dictionary',
  signature: 'dictionary',
  'signature-input': 'dictionary',
  'want-content-digest': 'dictionary',
  'want-repr-digest': 'dictionary',
}

/** A Decimal without a fraction, or a Display String: the library doesn't serialize these as RFC 9651 says. */
const NOT_SERIALIZED = /(?:^|[=( ,\t])-?\d+\.0+(?![\d])|%"/

/**
 * The strict serialization of a field (HMS-2.1.1-02, HMS-2.1.1-03).
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT_PARAMETER` when the type of the field isn't known (HMS-2.1.1-04),
 *   `ERR_HTTP_MESSAGE_COMPONENT_VALUE` when the value isn't of it
 */
export function strictForm(name: string, value: string, types: StructuredFieldTypes): string {
  const type = Object.hasOwn(types, name) ? types[name] : undefined
  if (type === undefined) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', { detail: `type of ${name}` })
  return orValueError(name, value, () => {
    if (type === 'item') return serializeItem(parseItem(value))
    if (type === 'list') return serializeList(parseList(value))
    return serializeDictionary(parseDictionary(value))
  })
}

/**
 * The strict serialization of one member of a Dictionary, all lines of it together (HMS-2.1.2-01, HMS-2.1.2-02), without its key
 * (HMS-2.1.2-03).
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT_MISSING` (HMS-2.1.2-06), `ERR_HTTP_MESSAGE_COMPONENT_VALUE`
 */
export function dictionaryMember(name: string, value: string, key: string, { dictionaries }: ParsedValues): string {
  const { members, counts } = dictionaries.get(value) ?? orValueError(name, value, () => readDictionary(value))
  dictionaries.set(value, { members, counts })
  const member = members.get(key)
  if (member === undefined) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_MISSING', { detail: name })
  // RFC 9651 lets the last of two members of one key win: two readers could then see two values.
  if (counts.get(key) !== 1) throw valueError(name)
  try {
    return isInnerList(member) ? serializeInnerList(member) : serializeItem(member)
  } catch {
    throw valueError(name)
  }
}

function readDictionary(value: string): ParsedDictionary {
  const counts = new Map<string, number>()
  for (const { key } of splitDictionary(value) ?? []) counts.set(key, (counts.get(key) ?? 0) + 1)
  return { members: parseDictionary(value), counts }
}

/** The text is searched only when it has been parsed: every String in it ends then, and the search takes time by its length alone. */
function orValueError<T>(name: string, value: string, step: () => T): T {
  let result: T
  try {
    result = step()
  } catch {
    throw valueError(name)
  }
  if (NOT_SERIALIZED.test(value.replace(/"(?:[^"\\]|\\.)*"/g, '""'))) throw valueError(name)
  return result
}

function valueError(name: string): WimseError {
  return new WimseError('ERR_HTTP_MESSAGE_COMPONENT_VALUE', { detail: name })
}
