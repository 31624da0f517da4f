import { trustDomainOf, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { isTransactionTokenCredential, TRANSACTION_TOKEN_FIELD } from './transaction-token-field.ts'
import { assertVerifiedTransactionToken, type VerifiedTransactionToken } from './verified-transaction-token.ts'

/** Options of {@link withTransactionToken}. */
export interface WithTransactionTokenOptions {
  /** Whom the request is for, from the caller's configuration. */
  readonly peer: WorkloadIdentifier
}

/**
 * The request with the transaction token in its Txn-Token field, byte for byte as it came in (TXN-12.2-05). In order: the token comes
 * from the verifier, the peer belongs to the token's trust domain (at its edge a token is exchanged and not passed on, TXN-14-01), no
 * token of this type stands in Authorization (TXN-12-02), the request has no other transaction token yet (TXN-12.1-02), and nobody has
 * begun to read its body, which goes over to the new request.
 *
 * Not checked: whether the token lives still, which the recipient sees. The proof of the request has to be made after this: it covers
 * the field.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TXN_LEAVES_DOMAIN`, `ERR_TXN_TOKEN_IN_AUTHORIZATION`, `ERR_TXN_TOKEN_COUNT`,
 *   `ERR_MESSAGE_MALFORMED`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ section 12
 */
export function withTransactionToken(request: Request, token: VerifiedTransactionToken, { peer }: WithTransactionTokenOptions): Request {
  assertVerifiedTransactionToken(token)
  if (trustDomainOf(peer) !== token.trustDomain) throw new WimseError('ERR_TXN_LEAVES_DOMAIN')
  const headers = new Headers(request.headers)
  if (isTransactionTokenCredential(headers.get('authorization') ?? '')) throw new WimseError('ERR_TXN_TOKEN_IN_AUTHORIZATION')
  const present = headers.get(TRANSACTION_TOKEN_FIELD)
  if (present === token.token) return request
  if (present !== null) throw new WimseError('ERR_TXN_TOKEN_COUNT')
  if (request.bodyUsed || request.body?.locked === true)
    throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'the body was read before' })
  headers.set(TRANSACTION_TOKEN_FIELD, token.token)
  return new Request(request, { headers })
}
