import {
  DEFAULT_MAX_BODY_BYTES,
  type DigestAlgorithm,
  type FieldLines,
  fieldValues,
  type MessageBody,
  type Runtime,
  readBody,
  sameOctets,
  WimseError,
} from '@wimse/core'
import { parseDictionary } from 'structured-headers'
import { formatBase64, parseBase64 } from '../structured/base64.ts'
import { splitDictionary } from '../structured/dictionary-members.ts'

/** The cryptography that digests need. */
export type DigestRuntime = { readonly crypto: Pick<Runtime['crypto'], 'digest'> }

/** Options of {@link createContentDigest}. */
export interface CreateContentDigestOptions {
  /** One member each, in this order. `sha-256` alone unless told. */
  readonly algorithms?: readonly DigestAlgorithm[]
  readonly runtime: DigestRuntime
}

/** Options of {@link verifyContentDigest}. */
export interface VerifyContentDigestOptions {
  /** Octets of a body at most. `DEFAULT_MAX_BODY_BYTES` of `@wimse/core` unless told. */
  readonly maxBodyBytes?: number
  /** The algorithms that count. `sha-256` and `sha-512` unless told; others never do (DIG-5-02, DIG-6.6-01). */
  readonly algorithms?: readonly DigestAlgorithm[]
  readonly runtime: DigestRuntime
}

/** The digest algorithms that are secure (DIG-5-01). */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ['sha-256', 'sha-512']

const DIGEST_BYTES = { 'sha-256': 32, 'sha-512': 64 } as const
const MAX_FIELD_CHARACTERS = 2_048

/**
 * The value of Content-Digest for a body (DIG-2-01, DIG-2-02, DIG-2-03).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for no algorithm
 * @see RFC 9530 section 2
 */
export async function createContentDigest(
  body: Uint8Array,
  { algorithms = ['sha-256'], runtime }: CreateContentDigestOptions,
): Promise<string> {
  if (algorithms.length === 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'no digest algorithm' })
  const members: string[] = []
  for (const algorithm of algorithms) {
    const octets = await runtime.crypto.digest(algorithm, body)
    members.push(`${algorithm}=:${formatBase64(octets)}:`)
  }
  return members.join(', ')
}

/**
 * Parses Content-Digest: the digests of the algorithms that are known, by name. Unknown ones are left out; a name that occurs twice
 * is refused, for two readers could then see two values.
 *
 * Repr-Digest is another field and never stands in (DIG-3-02).
 *
 * @returns undefined for a message without the field
 * @throws WimseError `ERR_DIGEST_MALFORMED`
 */
export function parseContentDigest(fields: FieldLines): ReadonlyMap<DigestAlgorithm, Uint8Array> | undefined {
  const lines = fieldValues(fields, 'content-digest')
  if (lines.length === 0) return undefined
  const value = lines.length === 1 ? (lines[0] ?? '') : lines.join(', ')
  const members = value.length > MAX_FIELD_CHARACTERS ? undefined : splitDictionary(value)
  if (members === undefined || members.length === 0) throw malformed('dictionary')
  if (members.length > 1 && new Set(members.map(({ key }) => key)).size !== members.length) throw malformed('algorithm occurs twice')
  const digests = new Map<DigestAlgorithm, Uint8Array>()
  for (const { key, text } of members) {
    const octets = byteSequence(text)
    if (!isKnown(key)) continue
    if (octets.length !== DIGEST_BYTES[key]) throw malformed(key)
    digests.set(key, octets)
  }
  return digests
}

/**
 * Reads a body, up to the limit, and compares it with Content-Digest: every accepted algorithm that the field has must match, and
 * there must be one (DIG-6.7-02).
 *
 * @returns the octets of the body; a stream has been read then
 * @throws WimseError `ERR_DIGEST_MALFORMED`, `ERR_DIGEST_ALGORITHM` without a digest of an accepted algorithm or without the field,
 *   `ERR_DIGEST_MISMATCH`, `ERR_MESSAGE_BODY_TOO_LARGE`, `ERR_MESSAGE_MALFORMED`
 * @see RFC 9530 section 2
 */
export async function verifyContentDigest(
  message: { readonly fields: FieldLines; readonly body: MessageBody },
  { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, algorithms = DIGEST_ALGORITHMS, runtime }: VerifyContentDigestOptions,
): Promise<Uint8Array> {
  const digests = parseContentDigest(message.fields)
  if (digests === undefined || !algorithms.some((algorithm) => digests.has(algorithm))) throw new WimseError('ERR_DIGEST_ALGORITHM')
  const body =
    message.body instanceof Uint8Array && message.body.length <= maxBodyBytes ? message.body : await readBody(message.body, maxBodyBytes)
  for (const algorithm of algorithms) {
    const expected = digests.get(algorithm)
    if (expected === undefined) continue
    const digest = runtime.crypto.digest(algorithm, body)
    if (!sameOctets(digest instanceof Uint8Array ? digest : await digest, expected)) throw new WimseError('ERR_DIGEST_MISMATCH')
  }
  return body
}

/** The octets of a member; parameters, which mean nothing here, and other valid forms are read by the library. */
function byteSequence(text: string): Uint8Array {
  if (text.startsWith(':') && text.endsWith(':') && text.length > 1) {
    const octets = parseBase64(text.slice(1, -1))
    if (octets !== undefined) return octets
  }
  try {
    const value = parseDictionary(`digest=${text}`).get('digest')?.[0]
    if (value instanceof ArrayBuffer) return new Uint8Array(value)
  } catch {
    throw malformed('byte sequence')
  }
  throw malformed('byte sequence')
}

function isKnown(name: string): name is DigestAlgorithm {
  return name === 'sha-256' || name === 'sha-512'
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_DIGEST_MALFORMED', { detail })
}
