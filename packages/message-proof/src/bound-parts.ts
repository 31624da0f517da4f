import { type FieldLines, fieldValues, formatBase64url, isJsonObject, type JsonObject, type Runtime, WimseError } from '@wimse/core'
import { WIT_FIELD } from '@wimse/wit'
import { MESSAGE_PROOF_FIELD, type MessageView } from './message-view.ts'

/** The claim that binds a message: `payload`, `content_type` when there is one, `fields` when some are bound. */
const MESSAGE_CLAIM = 'wimse_ts_msg'
const TXN_TOKEN_FIELD = 'txn-token'
const CONTENT_TYPE_FIELD = 'content-type'

const VISIBLE_ASCII = /^[\x20-\x7e\t]*$/
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** `__proto__` is a field name as well, but no member name of strict JSON. */
const OWN_FIELDS = [TXN_TOKEN_FIELD, CONTENT_TYPE_FIELD, WIT_FIELD, MESSAGE_PROOF_FIELD, '__proto__']
const MEMBERS = ['payload', 'content_type', 'fields']

type Crypto = Pick<Runtime, 'crypto'>

/**
 * Reads the names of fields to be bound, in any case.
 *
 * @returns them in lower case, each once
 * @throws WimseError `ERR_OPTIONS_INVALID` for what is no field name, and for fields that are always bound
 */
export function readBoundFieldNames(names: readonly string[]): ReadonlySet<string> {
  const lower = Array.isArray(names) ? names.map((name) => String(name).toLowerCase()) : ['']
  if (!lower.every((name) => FIELD_NAME.test(name) && !OWN_FIELDS.includes(name))) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'boundFields' })
  }
  return new Set(lower)
}

/**
 * The claims that bind a message which is going to be published: of the fields named, those that it has.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a bound field that is repeated or not ASCII, and for a message that has a proof already
 */
export async function boundClaimsOf(message: MessageView, names: ReadonlySet<string>, runtime: Crypto): Promise<JsonObject> {
  const { fields, payload } = message
  for (const name of [WIT_FIELD, MESSAGE_PROOF_FIELD]) if (onlyValue(fields, name) !== undefined) throw invalid(`${name} is there already`)
  const transactionToken = onlyValue(fields, TXN_TOKEN_FIELD)
  if (transactionToken === '') throw invalid('the transaction token is empty')
  const contentType = onlyValue(fields, CONTENT_TYPE_FIELD)
  const hashes: Record<string, string> = {}
  for (const name of names) {
    const value = onlyValue(fields, name)
    if (value !== undefined) hashes[name] = await runtime.crypto.digestText('sha-256', value)
  }
  return {
    ...(transactionToken === undefined ? {} : { tth: await runtime.crypto.digestText('sha-256', transactionToken) }),
    [MESSAGE_CLAIM]: {
      payload: formatBase64url(await runtime.crypto.digest('sha-256', payload)),
      ...(contentType === undefined ? {} : { content_type: contentType }),
      ...(Object.keys(hashes).length === 0 ? {} : { fields: hashes }),
    },
  }
}

function onlyValue(fields: FieldLines, name: string): string | undefined {
  const [value, ...others] = fieldValues(fields, name)
  if (others.length > 0) throw invalid(`${name} is repeated`)
  if (value !== undefined && !VISIBLE_ASCII.test(value)) throw invalid(`${name} is not ASCII`)
  return value
}

/**
 * Checks that a proof binds the transaction token of the message when there is one, and none when there is none.
 *
 * @throws WimseError `ERR_TXN_TOKEN_COUNT`, `ERR_MESSAGE_PROOF_TTH_MISSING`, `ERR_MESSAGE_PROOF_TTH`
 */
export async function checkTransactionToken({ tth }: JsonObject, fields: FieldLines, runtime: Crypto): Promise<void> {
  const [token, ...others] = fieldValues(fields, TXN_TOKEN_FIELD)
  if (others.length > 0) throw new WimseError('ERR_TXN_TOKEN_COUNT')
  if (token === undefined) {
    if (tth !== undefined) throw new WimseError('ERR_MESSAGE_PROOF_TTH', { detail: 'no transaction token' })
    return
  }
  if (tth === undefined) throw new WimseError('ERR_MESSAGE_PROOF_TTH_MISSING')
  if (!VISIBLE_ASCII.test(token)) throw new WimseError('ERR_MESSAGE_PROOF_TTH', { detail: 'not ASCII' })
  if (tth !== (await runtime.crypto.digestText('sha-256', token))) throw new WimseError('ERR_MESSAGE_PROOF_TTH')
}

/** What a proof said of the message and held. */
export interface BoundParts {
  readonly contentType: string | undefined
  /** Hashes by field name. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Checks the claim about the message. In order: its own form, the payload, the content type (the same text, or none on either side), and the
 * fields: each entry is about a declared field that is in the message once and has this hash, and each declared field that is in the
 * message has an entry.
 *
 * @throws WimseError `ERR_MESSAGE_PROOF_CLAIM`, `ERR_MESSAGE_PROOF_PAYLOAD`, `ERR_MESSAGE_PROOF_CONTENT_TYPE`, `ERR_MESSAGE_PROOF_FIELD_UNKNOWN`,
 *   `ERR_MESSAGE_PROOF_FIELD_REPEATED`, `ERR_MESSAGE_PROOF_FIELD`, `ERR_MESSAGE_PROOF_FIELD_MISSING`
 */
export async function checkMessageClaim(
  claims: JsonObject,
  message: MessageView,
  declared: ReadonlySet<string>,
  runtime: Crypto,
): Promise<BoundParts> {
  const { payload, contentType, fields } = readMessageClaim(claims[MESSAGE_CLAIM])
  const digest = runtime.crypto.digest('sha-256', message.payload)
  if (payload !== formatBase64url(digest instanceof Promise ? await digest : digest)) throw new WimseError('ERR_MESSAGE_PROOF_PAYLOAD')
  const [value, ...others] = fieldValues(message.fields, CONTENT_TYPE_FIELD)
  if (others.length > 0 || value !== contentType) throw new WimseError('ERR_MESSAGE_PROOF_CONTENT_TYPE')
  const hashes: Record<string, string> = {}
  for (const [name, hash] of Object.entries(fields)) {
    if (!declared.has(name)) throw new WimseError('ERR_MESSAGE_PROOF_FIELD_UNKNOWN')
    const bound = declaredValue(message.fields, name)
    if (bound === undefined) throw new WimseError('ERR_MESSAGE_PROOF_FIELD', { detail: 'the field is missing' })
    const known = runtime.crypto.digestText('sha-256', bound)
    if (hash !== (typeof known === 'string' ? known : await known)) throw new WimseError('ERR_MESSAGE_PROOF_FIELD')
    hashes[name] = hash
  }
  for (const name of declared) {
    if (!Object.hasOwn(fields, name) && declaredValue(message.fields, name) !== undefined) {
      throw new WimseError('ERR_MESSAGE_PROOF_FIELD_MISSING')
    }
  }
  return { contentType, fields: Object.freeze(hashes) }
}

/** A member that nobody understands might bind something, so it is refused. */
function readMessageClaim(claim: JsonObject[string]): { payload: string; contentType: string | undefined; fields: JsonObject } {
  if (!isJsonObject(claim) || !Object.keys(claim).every((name) => MEMBERS.includes(name))) throw malformed(MESSAGE_CLAIM)
  const { payload, content_type: contentType, fields = {} } = claim
  if (typeof payload !== 'string') throw malformed('payload')
  if (contentType !== undefined && typeof contentType !== 'string') throw malformed('content_type')
  if (!isJsonObject(fields)) throw malformed('fields')
  return { payload, contentType, fields }
}

function declaredValue(fields: FieldLines, name: string): string | undefined {
  const [value, ...others] = fieldValues(fields, name)
  if (others.length > 0) throw new WimseError('ERR_MESSAGE_PROOF_FIELD_REPEATED')
  if (value !== undefined && !VISIBLE_ASCII.test(value)) throw new WimseError('ERR_MESSAGE_PROOF_FIELD', { detail: 'not ASCII' })
  return value
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail })
}

function invalid(detail: string): WimseError {
  return new WimseError('ERR_OPTIONS_INVALID', { detail })
}
