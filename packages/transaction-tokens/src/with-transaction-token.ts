import {
  type FieldLines,
  fieldLinesOfHeaders,
  fieldValues,
  type RequestView,
  trustDomainOf,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import { assertBoundTransactionToken, type BoundTransactionToken } from './bind-transaction-token.ts'
import { isTransactionTokenCredential, TRANSACTION_TOKEN_FIELD } from './transaction-token-field.ts'
import { assertVerifiedTransactionToken, type VerifiedTransactionToken } from './verified-transaction-token.ts'

/** Options of {@link withTransactionToken}. */
export interface WithTransactionTokenOptions {
  /** Whom the request is for, from the caller's configuration. */
  readonly peer: WorkloadIdentifier
}

/** A transaction that can be carried on: as it came with a request, or as the token service has issued or replaced it. */
export type CarriedTransaction = BoundTransactionToken | VerifiedTransactionToken

/**
 * The request with the transaction token in its Txn-Token field, byte for byte as it came in (TXN-12.2-05). In order: the token comes
 * from the verifier or from `bindTransactionToken`, the peer belongs to the token's trust domain (at its edge a token is exchanged and not
 * passed on, TXN-14-01), no token of this type stands in Authorization (TXN-12-02), the request has no other transaction token yet
 * (TXN-12.1-02), and nobody has begun to read its body, which goes over to the new request.
 *
 * Not checked: whether the token lives still, which the recipient sees. The proof of the request has to be made after this: it covers
 * the field.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TXN_LEAVES_DOMAIN`, `ERR_TXN_TOKEN_IN_AUTHORIZATION`, `ERR_TXN_TOKEN_COUNT`,
 *   `ERR_MESSAGE_MALFORMED`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ section 12
 */
export function withTransactionToken(request: Request, transaction: CarriedTransaction, { peer }: WithTransactionTokenOptions): Request {
  const token = tokenToCarry(fieldLinesOfHeaders(request.headers), transaction, peer)
  if (token === undefined) return request
  if (request.bodyUsed || request.body?.locked === true)
    throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'the body was read before' })
  const headers = new Headers(request.headers)
  headers.set(TRANSACTION_TOKEN_FIELD, token)
  return new Request(request, { headers })
}

/**
 * The same for the view of a request, whose body is left alone.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TXN_LEAVES_DOMAIN`, `ERR_TXN_TOKEN_IN_AUTHORIZATION`, `ERR_TXN_TOKEN_COUNT`
 */
export function viewWithTransactionToken(
  request: RequestView,
  transaction: CarriedTransaction,
  { peer }: WithTransactionTokenOptions,
): RequestView {
  const token = tokenToCarry(request.fields, transaction, peer)
  return token === undefined ? request : { ...request, fields: [...request.fields, [TRANSACTION_TOKEN_FIELD, token]] }
}

/** @returns undefined when the request has it already */
function tokenToCarry(fields: FieldLines, transaction: CarriedTransaction, peer: WorkloadIdentifier): string | undefined {
  const { token, trustDomain } = verifiedTokenOf(transaction)
  // TXN-14-01
  if (trustDomainOf(peer) !== trustDomain) throw new WimseError('ERR_TXN_LEAVES_DOMAIN')
  if (fieldValues(fields, 'authorization').some(isTransactionTokenCredential)) throw new WimseError('ERR_TXN_TOKEN_IN_AUTHORIZATION')
  const [present, ...others] = fieldValues(fields, TRANSACTION_TOKEN_FIELD)
  if (others.length > 0 || (present !== undefined && present !== token)) throw new WimseError('ERR_TXN_TOKEN_COUNT')
  return present === undefined ? token : undefined
}

function verifiedTokenOf(transaction: CarriedTransaction): VerifiedTransactionToken {
  if (isBound(transaction)) {
    assertBoundTransactionToken(transaction)
    return transaction.token
  }
  assertVerifiedTransactionToken(transaction)
  return transaction
}

function isBound(transaction: CarriedTransaction): transaction is BoundTransactionToken {
  return typeof transaction === 'object' && transaction !== null && 'caller' in transaction
}
