import { formatBase64url, type JsonObject, parseTrustDomain, parseWorkloadIdentifier, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { formatScope } from './scope.ts'
import {
  boundedLifetime,
  type IssuedTransaction,
  OWN_CLAIMS,
  signTransactionToken,
  type TokenServiceOptions,
} from './sign-transaction-token.ts'
import { checkContext } from './transaction-context.ts'
import { MAX_PRINCIPAL_LENGTH, MAX_TRANSACTION_LENGTH } from './transaction-token-claims.ts'

/** What a transaction token is to say. Every value is the token service's own decision; a requester only proposes (TXN-9.2.3-02). */
export interface TransactionGrant {
  /** The service's own trust domain: `aud` (TXN-9.2-04). */
  readonly trustDomain: string
  /** The principal: what no other one in the trust domain is called, which is the caller's to see to. */
  readonly subject: string
  /** The purpose of this transaction; at least one value (TXN-9.2-11). */
  readonly scope: readonly string[]
  /** The authenticated requester (TXN-9.2-15), never what a request says of itself. */
  readonly requester: string
  /** `txn`; 128 random bits unless told (TXN-13.2-01). */
  readonly transaction?: string
  /** `tctx` (TXN-9.2-13). */
  readonly transactionContext?: JsonObject
  /** `rctx` (TXN-9.2-14). */
  readonly requesterContext?: JsonObject
  /** From now on, one at least; {@link DEFAULT_ISSUED_TRANSACTION_TOKEN_LIFETIME_SECONDS} unless told. */
  readonly lifetimeSeconds?: number
  /** `exp` of the token that was presented: the new one never outlives it (TXN-11.3-09). Seconds since the epoch. */
  readonly subjectExpiresAt?: number
  /** More claims. Those that a transaction token defines are refused. */
  readonly claims?: JsonObject
}

/**
 * Issues a transaction token: `typ` `txntoken+jwt` and `kid`; `iss` where configured, `iat`, `aud`, `exp`, `txn`, `sub`, `scope`,
 * `req_wl`, `tctx`, `rctx`. In order: the trust domain, the requester, `txn`, `sub`, `scope`, the contexts and claims and that they hold
 * no token (TXN-13.4-01), the end of the subject token (TXN-6-02), the lifetime. Who the requester is, what it may ask for and that the
 * scope isn't wider than the subject's is the caller's to establish.
 *
 * @throws WimseError `ERR_TXN_TXN`, `ERR_TXN_SUB`, `ERR_TXN_SCOPE`, `ERR_TXN_CONTEXT`, `ERR_TXN_EMBEDDED_TOKEN`, `ERR_TXN_SUBJECT_EXPIRED`,
 *   `ERR_TXN_ALG`, `ERR_TXN_TOO_LARGE`, `ERR_OPTIONS_INVALID`, and those of parsing trust domains and identifiers
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ sections 9 and 11.3
 */
export async function issueTransactionToken(grant: TransactionGrant, options: TokenServiceOptions): Promise<string> {
  return (await issueTransaction(grant, options)).token
}

/** As {@link issueTransactionToken}, with the claims of the token. @throws WimseError as {@link issueTransactionToken} */
export async function issueTransaction(grant: TransactionGrant, options: TokenServiceOptions): Promise<IssuedTransaction> {
  const runtime = options.runtime ?? defaultRuntime()
  const { subject, transactionContext: tctx, requesterContext: rctx, claims = {}, subjectExpiresAt = Number.POSITIVE_INFINITY } = grant
  const { presentedTokens = [] } = options
  const aud = parseTrustDomain(grant.trustDomain)
  const requester = parseWorkloadIdentifier(grant.requester)
  const txn = grant.transaction ?? formatBase64url(runtime.randomBytes(16))
  if (typeof txn !== 'string' || txn === '' || txn.length > MAX_TRANSACTION_LENGTH) throw new WimseError('ERR_TXN_TXN')
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_PRINCIPAL_LENGTH) throw new WimseError('ERR_TXN_SUB')
  const scope = formatScope(grant.scope)
  for (const context of [tctx, rctx, claims]) if (context !== undefined) checkContext(context, presentedTokens)
  const own = Object.keys(claims).find((name) => OWN_CLAIMS.includes(name))
  if (own !== undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: `claim ${own}` })
  // TXN-6-02. A limit that is no number would limit nothing.
  if (typeof subjectExpiresAt !== 'number' || Number.isNaN(subjectExpiresAt))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'subjectExpiresAt' })
  const iat = Math.floor(runtime.now() / 1000)
  const exp = Math.min(iat + boundedLifetime(grant.lifetimeSeconds, options.maxLifetimeSeconds), Math.floor(subjectExpiresAt))
  if (runtime.now() >= exp * 1000) throw new WimseError('ERR_TXN_SUBJECT_EXPIRED')
  // TXN-11.3-05, TXN-11.3-06, TXN-11.3-08, TXN-11.3-10
  return signTransactionToken(
    {
      iat,
      aud,
      exp,
      txn,
      sub: subject,
      scope,
      req_wl: requester,
      ...(tctx === undefined ? {} : { tctx }),
      ...(rctx === undefined ? {} : { rctx }),
      ...claims,
    },
    options,
  )
}
