import {
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
  type PublicJwk,
  parsePublicJwk,
  type SignatureAlgorithm,
  type UnverifiedJws,
} from '@wimse/keys'
import { type FoundKeyAuthority, findKeyAuthority, type TrustBundle, type TrustStore } from '@wimse/trust'
import { isUri } from './is-uri.ts'
import { brandVerifiedWit, type VerifiedWit } from './verified-wit.ts'
import { createKeyPool, createWitCache } from './wit-cache.ts'
import { type WitProfile, type WitProfileName, witProfile } from './wit-profile.ts'

/** Options of {@link createWitVerifier} and {@link verifyWit}. */
export interface VerifyWitOptions {
  readonly trust: TrustStore
  readonly profile: WitProfileName
  /** Narrows the profile's algorithms, for all trust domains or single ones (CRED-3-07). It holds for the header and for `cnf.jwk.alg`. */
  readonly algorithms?: AlgorithmPolicy
  /** Accepted values of `iss` by trust domain. A WIT of a listed trust domain has to carry one of them (CRED-9.1-02). */
  readonly issuers?: Readonly<Record<string, readonly string[]>>
  /** Tolerance of clocks for `exp` and `nbf`: 30 s unless told, 120 s at most. */
  readonly clockToleranceSeconds?: number
  /** Longest time until `exp`: 24 hours unless told (CRED-5.1.4-10, WSVID-3.5-05). */
  readonly maxLifetimeSeconds?: number
  readonly maxTokenBytes?: number
  /** How many verified WITs {@link createWitVerifier} remembers; 10,000 unless told, 0 for none. */
  readonly cacheSize?: number
  readonly runtime?: Runtime
}

export const DEFAULT_CLOCK_TOLERANCE_SECONDS = 30
export const MAX_CLOCK_TOLERANCE_SECONDS = 120
export const DEFAULT_WIT_MAX_LIFETIME_SECONDS = 86_400
export const DEFAULT_WIT_CACHE_SIZE = 10_000

/** For which moment a WIT is judged. */
export interface WitMoment {
  /**
   * Seconds since the epoch: when the message that carries the WIT was taken, by a clock that you trust. Now unless told, and never later.
   * Only times are judged by it; the anchors are those of now.
   */
  readonly at: number
}

/** Verifies WITs under one configuration. */
export type WitVerifier = (token: string, moment?: WitMoment) => Promise<VerifiedWit>

/**
 * Verifies a WIT (CRED-5.1.4, WIT-SVID section 4). In order: compact JWS and strict JSON (CRED-5.1.4-02), `typ` (CRED-5.1.4-05), `alg`
 * by the profile (WSVID-2.3-02), `sub` (CRED-5.1.4-03), `alg` by the policy for its trust domain (CRED-3-07), `kid` where the profile
 * wants one (WSVID-2.1-01), the anchors of the trust domain (CRED-5.1.4-04), the key by `kid` (CRED-3-08) or, without one, the only key
 * that fits (CRED-3-09), the signature (CRED-5.1.4-06), then the claims: `exp`, `nbf`, `iat`, lifetime, `iss`, `aud` (a WIT-SVID has
 * none, WSVID-3.8-01; the `wimse` profile ignores it), and `cnf.jwk` with its `alg` (CRED-5.1.4-07, CRED-5.1.4-08). An unknown `kid`
 * makes the store ask its sources once per cooldown. Other claims and headers are ignored (CRED-5.1.2-04, WSVID-2.4-02). Possession of
 * the key is not verified here, and `jti` is not judged: a WIT is used many times (WSVID-3.3-04).
 *
 * @throws WimseError `ERR_WIT_…`, `ERR_TRUST_STALE`, `ERR_OPTIONS_INVALID`
 * @see https://datatracker.ietf.org/doc/draft-ietf-wimse-workload-creds/ section 5.1.4
 */
export async function verifyWit(token: string, options: VerifyWitOptions): Promise<VerifiedWit> {
  return createWitVerifier({ ...options, cacheSize: 0 })(token)
}

/**
 * As {@link verifyWit}, remembering the WITs that verified by their hash, until an anchor of their trust domain changes. Their times are
 * judged each time.
 *
 * A WIT that is judged for a moment in the past may have expired since: `refusedFrom` of what comes back keeps it useless for requests, and
 * so does the verifier itself when it is asked about now.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, of the verifier for a moment that is no time or in the future
 */
export function createWitVerifier(options: VerifyWitOptions): WitVerifier {
  const { trust, issuers = {}, algorithms: policy } = options
  const { clockToleranceSeconds: tolerance = DEFAULT_CLOCK_TOLERANCE_SECONDS } = options
  const { maxLifetimeSeconds = DEFAULT_WIT_MAX_LIFETIME_SECONDS, maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES } = options
  const runtime = options.runtime ?? defaultRuntime()
  const profile = witProfile(options.profile)
  if (!(tolerance >= 0 && tolerance <= MAX_CLOCK_TOLERANCE_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockToleranceSeconds' })
  }
  // A limit that is no number would limit nothing.
  if (!(maxLifetimeSeconds > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxLifetimeSeconds' })
  if (!(maxTokenBytes > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxTokenBytes' })
  const cache = createWitCache(options.cacheSize ?? DEFAULT_WIT_CACHE_SIZE)
  const pooled = createKeyPool(options.cacheSize ?? DEFAULT_WIT_CACHE_SIZE, runtime)
  const bundleOf = (wit: VerifiedWit): TrustBundle => bundleOfTrustDomain(trust, wit.trustDomain)

  return async (token, moment) => {
    if (typeof token !== 'string' || token.length > maxTokenBytes) throw new WimseError('ERR_WIT_MALFORMED', { detail: 'too long' })
    const present = runtime.now() / 1000
    const now = moment?.at ?? present
    // `!(<=)`: what is no number is no moment. Clocks differ, so that one a little ahead of ours is none of the future.
    if (!(now <= present + tolerance)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the moment that a WIT is judged for' })
    const digest = runtime.crypto.digestText('sha-256', token)
    const hash = typeof digest === 'string' ? digest : await digest
    const seen = cache.get(hash, now, bundleOf)
    if (seen !== undefined) return seen

    const jws = decode(token, maxTokenBytes)
    // CRED-5.1.4-05, WSVID-2.2-01, WSVID-2.2-02
    if (!profile.typFits(jws.header['typ'])) throw new WimseError('ERR_WIT_TYP')
    const { alg } = jws.header
    // CRED-5.1-02, CRED-5.1-03, BCP-3.1-02
    if (!isSignatureAlgorithm(alg) || !profile.algorithms.includes(alg)) throw new WimseError('ERR_WIT_ALG')
    const identifier = subjectOf(jws.payload, profile)
    const trustDomain = trustDomainOf(identifier)
    // A policy that allows a trust domain nothing refuses its tokens; it must not let them look like a fault of ours.
    const allowed = withCode('ERR_WIT_ALG', () => allowedAlgorithms(profile.algorithms, policy, trustDomain))
    if (!allowed.includes(alg)) throw new WimseError('ERR_WIT_ALG')
    const { authority, bundle } = await findAuthority(trust, trustDomain, jws.header['kid'], alg, profile)
    const imported = authority.verifier(alg)
    const verifier = imported instanceof Promise ? await imported : imported
    // CRED-5.1.4-06
    const valid = verifier.verify(jws.signingInput, jws.signature)
    if (!(valid instanceof Promise ? await valid : valid)) throw new WimseError('ERR_WIT_SIGNATURE')

    const { expiresAt, acceptedFrom } = checkTimes(jws.payload, now, tolerance, maxLifetimeSeconds)
    const issuer = checkIssuer(jws.payload, Object.hasOwn(issuers, trustDomain) ? issuers[trustDomain] : undefined)
    if (profile.audienceForbidden && jws.payload['aud'] !== undefined) throw new WimseError('ERR_WIT_AUD')
    const key = pooled(confirmationKeyOf(jws.payload, allowed))
    const confirmation = key instanceof Promise ? await key : key
    const refusedFrom = expiresAt + tolerance
    const wit = brandVerifiedWit({
      token,
      hash,
      identifier,
      trustDomain,
      expiresAt,
      refusedFrom,
      issuer,
      confirmation,
      claims: jws.payload,
    })
    cache.set(wit, bundle, acceptedFrom)
    return wit
  }
}

/** CRED-5.1-01, CRED-3-06, WSVID-1-01, BCP-3.3-03: a compact JWS and nothing else. */
function decode(token: string, maxBytes: number): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token, maxBytes)
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_WIT_MALFORMED', error) : error
  }
}

function subjectOf(claims: JsonObject, profile: WitProfile): WorkloadIdentifier {
  // CRED-5.1-07, CRED-4-02, WSVID-3.1-01
  const { sub } = claims
  if (typeof sub !== 'string') throw new WimseError('ERR_WIT_SUB', { detail: 'not a string' })
  // CRED-4-01, CRED-1.3-01: one canonical identifier, and the scheme's own rules for it.
  const identifier = withCode('ERR_WIT_SUB', () => parseWorkloadIdentifier(sub))
  // WSVID-3.1-02
  if (!profile.schemes.includes(schemeOf(identifier))) throw new WimseError('ERR_WIT_SUB', { detail: 'scheme' })
  return identifier
}

/** CRED-3-01, CRED-3-04, CRED-9.1-01, WSVID-6.2-01: among the keys that this trust domain has for WITs, and no others. */
async function findAuthority(
  trust: TrustStore,
  trustDomain: TrustDomain,
  keyId: unknown,
  algorithm: SignatureAlgorithm,
  profile: WitProfile,
): Promise<FoundKeyAuthority> {
  if (keyId === undefined && profile.keyIdRequired) throw new WimseError('ERR_WIT_KID_MISSING')
  if (keyId !== undefined && typeof keyId !== 'string') throw new WimseError('ERR_WIT_MALFORMED', { detail: 'kid' })
  const bundleNow = (): TrustBundle => bundleOfTrustDomain(trust, trustDomain)
  const found = await findKeyAuthority(bundleNow, () => trust.refresh(trustDomain), { kind: 'wit', keyId, algorithm })
  if (found === 'unknown') throw new WimseError('ERR_WIT_KEY_UNKNOWN')
  if (found === 'ambiguous') throw new WimseError('ERR_WIT_KEY_AMBIGUOUS')
  if (!found.authority.fits(algorithm)) throw new WimseError('ERR_WIT_ALG', { detail: 'the key is for another algorithm' })
  return found
}

function bundleOfTrustDomain(trust: TrustStore, trustDomain: TrustDomain): TrustBundle {
  try {
    return trust.bundle(trustDomain)
  } catch (error) {
    throw isWimseError(error, 'ERR_TRUST_DOMAIN_UNKNOWN') ? new WimseError('ERR_WIT_TRUST_DOMAIN') : error
  }
}

function checkTimes(
  claims: JsonObject,
  now: number,
  tolerance: number,
  maxLifetime: number,
): { readonly expiresAt: number; readonly acceptedFrom: number } {
  const { exp, nbf, iat } = claims
  // CRED-5.1-08, WSVID-3.4-02
  if (typeof exp !== 'number') throw new WimseError('ERR_WIT_EXP')
  // CRED-9.2.1-01, WSVID-3.4-03, WSVID-3.4-04
  if (now >= exp + tolerance) throw new WimseError('ERR_WIT_EXPIRED')
  if (nbf !== undefined && typeof nbf !== 'number') throw new WimseError('ERR_WIT_CLAIM', { detail: 'nbf' })
  // WSVID-3.5-02
  if (nbf !== undefined && now < nbf - tolerance) throw new WimseError('ERR_WIT_NOT_YET_VALID')
  // WSVID-3.6-02: iat limits nothing; it only has to be a time.
  if (iat !== undefined && typeof iat !== 'number') throw new WimseError('ERR_WIT_CLAIM', { detail: 'iat' })
  // CRED-5.1.4-10, WSVID-3.5-05
  if (exp - now > maxLifetime + tolerance) throw new WimseError('ERR_WIT_LIFETIME')
  const start = nbf === undefined ? Number.NEGATIVE_INFINITY : nbf - tolerance
  return { expiresAt: exp, acceptedFrom: Math.max(start, exp - maxLifetime - tolerance) }
}

function checkIssuer(claims: JsonObject, allowed: readonly string[] | undefined): string | undefined {
  const { iss } = claims
  // CRED-5.1-06: a URI. CRED-3-03: it never leads to keys.
  if (iss !== undefined && (typeof iss !== 'string' || !isUri(iss))) throw new WimseError('ERR_WIT_CLAIM', { detail: 'iss' })
  if (allowed !== undefined && (iss === undefined || !allowed.includes(iss))) throw new WimseError('ERR_WIT_ISSUER')
  return iss
}

function confirmationKeyOf(claims: JsonObject, allowed: readonly SignatureAlgorithm[]): PublicJwk {
  const { cnf } = claims
  // CRED-5.1.4-07, WSVID-3.2-02
  const jwk = typeof cnf === 'object' && cnf !== null && 'jwk' in cnf ? cnf['jwk'] : undefined
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw new WimseError('ERR_WIT_CNF')
  // CRED-5.1-14, CRED-5.1-15, CRED-5.1-17 to CRED-5.1-19, WSVID-3.2-04
  const alg: unknown = 'alg' in jwk ? jwk['alg'] : undefined
  if (!isSignatureAlgorithm(alg) || !allowed.includes(alg)) throw new WimseError('ERR_WIT_CNF_ALG')
  // CRED-5.1-11, WSVID-3.2-03: a public key that fits its algorithm.
  return withCode('ERR_WIT_CNF_KEY', () => parsePublicJwk(jwk, { algorithm: alg }))
}
