import {
  type FieldLines,
  fieldValues,
  isWimseError,
  type JsonObject,
  parseWorkloadIdentifier,
  type Runtime,
  recode,
  schemeOf,
  type TrustDomain,
  trustDomainOf,
  WimseError,
  type WorkloadIdentifier,
  withCode,
} from '@wimse/core'
import {
  type AlgorithmPolicy,
  allowedAlgorithms,
  DEFAULT_MAX_TOKEN_BYTES,
  decodeUnverifiedJws,
  defaultRuntime,
  isSignatureAlgorithm,
  type SignatureAlgorithm,
  SVID_ALGORITHMS,
  type UnverifiedJws,
} from '@wimse/keys'
import { findKeyAuthority, type KeyAuthority, type TrustBundle, type TrustStore } from '@wimse/trust'

/** Options of {@link verifyJwtSvid}. */
export interface VerifyJwtSvidOptions {
  readonly trust: TrustStore
  /** The values by which this service knows itself; `aud` has to hold one of them (JSVID-3.2-03). */
  readonly audience: string | readonly string[]
  readonly algorithms?: AlgorithmPolicy
  /** 30 s unless told, 120 s at most (JSVID-A-05). */
  readonly clockToleranceSeconds?: number
  /** Longest time until `exp`: one hour unless told. */
  readonly maxLifetimeSeconds?: number
  readonly maxTokenBytes?: number
  readonly runtime?: Runtime
}

/** A JWT-SVID whose verification has succeeded. It is a bearer credential: whoever has the token is believed. */
export interface VerifiedJwtSvid {
  readonly [verifiedJwtSvidBrand]: true
  readonly kind: 'jwt-svid'
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly audience: readonly string[]
  readonly claims: JsonObject
}

declare const verifiedJwtSvidBrand: unique symbol

export const DEFAULT_JWT_SVID_CLOCK_TOLERANCE_SECONDS = 30
const MAX_CLOCK_TOLERANCE_SECONDS = 120
export const DEFAULT_JWT_SVID_MAX_LIFETIME_SECONDS = 3600

const HEADER_PARAMETERS = ['alg', 'kid', 'typ']

/**
 * Verifies a JWT-SVID. In order: compact JWS (JSVID-5.1-01, JSVID-2-02), `alg` (JSVID-4-01, JSVID-2.1-02), no header but `alg`, `kid`, `typ`
 * (JSVID-2-01), `typ` (JSVID-2.3-02: so a WIT is none, WSVID-7.1-04), `sub` (JSVID-3.1-01), `alg` by the policy for its trust domain
 * (BCP-3.1-04), the JWT-SVID keys of the trust domain and no others (JSVID-6.2-01, JSVID-6.2-03), by `kid` or, without one, the only key
 * that fits, the signature (JSVID-4-02), `exp` (JSVID-3.3-02, JSVID-4-04), `nbf`, `iat`, the lifetime, `aud` (JSVID-3.2-02, JSVID-3.2-03).
 * An unknown `kid` makes the store ask its sources once per cooldown. Replay is not judged: `jti` is ignored (JSVID-7.1-02), and
 * whoever has the token is believed.
 *
 * @throws WimseError `ERR_JWT_SVID_…`, `ERR_TRUST_STALE`, `ERR_OPTIONS_INVALID`
 * @see https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md
 */
export async function verifyJwtSvid(token: string, options: VerifyJwtSvidOptions): Promise<VerifiedJwtSvid> {
  const { trust, algorithms, maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES } = options
  const { maxLifetimeSeconds: maxLifetime = DEFAULT_JWT_SVID_MAX_LIFETIME_SECONDS } = options
  const { clockToleranceSeconds: tolerance = DEFAULT_JWT_SVID_CLOCK_TOLERANCE_SECONDS } = options
  const runtime = options.runtime ?? defaultRuntime()
  const audiences = ownAudiences(options.audience)
  if (!(tolerance >= 0 && tolerance <= MAX_CLOCK_TOLERANCE_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockToleranceSeconds' })
  }
  // A limit that is no number would limit nothing.
  if (!(maxLifetime > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxLifetimeSeconds' })
  if (!(maxTokenBytes > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxTokenBytes' })

  const jws = decode(token, maxTokenBytes)
  const { alg, typ, kid } = jws.header
  // JSVID-4-01: before anything else. JSVID-A-01
  if (!isSignatureAlgorithm(alg) || !SVID_ALGORITHMS.includes(alg)) throw new WimseError('ERR_JWT_SVID_ALG')
  if (Object.keys(jws.header).some((name) => !HEADER_PARAMETERS.includes(name))) throw new WimseError('ERR_JWT_SVID_HEADER')
  // BCP-3.11-05
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE') throw new WimseError('ERR_JWT_SVID_TYP')
  const identifier = subjectOf(jws.payload)
  const trustDomain = trustDomainOf(identifier)
  // A policy that allows a trust domain nothing refuses its tokens; it must not let them look like a fault of ours.
  const allowed = withCode('ERR_JWT_SVID_ALG', () => allowedAlgorithms(SVID_ALGORITHMS, algorithms, trustDomain))
  if (!allowed.includes(alg)) throw new WimseError('ERR_JWT_SVID_ALG')
  const authority = await findAuthority(trust, trustDomain, kid, alg)
  const made = authority.verifier(alg)
  const verifier = made instanceof Promise ? await made : made
  const valid = verifier.verify(jws.signingInput, jws.signature)
  if (!(valid instanceof Promise ? await valid : valid)) throw new WimseError('ERR_JWT_SVID_SIGNATURE')

  const expiresAt = checkTimes(jws.payload, runtime.now() / 1000, tolerance, maxLifetime)
  const audience = audienceOf(jws.payload)
  // JSVID-3.2-03, JSVID-4-03, BCP-3.9-02: the same text, nothing less.
  if (!audience.some((value) => audiences.includes(value))) throw new WimseError('ERR_JWT_SVID_AUD')
  return { kind: 'jwt-svid', identifier, trustDomain, expiresAt, audience, claims: jws.payload } as VerifiedJwtSvid
}

/**
 * The bearer token of a message: the value of the one Authorization field of the Bearer scheme (JSVID-5.2-01). Nothing in it has been
 * verified.
 *
 * @throws WimseError `ERR_JWT_SVID_MISSING` (no field, or another scheme), `ERR_JWT_SVID_MALFORMED` (several fields, no single token)
 */
export function readBearerField(fields: FieldLines): string {
  const [value, ...others] = fieldValues(fields, 'authorization')
  if (others.length > 0) throw new WimseError('ERR_JWT_SVID_MALFORMED', { detail: 'more than one Authorization field' })
  if (value === undefined || !/^bearer(?: |$)/i.test(value)) throw new WimseError('ERR_JWT_SVID_MISSING')
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.[1]
  if (token === undefined) throw new WimseError('ERR_JWT_SVID_MALFORMED', { detail: 'credentials' })
  return token
}

/** JSVID-A-03: at least one audience, from configuration. */
function ownAudiences(audience: string | readonly string[]): readonly string[] {
  const audiences = typeof audience === 'string' ? [audience] : audience
  if (!Array.isArray(audiences) || audiences.length === 0 || audiences.some((value) => typeof value !== 'string' || value === '')) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  }
  return audiences
}

/** JSVID-1-01, JSVID-5.1-02: a compact JWS has no unprotected header. */
function decode(token: string, maxBytes: number): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token, maxBytes)
  } catch (error) {
    if (isWimseError(error, 'ERR_JWS_CRIT')) throw recode('ERR_JWT_SVID_HEADER', error)
    throw isWimseError(error) ? recode('ERR_JWT_SVID_MALFORMED', error) : error
  }
}

function subjectOf(claims: JsonObject): WorkloadIdentifier {
  const { sub } = claims
  if (typeof sub !== 'string') throw new WimseError('ERR_JWT_SVID_SUB', { detail: 'not a string' })
  const identifier = withCode('ERR_JWT_SVID_SUB', () => parseWorkloadIdentifier(sub))
  if (schemeOf(identifier) !== 'spiffe') throw new WimseError('ERR_JWT_SVID_SUB', { detail: 'scheme' })
  return identifier
}

/** JSVID-6.2-02: among the keys that the trust domain has for JWT-SVIDs. */
async function findAuthority(
  trust: TrustStore,
  trustDomain: TrustDomain,
  keyId: unknown,
  algorithm: SignatureAlgorithm,
): Promise<KeyAuthority> {
  if (keyId !== undefined && typeof keyId !== 'string') throw new WimseError('ERR_JWT_SVID_MALFORMED', { detail: 'kid' })
  const bundleNow = (): TrustBundle => bundleOf(trust, trustDomain)
  const found = await findKeyAuthority(bundleNow, () => trust.refresh(trustDomain), { kind: 'jwt', keyId, algorithm })
  if (found === 'unknown' || found === 'ambiguous') throw new WimseError('ERR_JWT_SVID_KEY_UNKNOWN', { detail: found })
  if (!found.authority.fits(algorithm)) throw new WimseError('ERR_JWT_SVID_ALG', { detail: 'the key is for another algorithm' })
  return found.authority
}

function bundleOf(trust: TrustStore, trustDomain: TrustDomain): TrustBundle {
  try {
    return trust.bundle(trustDomain)
  } catch (error) {
    throw isWimseError(error, 'ERR_TRUST_DOMAIN_UNKNOWN') ? new WimseError('ERR_JWT_SVID_TRUST_DOMAIN') : error
  }
}

function checkTimes(claims: JsonObject, now: number, tolerance: number, maxLifetime: number): number {
  const { exp, nbf, iat } = claims
  // JSVID-3.3-02, JSVID-4-05
  if (typeof exp !== 'number') throw new WimseError('ERR_JWT_SVID_EXP')
  // JSVID-4-04, JSVID-A-04, JSVID-A-05
  if (now >= exp + tolerance) throw new WimseError('ERR_JWT_SVID_EXPIRED')
  if (nbf !== undefined && typeof nbf !== 'number') throw new WimseError('ERR_JWT_SVID_CLAIM', { detail: 'nbf' })
  if (nbf !== undefined && now < nbf - tolerance) throw new WimseError('ERR_JWT_SVID_NOT_YET_VALID')
  if (iat !== undefined && typeof iat !== 'number') throw new WimseError('ERR_JWT_SVID_CLAIM', { detail: 'iat' })
  if (exp - now > maxLifetime + tolerance) throw new WimseError('ERR_JWT_SVID_LIFETIME')
  return exp
}

function audienceOf(claims: JsonObject): readonly string[] {
  const { aud } = claims
  // JSVID-3.2-02, JSVID-4-05, JSVID-A-02
  if (aud === undefined || (Array.isArray(aud) && aud.length === 0)) throw new WimseError('ERR_JWT_SVID_AUD_MISSING')
  const values = typeof aud === 'string' ? [aud] : aud
  if (!Array.isArray(values) || values.some((value) => typeof value !== 'string')) {
    throw new WimseError('ERR_JWT_SVID_CLAIM', { detail: 'aud' })
  }
  return values
}
