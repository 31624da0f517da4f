import { WimseError } from '../errors/wimse-error.ts'
import { base64urlSize, decodeBase64url } from './base64url.ts'

/** A JSON value as {@link parseStrictJson} gives it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined
}

/** Limits of {@link parseStrictJson}. */
export interface StrictJsonLimits {
  /** Octets of the text; 16,384 unless told. */
  readonly maxBytes?: number
  /** Nesting of arrays and objects; 16 unless told. */
  readonly maxDepth?: number
}

export const DEFAULT_JSON_MAX_BYTES = 16_384
export const DEFAULT_JSON_MAX_DEPTH = 16

const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses JSON (RFC 8259) and refuses what parsers disagree on: a member name that occurs twice, at any depth; octets that are no
 * UTF-8 or a byte order mark; lone surrogates; numbers that no double holds; text, nesting or size beyond the limits.
 *
 * @throws WimseError `ERR_ENCODING_JSON`, `ERR_ENCODING_TOO_LARGE`
 */
export function parseStrictJson(octets: Uint8Array, limits: StrictJsonLimits = {}): JsonValue {
  if (octets.length > (limits.maxBytes ?? DEFAULT_JSON_MAX_BYTES)) throw new WimseError('ERR_ENCODING_TOO_LARGE', { detail: 'JSON' })
  let text: string
  try {
    text = decoder.decode(octets)
  } catch {
    throw malformed('not UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('syntax')
  }
  // Before anything that recurses: JSON.stringify would overflow the stack on what JSON.parse reads without.
  const maxDepth = limits.maxDepth ?? DEFAULT_JSON_MAX_DEPTH
  if (opensMoreThan(text, maxDepth) && deeperThan(value, maxDepth)) throw malformed('too deep')
  // JSON.parse keeps the last of two members with one name. What it writes again as the same text had no such pair, nor white space;
  // any other text is scanned for it.
  if (JSON.stringify(value) !== text || text.includes('\\') || text.includes('"__proto__"')) checkStructure(text)
  return value as JsonValue
}

/** As {@link parseStrictJson}, for a text whose value has to be an object. */
export function parseStrictJsonObject(octets: Uint8Array, limits: StrictJsonLimits = {}): JsonObject {
  const value = parseStrictJson(octets, limits)
  if (!isJsonObject(value)) throw malformed('not an object')
  return value
}

let scratch: Uint8Array | undefined

/**
 * As {@link parseStrictJsonObject}, for the part of a text that is JSON in base64url, as in a JWS. The octets are kept by nobody, so that
 * one piece of memory serves for all of them.
 *
 * @throws WimseError `ERR_ENCODING_BASE64URL`, `ERR_ENCODING_JSON`, `ERR_ENCODING_TOO_LARGE`
 */
export function parseBase64urlJsonObject(text: string, start: number, end: number): JsonObject {
  const size = base64urlSize(end - start)
  scratch ??= new Uint8Array(DEFAULT_JSON_MAX_BYTES)
  if (size > scratch.length) throw new WimseError('ERR_ENCODING_TOO_LARGE', { detail: 'JSON' })
  decodeBase64url(text, start, end, scratch)
  return parseStrictJsonObject(scratch.subarray(0, size))
}

/** Whether a JSON value is an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a text has more brackets than a depth needs, those in strings included: few texts do, and only these are walked. */
function opensMoreThan(text: string, depth: number): boolean {
  let count = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count += 1
      if (count > depth) return true
    }
  }
  return false
}

function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (typeof member === 'object' && deeperThan(member, depth - 1)) return true
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Walks a text that is known to be valid JSON. Where two members have one name their depth doesn't matter any more. */
function checkStructure(text: string): void {
  const open: (Set<string> | undefined)[] = []
  let names: Set<string> | undefined
  let expectName = false
  let index = 0
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) {
      const end = endOfString(text, index)
      const raw = text.slice(index, end)
      const plain = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1)
      if (!plain.isWellFormed()) throw malformed('lone surrogate')
      if (expectName && names !== undefined) {
        if (plain === '__proto__') throw malformed('reserved member name')
        if (names.has(plain)) throw malformed('a member name occurs twice')
        names.add(plain)
        expectName = false
      }
      index = end
      continue
    }
    if (code === 0x7b || code === 0x5b) {
      open.push(names)
      names = code === 0x7b ? new Set() : undefined
      expectName = code === 0x7b
    } else if (code === 0x7d || code === 0x5d) {
      names = open.pop()
      expectName = false
    } else if (code === 0x2c) {
      expectName = names !== undefined
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const end = endOfNumber(text, index)
      if (!Number.isFinite(Number(text.slice(index, end)))) throw malformed('number out of range')
      index = end
      continue
    }
    index += 1
  }
}

function endOfString(text: string, start: number): number {
  let index = start + 1
  while (text.charCodeAt(index) !== QUOTE) index += text.charCodeAt(index) === BACKSLASH ? 2 : 1
  return index + 1
}

function endOfNumber(text: string, start: number): number {
  let index = start + 1
  while (index < text.length && '+-.eE0123456789'.includes(text[index] ?? ' ')) index += 1
  return index
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_ENCODING_JSON', { detail })
}
