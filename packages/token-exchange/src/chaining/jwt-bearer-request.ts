import { WimseError, withCode } from '@wimse/core'
import { DEFAULT_MAX_TOKEN_BYTES, decodeUnverifiedJws } from '@wimse/keys'
import type { ClientAuthentication } from '../client-auth/client-authentication.ts'
import { formRequest } from '../exchange/token-exchange-request.ts'
import { audiencesOf } from '../issuers/verify-issuer-jwt.ts'
import { GRANT_TYPES } from '../protocol/names.ts'
import { formatScope } from '../protocol/scope.ts'
import { checkEndpoint, checkIssuer, type EndpointOptions, isAbsoluteUri } from '../protocol/uri.ts'

/** What a client redeems. */
export interface JwtBearerRequestOptions extends EndpointOptions {
  /** The grant, as the other domain's authorization server gave it (CHN-2.4.1-02). */
  readonly assertion: string
  /** The issuer identifier of the server that it is sent to (JAS-4-03). */
  readonly issuer: string
  readonly scope?: readonly string[]
  /** The resource that the access token is for (CHN-2.4.1-03). */
  readonly resource?: string
  readonly client?: ClientAuthentication
}

/**
 * Makes the request that redeems a grant at the authorization server that it is for (CHN-2-01, CHN-2.4-01, CHN-2.4.1-01): a POST of a form.
 * A grant that doesn't name this server alone, by its issuer identifier or this endpoint, is not given to it (JAS-4-03). The grant isn't
 * verified, and nothing is sent.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL` (TEX-6-01), `ERR_EXCHANGE_GRANT_MALFORMED`, `ERR_EXCHANGE_GRANT_AUD`,
 *   `ERR_EXCHANGE_SCOPE`
 */
export function jwtBearerRequest(endpoint: string | URL, options: JwtBearerRequestOptions): Request {
  const { assertion, scope, resource, client } = options
  const url = checkEndpoint(endpoint, options)
  const { payload } = withCode('ERR_EXCHANGE_GRANT_MALFORMED', () => decodeUnverifiedJws(assertion, DEFAULT_MAX_TOKEN_BYTES))
  const [audience, ...others] = audiencesOf(payload) ?? []
  // JAS-4-03: the server of another domain could redeem it there.
  if (others.length > 0 || (audience !== checkIssuer(options.issuer) && audience !== String(endpoint))) {
    throw new WimseError('ERR_EXCHANGE_GRANT_AUD')
  }
  if (resource !== undefined && !isAbsoluteUri(resource)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'resource' })
  const pairs: [string, string][] = [
    ['grant_type', GRANT_TYPES.jwtBearer],
    ['assertion', assertion],
  ]
  if (scope !== undefined) pairs.push(['scope', formatScope(scope)])
  if (resource !== undefined) pairs.push(['resource', resource])
  return formRequest(url, pairs, client)
}
