import { type JsonObject, parseTrustDomain } from '@wimse/core'
import type { ClientAuthentication } from '../client-auth/client-authentication.ts'
import { type TypedToken, tokenExchangeRequest } from '../exchange/token-exchange-request.ts'
import { TOKEN_TYPES } from '../protocol/names.ts'
import { checkIssuer, type EndpointOptions } from '../protocol/uri.ts'
import { type Deferral, formatDeferral } from './deferral.ts'

/** What a workload asks for that wants work to be done later. */
export interface DeferredGrantRequestOptions extends EndpointOptions {
  /** The issuer identifier of the token service: what the grant is for. */
  readonly issuer: string
  /** The token on whose behalf the work will be done: a transaction token, or what a rule of the token service takes. */
  readonly subjectToken: TypedToken
  /** What the work needs, and no more. */
  readonly scope: readonly string[]
  readonly deferral: Deferral
  readonly client?: ClientAuthentication
}

/** What a worker redeems. */
export interface RedemptionRequestOptions extends EndpointOptions {
  readonly grant: string
  /** The trust domain, for which the transaction token is. */
  readonly trustDomain: string
  /** Some of the grant's scope. */
  readonly scope: readonly string[]
  /** What will be done. It has to be what the grant is for, or within its limits. */
  readonly parameters: JsonObject
  /** The name of the use, where the grant has several: the same for the same piece of work, whoever does it, such as the number of a job. */
  readonly use?: string
  readonly client?: ClientAuthentication
}

/**
 * Makes the request for a deferred grant. `processTokenExchangeResponse` with `TOKEN_TYPES.deferredGrant` reads the answer. Nothing is sent.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`, `ERR_EXCHANGE_SCOPE`, `ERR_EXCHANGE_PARAMETER_…` for a deferral that is none
 */
export function deferredGrantRequest(endpoint: string | URL, options: DeferredGrantRequestOptions): Request {
  const { issuer, deferral, ...rest } = options
  return tokenExchangeRequest(endpoint, {
    ...rest,
    audience: checkIssuer(issuer),
    requestedTokenType: TOKEN_TYPES.deferredGrant,
    requestDetails: { deferral: formatDeferral(deferral) },
  })
}

/**
 * Makes the request of a worker that redeems a grant for a transaction token. `processTokenExchangeResponse` with `TOKEN_TYPES.transactionToken` reads the
 * answer. When the work is done, `revocationRequest` with that token gives it up and uses the use up. Nothing is sent.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`, `ERR_EXCHANGE_SCOPE`, `ERR_TRUST_DOMAIN_…`
 */
export function redemptionRequest(endpoint: string | URL, options: RedemptionRequestOptions): Request {
  const { grant, trustDomain, parameters, use, ...rest } = options
  return tokenExchangeRequest(endpoint, {
    ...rest,
    subjectToken: { token: grant, type: TOKEN_TYPES.deferredGrant },
    audience: parseTrustDomain(trustDomain),
    requestedTokenType: TOKEN_TYPES.transactionToken,
    requestDetails: { ...(use !== undefined && { use }), parameters },
  })
}
