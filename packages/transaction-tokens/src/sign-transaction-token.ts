import { type JsonObject, type Runtime, WimseError } from '@wimse/core'
import { DEFAULT_MAX_TOKEN_BYTES, type SignatureAlgorithm, type Signer, signCompactJws, WIMSE_ALGORITHMS } from '@wimse/keys'
import { checkContext } from './transaction-context.ts'
import { isStringOrUri } from './transaction-token-claims.ts'
import { TRANSACTION_TOKEN_TYPE } from './transaction-token-type.ts'

/** What a transaction token service signs with, and its bounds. */
export interface TokenServiceOptions {
  readonly signer: Signer
  readonly keyId: string
  /** Written as `iss` when given; recipients get no keys by it (TXN-9.2-01). */
  readonly issuer?: string
  /** Algorithms that recipients accept; `WIMSE_ALGORITHMS` of `@wimse/keys` unless told. */
  readonly algorithms?: readonly SignatureAlgorithm[]
  /** Longest lifetime that this service gives; {@link DEFAULT_ISSUED_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS} unless told. */
  readonly maxLifetimeSeconds?: number
  /** Access tokens that were presented with the request: none of them may be found in what is issued (TXN-13.4-01). */
  readonly presentedTokens?: readonly string[]
  readonly runtime?: Runtime
}

/** A transaction token that was issued, with its claims: what a service tells of it need not be read back out of the token. */
export interface IssuedTransaction {
  readonly token: string
  readonly claims: JsonObject
}

export const DEFAULT_ISSUED_TRANSACTION_TOKEN_LIFETIME_SECONDS = 60
export const DEFAULT_ISSUED_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS = 300

/** Claims that issuing itself sets, or that a transaction token has no use for. */
export const OWN_CLAIMS: readonly string[] = ['iss', 'iat', 'aud', 'exp', 'nbf', 'jti', 'txn', 'sub', 'scope', 'req_wl', 'tctx', 'rctx']

/** The lifetime asked for, within bounds: one second at least, no more than the service gives (TXN-6-05, TXN-13.1-01). */
export function boundedLifetime(
  lifetimeSeconds: number = DEFAULT_ISSUED_TRANSACTION_TOKEN_LIFETIME_SECONDS,
  maxLifetimeSeconds: number = DEFAULT_ISSUED_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS,
): number {
  if (typeof lifetimeSeconds !== 'number' || !(lifetimeSeconds >= 1) || !(lifetimeSeconds <= maxLifetimeSeconds))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  return Math.floor(lifetimeSeconds)
}

/** Signs claims as a transaction token, once nothing in them is a token and the whole isn't larger than recipients take. */
export async function signTransactionToken(contents: JsonObject, options: TokenServiceOptions): Promise<IssuedTransaction> {
  const { signer, keyId, issuer, algorithms = WIMSE_ALGORITHMS, presentedTokens = [] } = options
  if (typeof keyId !== 'string' || keyId === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keyId' })
  if (issuer !== undefined && !isStringOrUri(issuer)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'issuer' })
  if (!algorithms.includes(signer.algorithm)) throw new WimseError('ERR_TXN_ALG')
  if (!presentedTokens.every((token) => typeof token === 'string' && token !== '')) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'presentedTokens' })
  }
  // TXN-13.4-01
  checkContext(contents, presentedTokens)
  // TXN-9.1-01, TXN-9.1-02, TXN-9.1-03
  const header = { typ: TRANSACTION_TOKEN_TYPE, kid: keyId }
  const claims = issuer === undefined ? contents : { iss: issuer, ...contents }
  const token = await signCompactJws(header, claims, signer)
  if (token.length > DEFAULT_MAX_TOKEN_BYTES) throw new WimseError('ERR_TXN_TOO_LARGE')
  return { token, claims }
}
