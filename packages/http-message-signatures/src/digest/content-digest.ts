import {
  DEFAULT_MAX_BODY_BYTES,
  type DigestAlgorithm,
  type FieldLines,
  fieldValues,
  type MaybePromise,
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
  const common = commonDigest(value)
  if (common !== undefined) return new Map([['sha-256', common]])
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
 * Reads a body, up to the limit, and compares it with Content-Digest as {@link checkContentDigest} does.
 *
 * @returns the octets of the body; a stream has been read then
 * @throws WimseError `ERR_DIGEST_MALFORMED`, `ERR_DIGEST_ALGORITHM`, `ERR_DIGEST_MISMATCH`, `ERR_MESSAGE_BODY_TOO_LARGE`,
 *   `ERR_MESSAGE_MALFORMED`
 * @see RFC 9530 section 2
 */
export async function verifyContentDigest(
  message: { readonly fields: FieldLines; readonly body: MessageBody },
  { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, ...options }: VerifyContentDigestOptions,
): Promise<Uint8Array> {
  const body = await readBody(message.body, maxBodyBytes)
  await checkContentDigest(message.fields, body, options)
  return body
}

/**
 * Compares the octets of a body with Content-Digest: every accepted algorithm that the field has must match, and there must be one
 * (DIG-6.7-02). Done at once where the engine is synchronous.
 *
 * @throws WimseError `ERR_DIGEST_MALFORMED`, `ERR_DIGEST_ALGORITHM` without a digest of an accepted algorithm or without the field,
 *   `ERR_DIGEST_MISMATCH`
 * @see RFC 9530 section 2
 */
export function checkContentDigest(
  fields: FieldLines,
  body: Uint8Array,
  { algorithms = DIGEST_ALGORITHMS, runtime }: Omit<VerifyContentDigestOptions, 'maxBodyBytes'>,
): MaybePromise<void> {
  const digests = parseContentDigest(fields)
  const counting = algorithms.filter((algorithm) => digests?.has(algorithm) === true)
  if (counting.length === 0) throw new WimseError('ERR_DIGEST_ALGORITHM')
  const pending: Promise<void>[] = []
  for (const algorithm of counting) {
    const compare = (octets: Uint8Array): void => {
      if (!sameOctets(octets, digests?.get(algorithm) ?? new Uint8Array())) throw new WimseError('ERR_DIGEST_MISMATCH')
    }
    const digest = runtime.crypto.digest(algorithm, body)
    if (digest instanceof Promise) pending.push(digest.then(compare))
    else compare(digest)
  }
  if (pending.length > 0) return Promise.all(pending).then(() => undefined)
}

/** The digest of a field that is one sha-256 digest and nothing else, as nearly every one is. */
function commonDigest(value: string): Uint8Array | undefined {
  const common = value.length === 54 && value.startsWith('sha-256=:') && value.endsWith('=:')
  const octets = common ? parseBase64(value.slice(9, -1)) : undefined
  return octets?.length === DIGEST_BYTES['sha-256'] ? octets : undefined
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
