import { isJsonObject, type MaybePromise, type Runtime, WimseError } from '@wimse/core'

/** Levels of arrays and objects in parameters of deferred work. */
export const MAX_PARAMETERS_DEPTH = 8

/**
 * The one text of a JSON value: members by their names in the order of UTF-16 code units, no white space, numbers and texts as `JSON.stringify`
 * writes them. Two values have the same text exactly when they are the same value, whatever the order of their members.
 *
 * Refused is what parsers disagree on or JSON hasn't: whole numbers beyond 2^53, numbers that are none, lone surrogates, `__proto__`, objects with a
 * prototype or `toJSON` of their own, more levels than {@link MAX_PARAMETERS_DEPTH}. Members that are `undefined` are left out.
 *
 * @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED`
 * @see RFC 8785, section 3.2
 */
export function canonicalJson(value: unknown, depth: number = MAX_PARAMETERS_DEPTH): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return textOf(value)
  if (typeof value === 'number') return numberOf(value)
  if (depth === 0) throw refused('too deep')
  if (Array.isArray(value)) {
    // Array.from shows holes, which `map` passes over.
    return `[${Array.from(value as readonly unknown[], (member) => canonicalJson(member, depth - 1)).join(',')}]`
  }
  if (!isPlainObject(value)) throw refused('not a JSON value')
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => {
      if (name === '__proto__') throw refused('a member name')
      return `${textOf(name)}:${canonicalJson(value[name], depth - 1)}`
    })
  return `{${members.join(',')}}`
}

/**
 * What a grant has in place of the parameters that it is for: SHA-256 of their canonical text, base64url.
 *
 * @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED`
 */
export function hashOfParameters(parameters: unknown, { crypto }: Pick<Runtime, 'crypto'>): MaybePromise<string> {
  if (!isJsonObject(parameters)) throw refused('not an object')
  return crypto.digestText('sha-256', canonicalJson(parameters))
}

function textOf(text: string): string {
  if (!text.isWellFormed()) throw refused('a lone surrogate')
  return JSON.stringify(text)
}

function numberOf(value: number): string {
  // Above that a text may be another number for whoever reads it.
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) throw refused('a number')
  return JSON.stringify(value)
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && typeof value['toJSON'] !== 'function'
}

function refused(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: `parameters: ${detail}` })
}
