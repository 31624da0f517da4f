import { type JsonObject, parseWorkloadIdentifier, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type NarrowingRule, narrowContext } from './narrowing.ts'
import { formatScope } from './scope.ts'
import {
  boundedLifetime,
  type IssuedTransaction,
  OWN_CLAIMS,
  signTransactionToken,
  type TokenServiceOptions,
} from './sign-transaction-token.ts'
import { checkContext } from './transaction-context.ts'
import { MAX_REQUESTING_WORKLOADS } from './transaction-token-claims.ts'
import { assertVerifiedTransactionToken, type VerifiedTransactionToken } from './verified-transaction-token.ts'

/** What is to be different in a replacement. */
export interface TransactionReplacement {
  /** The authenticated workload that asks for the replacement: the last one in `req_wl` (TXN-13.15-09). */
  readonly requester: string
  /** Some of the values of the scope so far; all of them unless told. */
  readonly narrowerScope?: readonly string[]
  /** Members of `tctx` that are new, or that permit less by a rule. */
  readonly addedContext?: JsonObject
  /** From now on, one at least; never beyond the end of the replaced token unless `mayOutlive` says so. */
  readonly lifetimeSeconds?: number
}

/** Options of {@link replaceTransactionToken}. */
export interface ReplaceTransactionTokenOptions extends TokenServiceOptions {
  /** How members of `tctx` may change, by name; a member without a rule may not. */
  readonly narrowing?: Readonly<Record<string, NarrowingRule>>
  /** Most workloads in `req_wl`, and so how often a token is replaced; {@link DEFAULT_MAX_REQUESTING_WORKLOADS} unless told, 16 at most. */
  readonly maxRequestingWorkloads?: number
  /** Lets replacements outlive what they replace (TXN-13.15-07). */
  readonly mayOutlive?: boolean
}

export const DEFAULT_MAX_REQUESTING_WORKLOADS = 4

/**
 * Issues what replaces a transaction token. In order: the token comes from the verifier and lives still, clock tolerance or not
 * (TXN-13.15-06); the requester; the chain isn't too long (TXN-13.15-08); the scope is part of the one before, the context only added to
 * or narrowed (TXN-13.15-02, TXN-13.15-03, TXN-13.15-04) and without tokens (TXN-13.4-01); the lifetime. `txn`, `sub` and `aud` are those
 * of the replaced token (TXN-13.15-05), as are `rctx` and claims that nobody defined. `req_wl` becomes the chain of all requesters, first
 * one first. Whether this requester may have a replacement is the caller's to establish.
 *
 * @throws WimseError `ERR_TXN_EXPIRED`, `ERR_TXN_REPLACEMENT_LIMIT`, `ERR_TXN_SCOPE`, `ERR_TXN_SCOPE_WIDER`, `ERR_TXN_CONTEXT`,
 *   `ERR_TXN_CONTEXT_WIDER`, `ERR_TXN_EMBEDDED_TOKEN`, `ERR_TXN_ALG`, `ERR_TXN_TOO_LARGE`, `ERR_OPTIONS_INVALID`, and those of parsing identifiers
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ section 13.15
 */
export async function replaceTransactionToken(
  token: VerifiedTransactionToken,
  replacement: TransactionReplacement,
  options: ReplaceTransactionTokenOptions,
): Promise<string> {
  return (await issueReplacement(token, replacement, options)).token
}

/** As {@link replaceTransactionToken}, with the claims of the new token. @throws WimseError as {@link replaceTransactionToken} */
export async function issueReplacement(
  token: VerifiedTransactionToken,
  replacement: TransactionReplacement,
  options: ReplaceTransactionTokenOptions,
): Promise<IssuedTransaction> {
  assertVerifiedTransactionToken(token)
  const runtime = options.runtime ?? defaultRuntime()
  const { maxRequestingWorkloads = DEFAULT_MAX_REQUESTING_WORKLOADS, narrowing = {}, mayOutlive = false, presentedTokens = [] } = options
  if (!(maxRequestingWorkloads >= 1 && maxRequestingWorkloads <= MAX_REQUESTING_WORKLOADS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxRequestingWorkloads' })
  }
  // The same whole seconds that a replacement can end at.
  const end = Math.floor(token.expiresAt)
  if (runtime.now() >= end * 1000) throw new WimseError('ERR_TXN_EXPIRED')
  const chain = [...token.requestingWorkloads, parseWorkloadIdentifier(replacement.requester)]
  if (chain.length > maxRequestingWorkloads) throw new WimseError('ERR_TXN_REPLACEMENT_LIMIT')
  const { narrowerScope = token.scope, addedContext } = replacement
  const scope = formatScope(narrowerScope)
  if (!narrowerScope.every((value) => token.scope.includes(value))) throw new WimseError('ERR_TXN_SCOPE_WIDER')
  if (addedContext !== undefined) checkContext(addedContext, presentedTokens)
  const before = token.transactionContext
  const tctx = addedContext === undefined ? before : narrowContext(before ?? {}, addedContext, narrowing)
  const iat = Math.floor(runtime.now() / 1000)
  const wanted = iat + boundedLifetime(replacement.lifetimeSeconds, options.maxLifetimeSeconds)
  const { transaction, subject, trustDomain, requesterContext: rctx } = token
  const others = Object.fromEntries(Object.entries(token.claims).filter(([name]) => !OWN_CLAIMS.includes(name)))
  return signTransactionToken(
    {
      iat,
      aud: trustDomain,
      exp: mayOutlive ? wanted : Math.min(wanted, end),
      txn: transaction,
      sub: subject,
      scope,
      req_wl: chain,
      ...(tctx === undefined ? {} : { tctx }),
      ...(rctx === undefined ? {} : { rctx }),
      ...others,
    },
    options,
  )
}
