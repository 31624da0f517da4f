import { type FieldLines, fieldValues, isWimseError, WimseError } from '@wimse/core'
import { decodeUnverifiedJws } from '@wimse/keys'
import { isTransactionTokenType } from './transaction-token-type.ts'

/** The header field that carries a transaction token (TXN-12-01, TXN-12.1-01), in lower case. */
export const TRANSACTION_TOKEN_FIELD = 'txn-token'

const TOKEN = /^[A-Za-z0-9_.-]+$/

/**
 * The transaction token of a message: the whole value of the one Txn-Token field, which is no structured field (TXN-12.1-02, TXN-16.4-01).
 * A token of this type in an Authorization field is refused (TXN-12-02, TXN-13.13-01), beside a Txn-Token field and without. Nothing in it
 * has been verified.
 *
 * @throws WimseError `ERR_TXN_TOKEN_IN_AUTHORIZATION`, `ERR_TXN_TOKEN_COUNT`, `ERR_TXN_TOKEN_MISSING`, `ERR_TXN_MALFORMED`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ section 12.1
 */
export function readTransactionTokenField(fields: FieldLines): string {
  const token = readOptionalTransactionTokenField(fields)
  if (token === undefined) throw new WimseError('ERR_TXN_TOKEN_MISSING')
  return token
}

/**
 * The transaction token of a message that may have none: as {@link readTransactionTokenField}, and undefined when there is no Txn-Token field. An
 * empty field is a fault, and so is a token in Authorization alone.
 *
 * @throws WimseError `ERR_TXN_TOKEN_IN_AUTHORIZATION`, `ERR_TXN_TOKEN_COUNT`, `ERR_TXN_TOKEN_MISSING`, `ERR_TXN_MALFORMED`
 */
export function readOptionalTransactionTokenField(fields: FieldLines): string | undefined {
  if (fieldValues(fields, 'authorization').some(isTransactionTokenCredential)) throw new WimseError('ERR_TXN_TOKEN_IN_AUTHORIZATION')
  const [token, ...others] = fieldValues(fields, TRANSACTION_TOKEN_FIELD)
  // A platform that joins repeated fields leaves a comma, which no token has.
  if (others.length > 0 || token?.includes(',') === true) throw new WimseError('ERR_TXN_TOKEN_COUNT')
  if (token === '') throw new WimseError('ERR_TXN_TOKEN_MISSING')
  if (token !== undefined && !TOKEN.test(token)) throw new WimseError('ERR_TXN_MALFORMED', { detail: 'field value' })
  return token
}

/** Whether the credentials of an Authorization field are a token of this type. A WPT has a type of its own, which its verifier judges. */
export function isTransactionTokenCredential(value: string): boolean {
  const [scheme = '', token = value] = value.split(/ +/, 2)
  if (scheme.toLowerCase() === 'wpt') return false
  try {
    return isTransactionTokenType(decodeUnverifiedJws(token).header['typ'])
  } catch (error) {
    if (isWimseError(error)) return false
    throw error
  }
}
