import { WimseError } from '@wimse/core'
import { jsonAnswer, type WholeAnswer, webResponse } from '../protocol/json-response.ts'
import { TOKEN_TYPES } from '../protocol/names.ts'
import { formatScope } from '../protocol/scope.ts'
import { isAbsoluteUri } from '../protocol/uri.ts'

/** A token to hand out. */
export interface TokenResponseOptions {
  readonly token: string
  /** Whole seconds from now on: `exp` of the token minus now (TEX-2.2.1-06). */
  readonly expiresInSeconds: number
  /** What was issued; always told, so that a narrower one can't be overlooked (TEX-2.2.1-07). */
  readonly scope?: readonly string[]
}

/** An exchanged token to hand out. */
export interface TokenExchangeResponseOptions extends TokenResponseOptions {
  /** One of `TOKEN_TYPES`, or a URI of one's own. */
  readonly issuedTokenType: string
}

const KNOWN_TYPES: ReadonlySet<string> = new Set(Object.values(TOKEN_TYPES))

/**
 * The answer to a token exchange: 200, JSON, never stored (TEX-2.2.1-01, CHN-2.3.3-01). `token_type` follows from the kind of token:
 * `Bearer` for an access token, which its own `cnf` binds to a key, `N_A` for anything else (TEX-2.2.1-05). There is no refresh token
 * (TEX-2.2.1-09, CHN-5.4-01).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_EXCHANGE_SCOPE`
 */
export function tokenExchangeResponse(options: TokenExchangeResponseOptions): Response {
  return webResponse(tokenExchangeAnswer(options))
}

/**
 * The same as octets, for servers that have no use for a web `Response`, whose streams cost more than making the token does.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_EXCHANGE_SCOPE`
 */
export function tokenExchangeAnswer(options: TokenExchangeResponseOptions): WholeAnswer {
  const { issuedTokenType } = options
  if (!KNOWN_TYPES.has(issuedTokenType) && !isAbsoluteUri(issuedTokenType))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'issuedTokenType' })
  const tokenType = issuedTokenType === TOKEN_TYPES.accessToken ? 'Bearer' : 'N_A'
  return jsonAnswer({ ...members(options), issued_token_type: issuedTokenType, token_type: tokenType })
}

/**
 * The answer to a redeemed grant (RFC 6749 section 5.1, CHN-2.4.3-01): an access token and no refresh token (CHN-5.4-01).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_EXCHANGE_SCOPE`
 */
export function accessTokenResponse(options: TokenResponseOptions): Response {
  return webResponse(accessTokenAnswer(options))
}

/**
 * The same as octets.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_EXCHANGE_SCOPE`
 */
export function accessTokenAnswer(options: TokenResponseOptions): WholeAnswer {
  return jsonAnswer({ ...members(options), token_type: 'Bearer' })
}

function members({ token, expiresInSeconds, scope }: TokenResponseOptions): {
  readonly access_token: string
  readonly expires_in: number
  readonly scope?: string
} {
  if (typeof token !== 'string' || token === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'token' })
  if (!(expiresInSeconds > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiresInSeconds' })
  return { access_token: token, expires_in: Math.floor(expiresInSeconds), ...(scope === undefined ? {} : { scope: formatScope(scope) }) }
}
