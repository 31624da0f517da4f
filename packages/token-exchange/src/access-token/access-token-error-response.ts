import { type ErrorCode, errorTable, type WimseError } from '@wimse/core'

/**
 * The answer of a resource server to an access token that it refuses (RFC 6750 section 3): 401 with `invalid_token`, 403 with
 * `insufficient_scope`, in `WWW-Authenticate: Bearer`, no body, never stored. For codes that begin with `ERR_EXCHANGE_ACCESS_TOKEN_`; any
 * other is answered with its status alone.
 */
export function accessTokenErrorResponse(failure: WimseError | ErrorCode): Response {
  const code = typeof failure === 'string' ? failure : failure.code
  const { status, reason } = errorTable[code]
  const headers = new Headers({ 'cache-control': 'no-store' })
  if (code.startsWith('ERR_EXCHANGE_ACCESS_TOKEN_')) headers.set('www-authenticate', `Bearer error="${reason}"`)
  return new Response(null, { status, headers })
}
