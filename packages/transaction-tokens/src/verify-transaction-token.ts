import { isWimseError, type MaybePromise, parseTrustDomain, type Runtime, recode, type TrustDomain, WimseError } from '@wimse/core'
import {
  DEFAULT_MAX_TOKEN_BYTES,
  decodeUnverifiedJws,
  defaultRuntime,
  isSignatureAlgorithm,
  type SignatureAlgorithm,
  type UnverifiedJws,
  WIMSE_ALGORITHMS,
} from '@wimse/keys'
import type { KeyAuthority } from '@wimse/trust'
import type { TransactionTokenKeys } from './keys/transaction-token-keys.ts'
import { createTransactionTokenCache } from './transaction-token-cache.ts'
import { readTransactionTokenClaims } from './transaction-token-claims.ts'
import { isTransactionTokenType } from './transaction-token-type.ts'
import { brandVerifiedTransactionToken, type VerifiedTransactionToken } from './verified-transaction-token.ts'

/** Options of {@link createTransactionTokenVerifier}. */
export interface VerifyTransactionTokenOptions {
  readonly keys: TransactionTokenKeys
  /** This recipient's own trust domain (TXN-12.2-03). */
  readonly audience: string
  /** Accepted algorithms; `WIMSE_ALGORITHMS` of `@wimse/keys` unless told. */
  readonly algorithms?: readonly SignatureAlgorithm[]
  /** Tolerance of clocks for `exp`: none unless told, 120 s at most. A token that lives for a minute has no room for more. */
  readonly clockToleranceSeconds?: number
  /** Longest time from `iat` to `exp`; {@link DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS} unless told. */
  readonly maxLifetimeSeconds?: number
  readonly maxTokenBytes?: number
  /** How many verified tokens are remembered; 10,000 unless told, 0 for none. */
  readonly cacheSize?: number
  /** Asked at every use, remembered tokens included: whether the transaction or its principal has been stopped meanwhile. */
  readonly isDenied?: (token: VerifiedTransactionToken) => MaybePromise<boolean>
  readonly runtime?: Runtime
}

export const DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS = 600
export const MAX_TRANSACTION_TOKEN_CLOCK_TOLERANCE_SECONDS = 120
export const DEFAULT_TRANSACTION_TOKEN_CACHE_SIZE = 10_000

/** Verifies transaction tokens under one configuration. */
export type TransactionTokenVerifier = (token: string) => Promise<VerifiedTransactionToken>

/**
 * Verifies a transaction token with the options of one call, and remembers nothing. See {@link createTransactionTokenVerifier}.
 *
 * @throws WimseError `ERR_TXN_…`, `ERR_TRUST_DOMAIN_UNKNOWN`, `ERR_TRUST_STALE`, `ERR_OPTIONS_INVALID`
 */
export async function verifyTransactionToken(token: string, options: VerifyTransactionTokenOptions): Promise<VerifiedTransactionToken> {
  return createTransactionTokenVerifier({ ...options, cacheSize: 0 })(token)
}

/**
 * Makes a verifier of transaction tokens, which looks at them before anything is done on their word (TXN-12.2-01). In order: compact JWS
 * and strict JSON (TXN-9-01), `typ` (TXN-9.1-01, TXN-9.1-02), `alg`, the key of the configured service by `kid` (TXN-9.1-03) or, without
 * one, the only key that fits, the signature (TXN-12.2-02, TXN-16.3-01); then the claims: `aud`, which is this trust domain and nothing
 * else (TXN-12.2-03), `exp` (TXN-12.2-04), `iat` and `nbf`, the lifetime, `txn`, `sub`, `scope`, `req_wl`, `tctx`, `rctx`, `iss`; last
 * `isDenied`. An unknown `kid` makes the keys be asked for once per cooldown. Other claims and headers are ignored. Tokens that verified
 * are remembered by their hash until they expire or a key of the service changes.
 *
 * Not checked: who presents the token (`bindTransactionToken` does), what the context means, and whether `txn` was seen before: it is the
 * same in every call of a chain (TXN-13.2-02).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ section 12.2
 */
export function createTransactionTokenVerifier(options: VerifyTransactionTokenOptions): TransactionTokenVerifier {
  const { keys, algorithms = WIMSE_ALGORITHMS, clockToleranceSeconds: tolerance = 0, isDenied } = options
  const { maxLifetimeSeconds = DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS, maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES } = options
  const runtime = options.runtime ?? defaultRuntime()
  const audience = parseTrustDomain(options.audience)
  if (algorithms.length === 0 || !algorithms.every(isSignatureAlgorithm))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'algorithms' })
  if (!(tolerance >= 0 && tolerance <= MAX_TRANSACTION_TOKEN_CLOCK_TOLERANCE_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockToleranceSeconds' })
  }
  // A limit that is no number would limit nothing.
  if (!(maxLifetimeSeconds > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxLifetimeSeconds' })
  if (!(maxTokenBytes > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxTokenBytes' })
  const cache = createTransactionTokenCache(options.cacheSize ?? DEFAULT_TRANSACTION_TOKEN_CACHE_SIZE)

  const checkDenied = (token: VerifiedTransactionToken): MaybePromise<VerifiedTransactionToken> => {
    const denied = isDenied?.(token) ?? false
    return denied instanceof Promise ? denied.then((answer) => allowed(token, answer)) : allowed(token, denied)
  }

  return async (token) => {
    if (typeof token !== 'string' || token.length > maxTokenBytes) throw new WimseError('ERR_TXN_MALFORMED', { detail: 'too long' })
    const now = runtime.now() / 1000
    const digest = runtime.crypto.digestText('sha-256', token)
    const hash = typeof digest === 'string' ? digest : await digest
    const seen = cache.get(hash, now, keys.current(audience))
    if (seen !== undefined) return checkDenied(seen)

    const jws = decode(token, maxTokenBytes)
    if (!isTransactionTokenType(jws.header['typ'])) throw new WimseError('ERR_TXN_TYP')
    const { alg, kid } = jws.header
    if (!isSignatureAlgorithm(alg) || !algorithms.includes(alg)) throw new WimseError('ERR_TXN_ALG')
    const found = select(keys.current(audience), kid, alg) ?? (await selectAgain(keys, audience, kid, alg))
    if (!found.authority.fits(alg)) throw new WimseError('ERR_TXN_ALG', { detail: 'the key is for another algorithm' })
    const made = found.authority.verifier(alg)
    const verifier = made instanceof Promise ? await made : made
    const valid = verifier.verify(jws.signingInput, jws.signature)
    if (!(valid instanceof Promise ? await valid : valid)) throw new WimseError('ERR_TXN_SIGNATURE')

    const rules = { audience, now, tolerance, maxLifetimeSeconds }
    const verified = brandVerifiedTransactionToken(readTransactionTokenClaims(token, hash, jws.payload, rules))
    cache.set(verified, found.authorities)
    return checkDenied(verified)
  }
}

function allowed(token: VerifiedTransactionToken, denied: boolean): VerifiedTransactionToken {
  if (denied) throw new WimseError('ERR_TXN_DENIED')
  return token
}

function decode(token: string, maxBytes: number): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token, maxBytes)
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_TXN_MALFORMED', error) : error
  }
}

interface FoundAuthority {
  readonly authority: KeyAuthority
  readonly authorities: readonly KeyAuthority[]
}

function select(authorities: readonly KeyAuthority[], keyId: unknown, algorithm: SignatureAlgorithm): FoundAuthority | undefined {
  if (keyId !== undefined && typeof keyId !== 'string') throw new WimseError('ERR_TXN_MALFORMED', { detail: 'kid' })
  let found: FoundAuthority | undefined
  for (const authority of authorities) {
    if (keyId === undefined ? !authority.fits(algorithm) : authority.keyId !== keyId) continue
    if (found !== undefined) throw new WimseError('ERR_TXN_KEY_AMBIGUOUS')
    found = { authority, authorities }
  }
  return found
}

async function selectAgain(
  keys: TransactionTokenKeys,
  trustDomain: TrustDomain,
  keyId: unknown,
  algorithm: SignatureAlgorithm,
): Promise<FoundAuthority> {
  const found = (await keys.refresh(trustDomain)) ? select(keys.current(trustDomain), keyId, algorithm) : undefined
  if (found === undefined) throw new WimseError('ERR_TXN_KEY_UNKNOWN')
  return found
}
