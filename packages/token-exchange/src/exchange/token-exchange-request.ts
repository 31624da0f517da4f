import { type JsonObject, WimseError } from '@wimse/core'
import type { ClientAuthentication } from '../client-auth/client-authentication.ts'
import { formatForm } from '../protocol/form-parameters.ts'
import { GRANT_TYPES } from '../protocol/names.ts'
import { formatScope } from '../protocol/scope.ts'
import { checkEndpoint, type EndpointOptions, isAbsoluteUri } from '../protocol/uri.ts'

/** A token with the URI that says what kind of token it is. */
export interface TypedToken {
  readonly token: string
  /** One of `TOKEN_TYPES`, or a URI of one's own (TEX-3-01, TEX-3-02). */
  readonly type: string
}

/** What a client asks for. */
export interface TokenExchangeRequestOptions extends EndpointOptions {
  /** The party on whose behalf the request is made (TEX-2.1-16). */
  readonly subjectToken: TypedToken
  /** The acting party, when it isn't the client itself (TEX-2.1-18). */
  readonly actorToken?: TypedToken
  /** Logical names of targets (TEX-2.1-10). Ask for one, unless more are needed (TEX-2.1.1-02). */
  readonly audience?: string | readonly string[]
  /** Absolute URIs of targets (TEX-2.1-05). */
  readonly resource?: string | readonly string[]
  /** Narrower than the subject token's, or the same (TEX-2.1-13, CHN-2.3.1-02). */
  readonly scope?: readonly string[]
  readonly requestedTokenType?: string
  /** Of a transaction token: the environment of the request, and the details of the transaction. */
  readonly requestContext?: JsonObject
  readonly requestDetails?: JsonObject
  readonly client?: ClientAuthentication
}

/**
 * Makes the request of a token exchange (RFC 8693 section 2.1): a POST of a form (TEX-2.1-01) with the grant type (TEX-2.1-04), the subject
 * token and its type (TEX-2.1-17), the actor token together with its type (TEX-2.1-19, TEX-2.1-20), targets, scope, requested type
 * (TEX-2.1-14), and what the client authenticates with. Nothing is sent.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL` (TEX-6-01), `ERR_EXCHANGE_SCOPE`
 */
export function tokenExchangeRequest(endpoint: string | URL, options: TokenExchangeRequestOptions): Request {
  const { subjectToken, actorToken, scope, requestedTokenType, requestContext, requestDetails, client } = options
  const url = checkEndpoint(endpoint, options)
  checkTypedToken(subjectToken)
  const pairs: [string, string][] = [
    ['grant_type', GRANT_TYPES.tokenExchange],
    ['subject_token', subjectToken.token],
    ['subject_token_type', subjectToken.type],
  ]
  if (actorToken !== undefined) {
    checkTypedToken(actorToken)
    pairs.push(['actor_token', actorToken.token], ['actor_token_type', actorToken.type])
  }
  for (const audience of listOf(options.audience)) pairs.push(['audience', audience])
  for (const resource of listOf(options.resource)) {
    if (!isAbsoluteUri(resource)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'resource' })
    pairs.push(['resource', resource])
  }
  if (scope !== undefined) pairs.push(['scope', formatScope(scope)])
  if (requestedTokenType !== undefined) pairs.push(['requested_token_type', requestedTokenType])
  if (requestContext !== undefined) pairs.push(['request_context', JSON.stringify(requestContext)])
  if (requestDetails !== undefined) pairs.push(['request_details', JSON.stringify(requestDetails)])
  return formRequest(url, pairs, client)
}

/** A POST of a form with what the client authenticates with. */
export function formRequest(url: URL, pairs: readonly (readonly [string, string])[], client: ClientAuthentication | undefined): Request {
  const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' })
  for (const [name, value] of client?.fields ?? []) {
    if (!/^[\x21-\x7e]+$/.test(value)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a field of the client' })
    headers.set(name, value)
  }
  // Redirects would carry tokens to whom nobody chose.
  return new Request(url, { method: 'POST', headers, body: formatForm([...pairs, ...(client?.parameters ?? [])]), redirect: 'error' })
}

function checkTypedToken({ token, type }: TypedToken): void {
  if (typeof token !== 'string' || token === '' || !isAbsoluteUri(type)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a token' })
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  const list = value === undefined ? [] : typeof value === 'string' ? [value] : value
  if (list.some((item) => typeof item !== 'string' || item === '')) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a target' })
  return list
}
