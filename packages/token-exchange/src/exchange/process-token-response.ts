import { isWimseError, type JsonObject, recode, WimseError } from '@wimse/core'
import { readJson, throwRefusal } from '../protocol/json-response.ts'
import { parseScope } from '../protocol/scope.ts'
import { isAbsoluteUri } from '../protocol/uri.ts'

/** What an authorization server issued. */
export interface IssuedToken {
  /** The token, whatever its kind is (TEX-2.2.1-02). */
  readonly token: string
  /** In lower case: `bearer`, `n_a` (TEX-2.2.1-04). */
  readonly tokenType: string
  /** Seconds from the response on, when the server told. */
  readonly expiresInSeconds: number | undefined
  /** The scope that was issued, when the server told; else it is the one that was asked for (TEX-2.2.1-08). */
  readonly scope: readonly string[] | undefined
}

/** What a token exchange issued. */
export interface ExchangedToken extends IssuedToken {
  /** The URI of its kind (TEX-2.2.1-03). */
  readonly issuedTokenType: string
}

/** Options of {@link processTokenExchangeResponse} and {@link processAccessTokenResponse}. */
export interface ProcessTokenResponseOptions {
  readonly maxResponseBytes?: number
}

/**
 * Checks the response of a token exchange. In order: status 200 (TEX-2.2.1-01), JSON up to the limit, `access_token` (TEX-2.2.1-02),
 * `token_type` (TEX-2.2.1-04), `expires_in`, `scope`, `issued_token_type`, which has to be the one that was asked for (TEX-2.2.1-03). A
 * refresh token is not given out. The token itself is not looked at: that is for the one whom it is for.
 *
 * @throws WimseError `ERR_EXCHANGE_RESPONSE`; a `TokenEndpointRefusal` with `ERR_EXCHANGE_REFUSED` and the server's `error`
 * @see RFC 8693, section 2.2
 */
export async function processTokenExchangeResponse(
  response: Response,
  options: ProcessTokenResponseOptions & {
    /** The `requestedTokenType` of the request; undefined when the choice was the server's. */
    readonly expectedTokenType: string | undefined
  },
): Promise<ExchangedToken> {
  const body = await successBody(response, options)
  const issued = issuedTokenOf(body)
  const { issued_token_type: issuedTokenType } = body
  if (!isAbsoluteUri(issuedTokenType)) throw malformed('issued_token_type')
  if (options.expectedTokenType !== undefined && issuedTokenType !== options.expectedTokenType) throw malformed('another kind of token')
  return { ...issued, issuedTokenType }
}

/**
 * Checks the response to a redeemed grant (CHN-2.4.3-01): as {@link processTokenExchangeResponse}, without `issued_token_type`.
 *
 * @throws WimseError as {@link processTokenExchangeResponse}
 * @see RFC 6749, section 5.1
 */
export async function processAccessTokenResponse(response: Response, options: ProcessTokenResponseOptions = {}): Promise<IssuedToken> {
  const issued = issuedTokenOf(await successBody(response, options))
  if (issued.tokenType === 'n_a') throw malformed('no access token')
  return issued
}

async function successBody(response: Response, { maxResponseBytes }: ProcessTokenResponseOptions): Promise<JsonObject> {
  if (response.status !== 200) await throwRefusal(response, maxResponseBytes)
  return readJson(response, 'ERR_EXCHANGE_RESPONSE', maxResponseBytes)
}

function issuedTokenOf(body: JsonObject): IssuedToken {
  const { access_token: token, token_type: tokenType, expires_in: expiresInSeconds, scope } = body
  if (typeof token !== 'string' || !/^[\x20-\x7e]+$/.test(token)) throw malformed('access_token')
  if (typeof tokenType !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(tokenType)) throw malformed('token_type')
  if (expiresInSeconds !== undefined && !(typeof expiresInSeconds === 'number' && expiresInSeconds >= 0)) throw malformed('expires_in')
  return { token, tokenType: tokenType.toLowerCase(), expiresInSeconds, scope: scope === undefined ? undefined : scopeOf(scope) }
}

function scopeOf(scope: unknown): readonly string[] {
  try {
    return scope === '' ? [] : parseScope(scope)
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_EXCHANGE_RESPONSE', error) : error
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_RESPONSE', { detail })
}
