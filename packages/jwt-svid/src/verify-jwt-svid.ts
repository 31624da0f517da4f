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
import type { KeyAuthority, TrustBundle, TrustStore } from '@wimse/trust'

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
export const DEFAULT_JWT_SVID_MAX_LIFETIME_SECONDS = 3600

const HEADER_PARAMETERS = ['alg', 'kid', 'typ']

/**
 * Verifies a JWT-SVID (JSVID-4). In order: compact JWS (JSVID-5.1-01), no header but `alg`, `kid`, `typ` (JSVID-2-01), `alg` (JSVID-4-01), `typ`
 * (JSVID-2.3-02: so a WIT is none), `sub` (JSVID-3.1-01), the JWT-SVID keys of its trust domain (JSVID-6.2-01), by `kid` or, without one,
 * the only key that fits, the signature (JSVID-4-02), `exp` (JSVID-3.3-02), `nbf`, `aud` (JSVID-3.2-03). Replay is not judged.
 *
 * @throws WimseError `ERR_JWT_SVID_…`, `ERR_TRUST_STALE`, `ERR_OPTIONS_INVALID`
 * @see https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md
 */
export async function verifyJwtSvid(token: string, options: VerifyJwtSvidOptions): Promise<VerifiedJwtSvid> {
  const { trust, algorithms, maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES } = options
  const { maxLifetimeSeconds: maxLifetime = DEFAULT_JWT_SVID_MAX_LIFETIME_SECONDS } = options
  const { clockToleranceSeconds: tolerance = DEFAULT_JWT_SVID_CLOCK_TOLERANCE_SECONDS } = options
  const runtime = options.runtime ?? defaultRuntime()
  const audiences = typeof options.audience === 'string' ? [options.audience] : options.audience
  if (audiences.length === 0 || audiences.includes('')) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  if (!(tolerance >= 0 && tolerance <= 120)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockToleranceSeconds' })

  const jws = decode(token, maxTokenBytes)
  if (Object.keys(jws.header).some((name) => !HEADER_PARAMETERS.includes(name))) throw new WimseError('ERR_JWT_SVID_HEADER')
  const { alg, typ, kid } = jws.header
  if (!isSignatureAlgorithm(alg) || !SVID_ALGORITHMS.includes(alg)) throw new WimseError('ERR_JWT_SVID_ALG')
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE') throw new WimseError('ERR_JWT_SVID_TYP')
  const identifier = subjectOf(jws.payload)
  const trustDomain = trustDomainOf(identifier)
  if (!allowedAlgorithms(SVID_ALGORITHMS, algorithms, trustDomain).includes(alg)) throw new WimseError('ERR_JWT_SVID_ALG')
  const authority = await findAuthority(trust, trustDomain, kid, alg)
  const verifier = await authority.verifier(alg)
  if (!(await verifier.verify(jws.signingInput, jws.signature))) throw new WimseError('ERR_JWT_SVID_SIGNATURE')

  const now = runtime.now() / 1000
  const { exp, nbf, iat } = jws.payload
  if (typeof exp !== 'number') throw new WimseError('ERR_JWT_SVID_EXP')
  if (now >= exp + tolerance) throw new WimseError('ERR_JWT_SVID_EXPIRED')
  if (exp - now > maxLifetime + tolerance) throw new WimseError('ERR_JWT_SVID_LIFETIME')
  if ((nbf !== undefined && typeof nbf !== 'number') || (iat !== undefined && typeof iat !== 'number'))
    throw new WimseError('ERR_JWT_SVID_CLAIM')
  if (nbf !== undefined && now < nbf - tolerance) throw new WimseError('ERR_JWT_SVID_NOT_YET_VALID')
  const audience = audienceOf(jws.payload)
  if (!audience.some((value) => audiences.includes(value))) throw new WimseError('ERR_JWT_SVID_AUD')
  return { kind: 'jwt-svid', identifier, trustDomain, expiresAt: exp, audience, claims: jws.payload } as VerifiedJwtSvid
}

/**
 * The bearer token of a message: the value of the one Authorization field of the Bearer scheme (JSVID-5.2-01).
 *
 * @throws WimseError `ERR_JWT_SVID_MISSING`, `ERR_JWT_SVID_MALFORMED`
 */
export function readBearerField(fields: FieldLines): string {
  const [value, ...others] = fieldValues(fields, 'authorization')
  if (value === undefined || !/^bearer /i.test(value)) throw new WimseError('ERR_JWT_SVID_MISSING')
  if (others.length > 0) throw new WimseError('ERR_JWT_SVID_MALFORMED', { detail: 'more than one Authorization field' })
  return value.slice('bearer '.length).trim()
}

function decode(token: string, maxBytes: number): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token, maxBytes)
  } catch (error) {
    if (isWimseError(error, 'ERR_JWS_CRIT')) throw recode('ERR_JWT_SVID_HEADER', error)
    throw isWimseError(error) ? recode('ERR_JWT_SVID_MALFORMED', error) : error
  }
}

function subjectOf(claims: JsonObject): WorkloadIdentifier {
  try {
    const identifier = parseWorkloadIdentifier(claims['sub'] as string)
    if (schemeOf(identifier) !== 'spiffe') throw new WimseError('ERR_IDENTIFIER_MALFORMED', { detail: 'scheme' })
    return identifier
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_JWT_SVID_SUB', error) : error
  }
}

async function findAuthority(
  trust: TrustStore,
  trustDomain: TrustDomain,
  keyId: unknown,
  algorithm: SignatureAlgorithm,
): Promise<KeyAuthority> {
  if (keyId !== undefined && typeof keyId !== 'string') throw new WimseError('ERR_JWT_SVID_MALFORMED', { detail: 'kid' })
  const select = (): KeyAuthority | undefined => {
    const candidates = bundleOf(trust, trustDomain).jwtAuthorities.filter((authority) =>
      keyId === undefined ? authority.fits(algorithm) : authority.keyId === keyId,
    )
    return candidates.length === 1 ? candidates[0] : undefined
  }
  const found = select() ?? ((await trust.refresh(trustDomain)) ? select() : undefined)
  if (found === undefined) throw new WimseError('ERR_JWT_SVID_KEY_UNKNOWN')
  if (!found.fits(algorithm)) throw new WimseError('ERR_JWT_SVID_ALG', { detail: 'the key is for another algorithm' })
  return found
}

function bundleOf(trust: TrustStore, trustDomain: TrustDomain): TrustBundle {
  try {
    return trust.bundle(trustDomain)
  } catch (error) {
    throw isWimseError(error, 'ERR_TRUST_DOMAIN_UNKNOWN') ? new WimseError('ERR_JWT_SVID_TRUST_DOMAIN') : error
  }
}

function audienceOf(claims: JsonObject): readonly string[] {
  const { aud } = claims
  const values = typeof aud === 'string' ? [aud] : aud
  if (!Array.isArray(values) || values.length === 0 || values.some((value) => typeof value !== 'string')) {
    throw new WimseError('ERR_JWT_SVID_AUD', { detail: 'missing or malformed' })
  }
  return values
}
