import {
  createBoundedMap,
  formatBase64url,
  type JsonObject,
  parseBase64url,
  parseBase64urlJsonObject,
  utf8,
  WimseError,
  withCode,
} from '@wimse/core'
import type { Signer } from './signer.ts'

/** A compact JWS taken apart; nothing in it has been verified. */
export interface UnverifiedJws {
  readonly header: JsonObject
  readonly payload: JsonObject
  readonly signature: Uint8Array
  /** The octets that the signature is over. */
  readonly signingInput: Uint8Array
}

/** Octets of a token that are read unless told otherwise. */
export const DEFAULT_MAX_TOKEN_BYTES = 8192

/**
 * Takes a compact JWS with JSON claims apart (RFC 7515 section 7.1): three non-empty parts of strict base64url (CRED-5.1.1-02,
 * BCP-3.14-01), header and payload strict JSON objects without duplicate members. A `crit` or `b64` header is refused, since no
 * extension is understood (CRED-5.1.4-01, WSVID-2.4-03). Nothing is verified: the result may be used to choose a key, never to
 * decide anything.
 *
 * @throws WimseError `ERR_JWS_MALFORMED`, `ERR_JWS_CRIT`
 */
export function decodeUnverifiedJws(token: string, maxBytes: number = DEFAULT_MAX_TOKEN_BYTES): UnverifiedJws {
  if (typeof token !== 'string' || token.length > maxBytes) throw new WimseError('ERR_JWS_MALFORMED', { detail: 'too long' })
  const first = token.indexOf('.')
  const last = token.lastIndexOf('.')
  if (first < 1 || last < first + 2 || last === token.length - 1 || token.indexOf('.', first + 1) !== last) {
    throw new WimseError('ERR_JWS_MALFORMED', { detail: 'not three parts' })
  }
  const header = decodeHeader(token.slice(0, first))
  return withCode('ERR_JWS_MALFORMED', () => {
    const payload = parseBase64urlJsonObject(token, first + 1, last)
    const signature = parseBase64url(token.slice(last + 1))
    // All of it is ASCII by now: a character is an octet.
    return { header, payload, signature, signingInput: utf8(token).subarray(0, last) }
  })
}

const HEADERS_KEPT = 16
const headers = /* @__PURE__ */ createBoundedMap<JsonObject>(HEADERS_KEPT)

/** Every token of one issuer has the same header, and every proof of one kind: those that were decoded last are kept. */
function decodeHeader(text: string): JsonObject {
  const known = headers.get(text)
  if (known !== undefined) return known
  const header = Object.freeze(withCode('ERR_JWS_MALFORMED', () => parseBase64urlJsonObject(text, 0, text.length)))
  if (header['crit'] !== undefined || header['b64'] !== undefined) throw new WimseError('ERR_JWS_CRIT')
  headers.set(text, header)
  return header
}

const formattedHeaders = /* @__PURE__ */ createBoundedMap<string>(HEADERS_KEPT)

/** Signs claims as a compact JWS. `alg` is the signer's, whatever the header says; the other members are the caller's. */
export async function signCompactJws(header: JsonObject, payload: JsonObject, signer: Signer): Promise<string> {
  const head = formatHeader(JSON.stringify(Object.assign({ alg: '' }, header, { alg: signer.algorithm })))
  const input = `${head}.${formatBase64url(utf8(JSON.stringify(payload)))}`
  const signature = signer.sign(utf8(input))
  return `${input}.${formatBase64url(signature instanceof Promise ? await signature : signature)}`
}

/** As they are read, headers are the same for all tokens of one kind. */
function formatHeader(json: string): string {
  const known = formattedHeaders.get(json)
  if (known !== undefined) return known
  const text = formatBase64url(utf8(json))
  formattedHeaders.set(json, text)
  return text
}
