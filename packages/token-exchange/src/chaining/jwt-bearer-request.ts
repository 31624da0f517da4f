import { WimseError } from '@wimse/core'
import type { ClientAuthentication } from '../client-auth/client-authentication.ts'
import { formRequest } from '../exchange/token-exchange-request.ts'
import { GRANT_TYPES } from '../protocol/names.ts'
import { formatScope } from '../protocol/scope.ts'
import { checkEndpoint, type EndpointOptions, isAbsoluteUri } from '../protocol/uri.ts'

/** What a client redeems. */
export interface JwtBearerRequestOptions extends EndpointOptions {
  /** The grant, as the other domain's authorization server gave it (CHN-2.4.1-02). */
  readonly assertion: string
  readonly scope?: readonly string[]
  /** The resource that the access token is for (CHN-2.4.1-03). */
  readonly resource?: string
  readonly client?: ClientAuthentication
}

/**
 * Makes the request that redeems a grant at the authorization server that it is for (CHN-2-01, CHN-2.4-01, CHN-2.4.1-01, JAS-4-03): a POST of a form.
 * Nothing is sent.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL` (TEX-6-01), `ERR_EXCHANGE_SCOPE`
 */
export function jwtBearerRequest(endpoint: string | URL, options: JwtBearerRequestOptions): Request {
  const { assertion, scope, resource, client } = options
  const url = checkEndpoint(endpoint, options)
  if (typeof assertion !== 'string' || assertion === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'assertion' })
  if (resource !== undefined && !isAbsoluteUri(resource)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'resource' })
  const pairs: [string, string][] = [
    ['grant_type', GRANT_TYPES.jwtBearer],
    ['assertion', assertion],
  ]
  if (scope !== undefined) pairs.push(['scope', formatScope(scope)])
  if (resource !== undefined) pairs.push(['resource', resource])
  return formRequest(url, pairs, client)
}
