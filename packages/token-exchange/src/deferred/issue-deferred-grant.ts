import { type JsonObject, parseWorkloadIdentifier, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { DEFAULT_MAX_TOKEN_BYTES, defaultRuntime } from '@wimse/keys'
import { type IssueAuthorizationGrantOptions, type IssuedJwt, issueJwt } from '../chaining/issue-authorization-grant.ts'
import type { Actor } from '../delegation/actor-chain.ts'
import { formatScope } from '../protocol/scope.ts'
import { isAbsoluteUri } from '../protocol/uri.ts'
import { canonicalJson, hashOfParameters } from './canonical-json.ts'
import { type Deferral, formatDeferral, parseDeferral } from './deferral.ts'
import { formatParameterLimits } from './parameter-limits.ts'

/** What a deferred grant is to say. All of it is the token service's own decision; a requester only proposes. */
export interface DeferredGrantContents {
  /** For whom the work is done: a user, or the workload itself. */
  readonly subject: string
  /** Those who act for the subject, the current one first: the requester, unless it is the subject, before those of the subject token. */
  readonly actors: readonly Actor[]
  readonly scope: readonly string[]
  /** The URI of the kind of token that it is made of: rules may tell kinds apart, and are asked again at redemption. */
  readonly subjectTokenType: string
  /** The workload that asked for the grant. */
  readonly requester: WorkloadIdentifier
  /** Workloads that asked for the transaction token which the grant was made of, the first one first: whoever stops one of them stops the grant. */
  readonly requestingWorkloads?: readonly string[]
  /** `txn` of the transaction in which the work was deferred. */
  readonly transaction: string
  readonly deferral: Deferral
  /** Members of the transaction's context that go along. */
  readonly context?: JsonObject
}

/** `typ` of a deferred grant, and the claim that has what is deferred: our own, of no specification. */
export const DEFERRED_GRANT_TYPE = 'wimse-ts-deferred-grant+jwt'
export const DEFERRAL_CLAIM = 'wimse_ts_deferral'
export const MAX_DEFERRED_GRANT_LIFETIME_SECONDS: number = 365 * 86_400
export const MAX_TRANSACTION_LENGTH = 256

/**
 * Issues a deferred grant: a JWT of this server for this server, with `jti` of 128 random bits, `nbf`, `exp`, the subject, the chain of actors, and
 * what is deferred. Parameters are in it as their hash alone. In order: the deferral; its end, which lies ahead and no more than
 * {@link MAX_DEFERRED_GRANT_LIFETIME_SECONDS}; requester, transaction, context and scope; the size, which recipients have to be able to read.
 *
 * Not checked: that the subject token was verified, that a rule allows all that, and how long the key that signs will be there to verify.
 *
 * @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED`, `ERR_EXCHANGE_PARAMETER_MISSING`, `ERR_EXCHANGE_PARAMETER_TOO_LARGE`, `ERR_EXCHANGE_SCOPE`,
 *   `ERR_OPTIONS_INVALID`, and those of parsing identifiers
 */
export async function issueDeferredGrant(contents: DeferredGrantContents, options: IssueAuthorizationGrantOptions): Promise<IssuedJwt> {
  const { runtime = defaultRuntime() } = options
  const { subject, subjectTokenType, actors, context = {}, requestingWorkloads = [], transaction } = contents
  const { worker, action, parameters, limits, uses, purpose, notBefore, end } = parseDeferral(formatDeferral(contents.deferral))
  const now = Math.floor(runtime.now() / 1000)
  if (end <= now) throw malformed('end')
  if (end - now > MAX_DEFERRED_GRANT_LIFETIME_SECONDS) throw malformed('end')
  if (typeof transaction !== 'string' || transaction === '' || transaction.length > MAX_TRANSACTION_LENGTH) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'transaction' })
  }
  if (!isAbsoluteUri(subjectTokenType)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'subjectTokenType' })
  canonicalJson(context)
  const claim: JsonObject = {
    subject_token_type: subjectTokenType,
    worker,
    action,
    ...(parameters === undefined ? {} : { parameters_hash: await hashOfParameters(parameters, runtime) }),
    ...(limits === undefined ? {} : { limits: formatParameterLimits(limits) }),
    uses,
    ...(purpose === undefined ? {} : { purpose }),
    ...(Object.keys(context).length === 0 ? {} : { context }),
  }
  const own = {
    aud: options.issuer,
    nbf: Math.max(now, notBefore ?? now),
    txn: transaction,
    scope: formatScope(contents.scope),
    requester: parseWorkloadIdentifier(contents.requester),
    ...(requestingWorkloads.length === 0 ? {} : { req_wl: [...requestingWorkloads] }),
    [DEFERRAL_CLAIM]: claim,
  }
  const issued = await issueJwt(
    DEFERRED_GRANT_TYPE,
    { subject, actors, claims: undefined, own },
    { ...options, runtime, lifetimeSeconds: end - now, notAfter: undefined },
  )
  if (issued.token.length > DEFAULT_MAX_TOKEN_BYTES) throw new WimseError('ERR_EXCHANGE_PARAMETER_TOO_LARGE', { detail: 'deferral' })
  return issued
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: `deferral: ${detail}` })
}
