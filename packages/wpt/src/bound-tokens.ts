import { type FieldLines, fieldValues, isJsonObject, type JsonObject, type MaybePromise, type Runtime, WimseError } from '@wimse/core'

/** The header field of a transaction token, in lower case. */
export const TXN_TOKEN_FIELD = 'txn-token'

const VISIBLE_ASCII = /^[\x20-\x7e\t]*$/
/** `__proto__` is a field name as well, but no member name of strict JSON. */
const NOT_CONTEXT = [TXN_TOKEN_FIELD, 'authorization', 'workload-identity-token', '__proto__']
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** SHA-256 of a token's octets in base64url: `wth`, `tth` and the values of `oth` (WPT-2-17, WPT-2-19, WPT-2-23). */
export function hashToken(token: string, runtime: Pick<Runtime, 'crypto'>): MaybePromise<string> {
  return runtime.crypto.digestText('sha-256', token)
}

/** Whether a name can be a key of `oth`: a field name in lower case (WPT-2-24) other than those that have claims of their own. */
export function isContextField(name: string): boolean {
  return FIELD_NAME.test(name) && !NOT_CONTEXT.includes(name)
}

/**
 * The one value of a bound field (WPT-2-25): spaces and tabs at both ends are cut, anything but ASCII is refused.
 *
 * @returns undefined when the field isn't there
 * @throws WimseError `ERR_WPT_OTH_REPEATED`, `ERR_WPT_OTH`
 */
function contextFieldValue(fields: FieldLines, name: string): string | undefined {
  const [value, ...others] = fieldValues(fields, name)
  if (others.length > 0) throw new WimseError('ERR_WPT_OTH_REPEATED')
  if (value !== undefined && !VISIBLE_ASCII.test(value)) throw new WimseError('ERR_WPT_OTH', { detail: 'not ASCII' })
  return value
}

/**
 * Checks that the proof binds the transaction token of the message when there is one (WPT-2-39), and none when there is none.
 *
 * @throws WimseError `ERR_TXN_TOKEN_COUNT`, `ERR_WPT_TTH_MISSING`, `ERR_WPT_TTH`
 */
export async function checkTransactionToken(claims: JsonObject, fields: FieldLines, runtime: Pick<Runtime, 'crypto'>): Promise<void> {
  const [token, ...others] = fieldValues(fields, TXN_TOKEN_FIELD)
  if (others.length > 0) throw new WimseError('ERR_TXN_TOKEN_COUNT')
  const { tth } = claims
  if (token === undefined) {
    if (tth !== undefined) throw new WimseError('ERR_WPT_TTH', { detail: 'no transaction token' })
    return
  }
  // WPT-2-18
  if (tth === undefined) throw new WimseError('ERR_WPT_TTH_MISSING')
  if (!VISIBLE_ASCII.test(token)) throw new WimseError('ERR_WPT_TTH', { detail: 'not ASCII' })
  if (tth !== (await hashToken(token, runtime))) throw new WimseError('ERR_WPT_TTH')
}

/**
 * Checks `oth`: every entry is about a field that the application declared (WPT-2-42) and holds its hash (WPT-2-41), and every declared
 * field that is in the message has an entry (WPT-2-40).
 *
 * @throws WimseError `ERR_WPT_OTH_MALFORMED`, `ERR_WPT_OTH_UNKNOWN`, `ERR_WPT_OTH_MISSING`, `ERR_WPT_OTH`, `ERR_WPT_OTH_REPEATED`
 */
export async function checkOtherTokens(
  claims: JsonObject,
  fields: FieldLines,
  contextFields: ReadonlySet<string>,
  runtime: Pick<Runtime, 'crypto'>,
): Promise<void> {
  const { oth = {} } = claims
  // WPT-2-21
  if (!isJsonObject(oth)) throw new WimseError('ERR_WPT_OTH_MALFORMED')
  for (const [name, hash] of Object.entries(oth)) {
    if (!contextFields.has(name)) throw new WimseError('ERR_WPT_OTH_UNKNOWN')
    const value = contextFieldValue(fields, name)
    if (value === undefined) throw new WimseError('ERR_WPT_OTH', { detail: 'the field is missing' })
    if (hash !== (await hashToken(value, runtime))) throw new WimseError('ERR_WPT_OTH')
  }
  for (const name of contextFields) {
    if (!Object.hasOwn(oth, name) && contextFieldValue(fields, name) !== undefined) throw new WimseError('ERR_WPT_OTH_MISSING')
  }
}

/** The hashes of a proof whose `tth` and `oth` have been checked, by field name. */
export function boundTokensOf({ tth, oth }: JsonObject): Readonly<Record<string, string>> {
  return Object.freeze({ ...(oth as Readonly<Record<string, string>>), ...(tth === undefined ? {} : { [TXN_TOKEN_FIELD]: tth as string }) })
}
