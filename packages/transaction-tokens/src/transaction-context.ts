import { DEFAULT_JSON_MAX_DEPTH, isJsonObject, type JsonObject, parseBase64url, parseStrictJsonObject, WimseError } from '@wimse/core'

/** The levels of all claims together; below what recipients read. */
const MAX_DEPTH = DEFAULT_JSON_MAX_DEPTH - 2

/**
 * Checks what is to become `tctx`, `rctx` or a claim of one's own: a plain JSON object that strict parsers read (no `__proto__`, no lone
 * surrogate, no number beyond a double, 14 levels at most), and no token in it (TXN-13.4-01): no text, whole or in part, member names
 * included, that is a JWS or JWE in compact form. Other access tokens have no form by which they could be told; whoever has them names
 * them in `presented`, and no text may contain one.
 *
 * @throws WimseError `ERR_TXN_CONTEXT`, `ERR_TXN_EMBEDDED_TOKEN`
 */
export function checkContext(value: unknown, presented: readonly string[]): asserts value is JsonObject {
  if (!isPlainObject(value)) throw new WimseError('ERR_TXN_CONTEXT', { detail: 'not a JSON object' })
  checkValue(value, presented, MAX_DEPTH)
}

function checkValue(value: unknown, presented: readonly string[], depth: number): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new WimseError('ERR_TXN_CONTEXT', { detail: 'a number' })
    return
  }
  if (typeof value === 'string') {
    checkText(value, presented)
    return
  }
  if (depth === 0) throw new WimseError('ERR_TXN_CONTEXT', { detail: 'too deep' })
  if (Array.isArray(value)) {
    for (const member of value) checkValue(member, presented, depth - 1)
    return
  }
  if (!isPlainObject(value)) throw new WimseError('ERR_TXN_CONTEXT', { detail: 'not a JSON value' })
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__') throw new WimseError('ERR_TXN_CONTEXT', { detail: 'a member name' })
    checkText(name, presented)
    checkValue(member, presented, depth - 1)
  }
}

function isPlainObject(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && typeof value['toJSON'] !== 'function'
}

function checkText(text: string, presented: readonly string[]): void {
  if (!text.isWellFormed()) throw new WimseError('ERR_TXN_CONTEXT', { detail: 'a lone surrogate' })
  if (presented.some((token) => text.includes(token)) || holdsCompactToken(text)) throw new WimseError('ERR_TXN_EMBEDDED_TOKEN')
}

/** Whether a JOSE header with two more parts behind it stands anywhere in a text. A host name has the same dots and no header. */
function holdsCompactToken(text: string): boolean {
  const dot = text.indexOf('.')
  if (dot === -1 || text.indexOf('.', dot + 1) === -1) return false
  for (const word of text.split(/[^A-Za-z0-9_.-]+/)) {
    const parts = word.split('.')
    for (let index = 0; index + 2 < parts.length; index += 1) if (isJoseHeader(parts[index] ?? '')) return true
  }
  return false
}

/** How an object in JSON begins, white space included, once it is base64url: few words do, and only these are decoded. */
const OBJECT_BEGINS = /^[CDIe]/

function isJoseHeader(part: string): boolean {
  if (!OBJECT_BEGINS.test(part)) return false
  try {
    return parseStrictJsonObject(parseBase64url(part))['alg'] !== undefined
  } catch {
    return false
  }
}
