import { type BareItem, parseList, serializeInnerList, Token } from 'structured-headers'
import { stringEnd } from './dictionary-members.ts'
import type { OpaqueItem, Parameters, ParameterValue } from './parameter-value.ts'

/** An Inner List of Strings: what Signature-Input and Accept-Signature are made of. */
export interface StringList {
  readonly items: readonly StringItem[]
  readonly parameters: Parameters
  /** Whether the text was the canonical form. Only then may a signature over it be accepted (HMS-4.1-02). */
  readonly canonical: boolean
}

/** A String with its parameters; `text` is the canonical form of both. */
export interface StringItem {
  readonly name: string
  readonly parameters: Parameters
  readonly text: string
}

/**
 * Parses the text of an Inner List of Strings (RFC 9651 section 4.2.1.2).
 *
 * The canonical form with Strings, Integers, Booleans and Tokens, which is all that is seen in practice, is parsed here in one pass.
 * Anything else goes to the library: other types, and forms that are valid without being canonical, which are told apart by
 * serializing what was parsed and comparing.
 *
 * @returns undefined for what is no Inner List of Strings, or has a parameter twice
 */
export function parseStringList(text: string): StringList | undefined {
  return parseCanonical(text) ?? parseWithLibrary(text)
}

/** The position in a text; one is made per call and never shared. */
interface Cursor {
  at: number
}

const NO_PARAMETERS: Parameters = /* @__PURE__ */ new Map<string, ParameterValue>()
const PLAIN_STRING = /"[\x20\x21\x23-\x5b\x5d-\x7e]*"/y
const PARAMETER_KEY = /;[a-z*][a-z0-9_\-.*]*/y
const INTEGER = /-?[0-9]{1,15}/y
const TOKEN = /[A-Za-z*][:/!#$%&'*+\-.^_`|~A-Za-z0-9]*/y

/** The one pass; undefined for whatever it doesn't know, valid or not. */
export function parseCanonical(text: string): StringList | undefined {
  if (text.charCodeAt(0) !== 0x28) return undefined
  const cursor: Cursor = { at: 1 }
  const items = takeItems(text, cursor)
  if (items === undefined) return undefined
  const parameters = takeParameters(text, cursor)
  return parameters === undefined || cursor.at !== text.length ? undefined : { items, parameters, canonical: true }
}

/**
 * Items by their text, parentheses and all. A sender covers the same components in every message, so that nearly always only the
 * parameters are left to parse. Bounded; emptied when full.
 */
const remembered = /* @__PURE__ */ new Map<string, readonly StringItem[]>()
const REMEMBERED_LISTS = 256
const REMEMBERED_CHARACTERS = 512

function takeItems(text: string, cursor: Cursor): readonly StringItem[] | undefined {
  // The same characters up to a parenthesis that ended a list once are the same list.
  const end = text.indexOf(')') + 1
  const known = end <= REMEMBERED_CHARACTERS ? remembered.get(text.slice(0, end)) : undefined
  if (known !== undefined) {
    cursor.at = end
    return known
  }
  const items: StringItem[] = []
  if (text.charCodeAt(1) === 0x29) cursor.at = 2
  else {
    for (;;) {
      const start = cursor.at
      PLAIN_STRING.lastIndex = start
      if (!PLAIN_STRING.test(text)) return undefined
      cursor.at = PLAIN_STRING.lastIndex
      const name = text.slice(start + 1, cursor.at - 1)
      const parameters = takeParameters(text, cursor)
      if (parameters === undefined) return undefined
      items.push({ name, parameters, text: text.slice(start, cursor.at) })
      const next = text.charCodeAt(cursor.at)
      cursor.at += 1
      if (next === 0x29) break
      if (next !== 0x20) return undefined
    }
  }
  if (cursor.at === end && end <= REMEMBERED_CHARACTERS) {
    if (remembered.size >= REMEMBERED_LISTS) remembered.clear()
    remembered.set(text.slice(0, end), Object.freeze(items))
  }
  return items
}

function takeParameters(text: string, cursor: Cursor): Parameters | undefined {
  if (text.charCodeAt(cursor.at) !== 0x3b) return NO_PARAMETERS
  const parameters = new Map<string, ParameterValue>()
  do {
    PARAMETER_KEY.lastIndex = cursor.at
    if (!PARAMETER_KEY.test(text)) return undefined
    const key = text.slice(cursor.at + 1, PARAMETER_KEY.lastIndex)
    cursor.at = PARAMETER_KEY.lastIndex
    let value: ParameterValue | undefined = true
    if (text.charCodeAt(cursor.at) === 0x3d) {
      cursor.at += 1
      value = takeBareItem(text, cursor)
    }
    if (value === undefined || parameters.has(key)) return undefined
    parameters.set(key, value)
  } while (text.charCodeAt(cursor.at) === 0x3b)
  return parameters
}

function takeBareItem(text: string, cursor: Cursor): ParameterValue | undefined {
  const start = cursor.at
  const first = text.charCodeAt(start)
  if (first === 0x22) {
    PLAIN_STRING.lastIndex = start
    if (PLAIN_STRING.test(text)) {
      cursor.at = PLAIN_STRING.lastIndex
      return text.slice(start + 1, cursor.at - 1)
    }
    const end = stringEnd(text, start)
    const inner = end === -1 ? undefined : unescapeString(text.slice(start + 1, end - 1))
    if (inner !== undefined) cursor.at = end
    return inner
  }
  if (first === 0x3f) {
    if (text.charCodeAt(start + 1) !== 0x30) return undefined
    cursor.at += 2
    return false
  }
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
    INTEGER.lastIndex = start
    if (!INTEGER.test(text)) return undefined
    const digits = text.slice(start, INTEGER.lastIndex)
    const value = Number(digits)
    const next = text.charCodeAt(INTEGER.lastIndex)
    if (next === 0x2e || (next >= 0x30 && next <= 0x39) || String(value) !== digits) return undefined
    cursor.at = INTEGER.lastIndex
    return value
  }
  TOKEN.lastIndex = start
  if (!TOKEN.test(text)) return undefined
  cursor.at = TOKEN.lastIndex
  return { serialized: text.slice(start, cursor.at) }
}

function unescapeString(inner: string): string | undefined {
  if (!/^(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*$/.test(inner)) return undefined
  return inner.includes('\\') ? inner.replace(/\\(["\\])/g, '$1') : inner
}

/** The library's reading. It tells an Integer from a Decimal of the same value only by comparing the serialization. */
export function parseWithLibrary(text: string): StringList | undefined {
  if (!text.startsWith('(')) return undefined
  try {
    const [list, ...more] = parseList(text)
    if (list === undefined || more.length > 0 || !Array.isArray(list[0])) return undefined
    const canonical = serializeInnerList([list[0], list[1]]) === text
    const items: StringItem[] = []
    let count = list[1].size
    for (const [name, parameters] of list[0]) {
      if (typeof name !== 'string') return undefined
      count += parameters.size
      items.push({ name, parameters: parametersOf(parameters), text: serializeInnerList([[[name, parameters]], new Map()]).slice(1, -1) })
    }
    // The library lets the last of two parameters of one name win; here that is no valid text.
    if (count !== semicolonsOutsideStrings(text)) return undefined
    return { items, parameters: parametersOf(list[1]), canonical }
  } catch {
    return undefined
  }
}

function parametersOf(parameters: ReadonlyMap<string, BareItem>): Parameters {
  if (parameters.size === 0) return NO_PARAMETERS
  return new Map([...parameters].map(([name, value]) => [name, readValue(value)]))
}

function readValue(value: BareItem): ParameterValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (value instanceof Token) return { serialized: value.toString() }
  return opaque(value)
}

function opaque(value: BareItem): OpaqueItem {
  return { serialized: serializeInnerList([[[value, new Map()]], new Map()]).slice(1, -1) }
}

function semicolonsOutsideStrings(text: string): number {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(';').length - 1
}
