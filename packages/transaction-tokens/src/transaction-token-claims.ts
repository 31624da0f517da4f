import { isJsonObject, type JsonObject, type TrustDomain, WimseError } from '@wimse/core'
import { parseScope } from './scope.ts'
import type { TransactionTokenContents } from './verified-transaction-token.ts'

/** Longest `txn`, and longest `sub` and member of `req_wl`, in characters. */
export const MAX_TRANSACTION_LENGTH = 256
export const MAX_PRINCIPAL_LENGTH = 2048
/** Most members of `req_wl` that are read. */
export const MAX_REQUESTING_WORKLOADS = 16
/** How far `iat` and `nbf` may lie ahead, besides the clock tolerance. */
const MAX_AHEAD_SECONDS = 30

/** What the claims are judged by. */
export interface ClaimRules {
  readonly audience: TrustDomain
  /** Seconds since the epoch. */
  readonly now: number
  readonly tolerance: number
  readonly maxLifetimeSeconds: number
}

/** Reads the claims of a token whose signature has been verified, in the order that the verifier documents. */
export function readTransactionTokenClaims(token: string, hash: string, claims: JsonObject, rules: ClaimRules): TransactionTokenContents {
  checkAudience(claims['aud'], rules.audience)
  const [issuedAt, expiresAt] = checkTimes(claims, rules)
  return {
    token,
    hash,
    trustDomain: rules.audience,
    // TXN-9.2-07
    transaction: readText(claims['txn'], 'ERR_TXN_TXN', MAX_TRANSACTION_LENGTH),
    // TXN-9.2-08. Whatever `iss` says, it is a principal of the trust domain (TXN-9.2-10).
    subject: readText(claims['sub'], 'ERR_TXN_SUB', MAX_PRINCIPAL_LENGTH),
    // TXN-9.2-11
    scope: parseScope(claims['scope']),
    requestingWorkloads: readRequestingWorkloads(claims['req_wl']),
    transactionContext: readContext(claims['tctx'], 'tctx'),
    requesterContext: readContext(claims['rctx'], 'rctx'),
    issuedAt,
    expiresAt,
    refusedFrom: expiresAt + rules.tolerance,
    issuer: readIssuer(claims['iss']),
    claims,
  }
}

function checkAudience(aud: unknown, audience: TrustDomain): void {
  // TXN-9.2-03
  if (aud === undefined) throw new WimseError('ERR_TXN_AUD_MISSING')
  // TXN-9.2-04, TXN-9.2-05, TXN-12.2-03: one text, one trust domain. A list would make the token valid in another one as well.
  if (aud !== audience) throw new WimseError('ERR_TXN_AUD')
}

/** @returns `iat` and `exp` */
function checkTimes(claims: JsonObject, rules: ClaimRules): readonly [issuedAt: number, expiresAt: number] {
  const { exp, iat, nbf } = claims
  const { now, tolerance, maxLifetimeSeconds } = rules
  // TXN-9.2-06
  if (typeof exp !== 'number') throw new WimseError('ERR_TXN_EXP')
  // TXN-12.2-04
  if (now >= exp + tolerance) throw new WimseError('ERR_TXN_EXPIRED')
  // TXN-9.2-02
  if (typeof iat !== 'number') throw new WimseError('ERR_TXN_IAT')
  if (nbf !== undefined && typeof nbf !== 'number') throw new WimseError('ERR_TXN_CLAIM', { detail: 'nbf' })
  if (Math.max(iat, nbf ?? iat) > now + tolerance + MAX_AHEAD_SECONDS) throw new WimseError('ERR_TXN_NOT_YET_VALID')
  // TXN-6-01, TXN-6-05, TXN-13.1-01
  if (exp - iat > maxLifetimeSeconds) throw new WimseError('ERR_TXN_LIFETIME')
  return [iat, exp]
}

function readText(value: unknown, code: 'ERR_TXN_TXN' | 'ERR_TXN_SUB', maxLength: number): string {
  if (typeof value !== 'string' || value === '' || value.length > maxLength) throw new WimseError(code)
  return value
}

/** TXN-9.2-15: one text, or the chain with its first requester first. */
function readRequestingWorkloads(value: unknown): readonly [string, ...string[]] {
  if (isStringOrUri(value)) return [value]
  const [first, ...others]: readonly unknown[] = Array.isArray(value) ? value : []
  if (!isStringOrUri(first) || !others.every(isStringOrUri) || others.length >= MAX_REQUESTING_WORKLOADS) {
    throw new WimseError('ERR_TXN_REQ_WL')
  }
  return Object.freeze([first, ...others] as const)
}

// RFC 3986: a scheme, and no character that a URI has not.
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\w!#$%&'()*+,./:;=?@[\]~-]+$/

/** RFC 7519 section 2: a text with a colon in it is a URI. */
export function isStringOrUri(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_PRINCIPAL_LENGTH) return false
  return !value.includes(':') || URI.test(value)
}

function readContext(value: unknown, detail: string): JsonObject | undefined {
  if (value !== undefined && !isJsonObject(value)) throw new WimseError('ERR_TXN_CLAIM', { detail })
  return value
}

/** TXN-9.2-01: it may be absent, and never leads to keys. */
function readIssuer(value: unknown): string | undefined {
  if (value !== undefined && !isStringOrUri(value)) throw new WimseError('ERR_TXN_CLAIM', { detail: 'iss' })
  return value
}
