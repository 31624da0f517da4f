import { type JsonObject, type TrustDomain, trustDomainOf, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { decodeUnverifiedJws } from '@wimse/keys'
import { withAttemptSignal } from '../connection/attempt-signal.ts'
import { malformed, workloadApiError } from '../connection/call-errors.ts'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import type { JWTSVID } from '../generated/workload_pb.ts'
import { firstOfEachHint } from './hints.ts'
import { inResponse, parseSpiffeId } from './identities.ts'

/** A JWT-SVID of this workload. It is a bearer token: whoever sees it can use it towards its audience. */
export interface JwtSvidCredential {
  readonly token: string
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  readonly audience: readonly string[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly hint?: string
}

/** What {@link fetchJwtSvids} asks for. */
export interface JwtSvidRequest {
  /** One audience or several; all of them go into the token (WLAPI-6.1-01, WLAPI-6.2.1-01). */
  readonly audience: string | readonly string[]
  /** The identity to get a token for; all of this workload unless told (WLAPI-6.2.1-02). */
  readonly identifier?: WorkloadIdentifier
  readonly signal?: AbortSignal
}

/**
 * Fetches JWT-SVIDs, the default one first. Each is checked to be a compact JWS (WLAPI-6.1-02) with the subject that the answer
 * names, the audiences that were asked for, and an expiry to come. Its signature is not verified: that is the recipient's business.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` without an audience; `ERR_WORKLOAD_API_NO_IDENTITY`, `ERR_WORKLOAD_API_INVALID_ARGUMENT`,
 *   `ERR_WORKLOAD_API_UNIMPLEMENTED`, `ERR_WORKLOAD_API_UNAVAILABLE`, `ERR_WORKLOAD_API_RESPONSE`
 * @see SPIFFE Workload API, section 6.2.1
 */
export async function fetchJwtSvids(
  api: WorkloadApi,
  request: JwtSvidRequest,
): Promise<readonly [JwtSvidCredential, ...JwtSvidCredential[]]> {
  const audience = typeof request.audience === 'string' ? [request.audience] : [...request.audience]
  if (audience.length === 0 || audience.includes('')) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  const { identifier } = request
  const response = await call(api, request.signal, (options) =>
    api.client.fetchJWTSVID({ audience, ...(identifier !== undefined && { spiffeId: identifier }) }, options),
  )
  const now = api.runtime.now() / 1000
  const [first, ...rest] = firstOfEachHint(response.svids).map((svid) => decodeJwtSvid(svid, audience, now))
  if (first === undefined) throw malformed('no JWT-SVID') // WLAPI-6.2.1-04
  if (identifier !== undefined && [first, ...rest].some((svid) => svid.identifier !== identifier)) {
    throw malformed('a JWT-SVID of another identity than the one that was asked for')
  }
  return [first, ...rest]
}

/** Fetches one JWT-SVID: that of the identity asked for, else of the default identity. Throws as {@link fetchJwtSvids}. */
export async function fetchJwtSvid(api: WorkloadApi, request: JwtSvidRequest): Promise<JwtSvidCredential> {
  const [first] = await fetchJwtSvids(api, request)
  return first
}

/** What the Workload API says about a JWT-SVID of somebody else. */
export interface ValidatedJwtSvid {
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  readonly claims: JsonObject
}

/**
 * Lets the Workload API validate a JWT-SVID (WLAPI-6.3-01). Its answer is believed; that it is complete (WLAPI-6.2.3-04,
 * WLAPI-6.2.3-05) and names one identity is checked. `@wimse/jwt-svid` validates without a round trip.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` without token or audience; `ERR_WORKLOAD_API_INVALID_ARGUMENT` for a token that is not
 *   valid; as {@link fetchJwtSvids} otherwise
 * @see SPIFFE Workload API, section 6.2.3
 */
export async function validateJwtSvid(
  api: WorkloadApi,
  request: { readonly token: string; readonly audience: string; readonly signal?: AbortSignal },
): Promise<ValidatedJwtSvid> {
  const { token, audience } = request
  if (token === '' || audience === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'token or audience' })
  const response = await call(api, request.signal, (options) => api.client.validateJWTSVID({ svid: token, audience }, options))
  const identifier = parseSpiffeId(response.spiffeId)
  const claims: JsonObject | undefined = response.claims
  if (claims === undefined || claims['sub'] !== identifier) throw malformed('the claims of a validated JWT-SVID')
  return { identifier, trustDomain: trustDomainOf(identifier), claims }
}

interface UnaryOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

async function call<T>(api: WorkloadApi, signal: AbortSignal | undefined, run: (options: UnaryOptions) => Promise<T>): Promise<T> {
  try {
    return await withAttemptSignal([api.closed, signal], (own) => run({ timeoutMs: api.callTimeoutMs, signal: own }))
  } catch (failure) {
    throw workloadApiError(failure)
  }
}

function decodeJwtSvid({ spiffeId, svid, hint }: JWTSVID, audience: readonly string[], now: number): JwtSvidCredential {
  const identifier = parseSpiffeId(spiffeId)
  const { payload } = inResponse('a JWT-SVID', () => decodeUnverifiedJws(svid))
  const { sub, exp, aud } = payload
  if (sub !== identifier) throw malformed('a JWT-SVID has another subject')
  if (typeof exp !== 'number' || exp <= now) throw malformed('a JWT-SVID has no expiry to come')
  const granted: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audience.every((name) => granted.includes(name))) throw malformed('a JWT-SVID lacks an audience')
  return { token: svid, identifier, trustDomain: trustDomainOf(identifier), audience, expiresAt: exp, ...(hint !== '' && { hint }) }
}
