import {
  type Audience,
  type AudienceCheck,
  createAudienceCheck,
  isWimseError,
  type JsonObject,
  type ReplayStore,
  type RequestView,
  type Runtime,
  recode,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import { DEFAULT_MAX_TOKEN_BYTES, decodeUnverifiedJws, defaultRuntime, isSignatureAlgorithm, type UnverifiedJws } from '@wimse/keys'
import { assertVerifiedWit, DEFAULT_CLOCK_TOLERANCE_SECONDS, MAX_CLOCK_TOLERANCE_SECONDS, type VerifiedWit } from '@wimse/wit'
import { readWptField } from './authorization-field.ts'
import { boundTokensOf, checkOtherTokens, checkTransactionToken, isContextField } from './bound-tokens.ts'

/** Options of {@link createWptVerifier}. */
export interface WptVerifierOptions {
  /** Whom this recipient is, from its configuration (WPT-2-34, WPT-3.1.7-04). */
  readonly audience: Audience
  readonly replay: ReplayStore
  /**
   * Header fields whose tokens the application uses for identity or authorization: refused when present and not bound (WPT-2-40). What
   * isn't named here must decide nothing (WPT-2-43).
   */
  readonly contextFields?: readonly string[]
  /** Longest time until `exp`: 300 s unless told (WPT-2-36). */
  readonly maxLifetimeSeconds?: number
  /** Tolerance of clocks for `exp`: 30 s unless told, 120 s at most. */
  readonly clockToleranceSeconds?: number
  readonly maxTokenBytes?: number
  readonly runtime?: Runtime
}

/** The proof of one request. Only verification makes one (WSVID-4-08, WSVID-5-02, WSVID-7.1-03). */
export interface VerifiedWpt {
  readonly [verifiedWptBrand]: true
  readonly kind: 'wpt'
  /** The workload that made the request. */
  readonly identifier: WorkloadIdentifier
  readonly wit: VerifiedWit
  readonly audience: string
  readonly jti: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** What `tth` and `oth` were, compared with the message: hashes of token fields by field name. Nothing else of it is authenticated. */
  readonly boundTokens: Readonly<Record<string, string>>
}

declare const verifiedWptBrand: unique symbol

export const DEFAULT_WPT_MAX_LIFETIME_SECONDS = 300

/** Verifies the proof of requests whose WIT has been verified. */
export type WptVerifier = (request: Pick<RequestView, 'fields' | 'path'>, wit: VerifiedWit) => Promise<VerifiedWpt>

/**
 * Verifies the WPT of a request against its verified WIT (WPT-2-27: no WPT is looked at before). In order: the WIT, should it have
 * expired since it was verified (WPT-3.2-03); exactly one Authorization field of the WPT scheme (WPT-2-28, WPT-2-29), compact JWS (WPT-2-30), `typ` (WPT-2-33), `alg` equal to that of `cnf.jwk` (WPT-2-31), the signature with the
 * key of the WIT and nothing else (WPT-2-32), `aud` (WPT-2-34), `exp` (WPT-2-35, WPT-2-36), `jti`, `wth` (WPT-2-37), `tth` (WPT-2-39),
 * `oth` (WPT-2-41), and last, once everything else held, replay (WPT-2-38). Claims that are not understood are ignored (WPT-2.3-04).
 * Method, query, body and other header fields are not covered by a WPT, and nothing is checked about them.
 *
 * @throws WimseError `ERR_WIT_EXPIRED`, `ERR_WPT_…`, `ERR_OPTIONS_INVALID`, `ERR_TXN_TOKEN_COUNT`, `ERR_REPLAY_STORE_…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/ section 2
 */
export async function verifyWpt(
  request: Pick<RequestView, 'fields' | 'path'>,
  { wit, ...options }: WptVerifierOptions & { readonly wit: VerifiedWit },
): Promise<VerifiedWpt> {
  return createWptVerifier(options)(request, wit)
}

/**
 * As {@link verifyWpt}, with the options read once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createWptVerifier(options: WptVerifierOptions): WptVerifier {
  const { replay, maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES, maxLifetimeSeconds = DEFAULT_WPT_MAX_LIFETIME_SECONDS } = options
  const { clockToleranceSeconds: tolerance = DEFAULT_CLOCK_TOLERANCE_SECONDS } = options
  const runtime = options.runtime ?? defaultRuntime()
  const audienceFits = createAudienceCheck(options.audience)
  const contextFields = new Set((options.contextFields ?? []).map((name) => name.toLowerCase()))
  if (![...contextFields].every(isContextField)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'contextFields' })
  if (!(tolerance >= 0 && tolerance <= MAX_CLOCK_TOLERANCE_SECONDS) || !(maxLifetimeSeconds > 0)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a time' })
  }
  // A limit that is no number would limit nothing.
  if (!(maxTokenBytes > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxTokenBytes' })

  return async ({ fields, path }, wit) => {
    assertVerifiedWit(wit)
    const now = runtime.now() / 1000
    if (now >= wit.refusedFrom) throw new WimseError('ERR_WIT_EXPIRED')
    const jws = decode(readWptField(fields), maxTokenBytes)
    const { typ, alg } = jws.header
    if (typeof typ !== 'string' || !/^(?:application\/)?wpt\+jwt$/i.test(typ)) throw new WimseError('ERR_WPT_TYP')
    if (!isSignatureAlgorithm(alg)) throw new WimseError('ERR_WPT_ALG')
    const { confirmation } = wit
    // CRED-5.1-16, BCP-3.1-07
    if (alg !== confirmation.algorithm) throw new WimseError('ERR_WPT_ALG_MISMATCH')
    const valid = confirmation.verify(jws.signingInput, jws.signature)
    if (!(valid instanceof Promise ? await valid : valid)) throw new WimseError('ERR_WPT_SIGNATURE')

    const { audience, expiresAt, jti } = checkClaims(jws.payload, { audienceFits, path, now, tolerance, maxLifetimeSeconds })
    const { wth, tth, oth } = jws.payload
    if (wth === undefined) throw new WimseError('ERR_WPT_WTH_MISSING')
    if (wth !== wit.hash) throw new WimseError('ERR_WPT_WTH')
    await checkTransactionToken(jws.payload, fields, runtime)
    if (oth !== undefined || contextFields.size > 0) await checkOtherTokens(jws.payload, fields, contextFields, runtime)

    // WSVID-7.2-05. WPT-3.1.4-01: the space of one sender's key, so that nobody can use up or guess another's.
    const isNew = replay.record({ scope: `wpt:${confirmation.thumbprint}`, id: jti, expiresAt: expiresAt + tolerance }, now)
    if (!(isNew instanceof Promise ? await isNew : isNew)) throw new WimseError('ERR_WPT_REPLAYED')
    const boundTokens = tth === undefined && oth === undefined ? NONE : boundTokensOf(jws.payload)
    return { kind: 'wpt', identifier: wit.identifier, wit, audience, jti, expiresAt, boundTokens } as VerifiedWpt
  }
}

/** WPT-3.1.5-01: nothing of the token enters the error. */
function decode(token: string, maxBytes: number): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token, maxBytes)
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_WPT_MALFORMED', error) : error
  }
}

interface ClaimContext {
  readonly audienceFits: AudienceCheck
  readonly path: string
  readonly now: number
  readonly tolerance: number
  readonly maxLifetimeSeconds: number
}

function checkClaims(claims: JsonObject, context: ClaimContext): { audience: string; expiresAt: number; jti: string } {
  const { aud, exp, jti } = claims
  const { now, tolerance } = context
  if (aud === undefined || aud === '') throw new WimseError('ERR_WPT_AUD_MISSING')
  // WPT-3.1.7-01, WPT-3.1.7-02, WSVID-7.2-01. One audience for one request: a list is refused, as the specification has no rule for it.
  if (typeof aud !== 'string' || !context.audienceFits(aud, context.path)) throw new WimseError('ERR_WPT_AUD')
  // CRED-9.2.2-01, WSVID-7.2-02
  if (exp === undefined) throw new WimseError('ERR_WPT_EXP')
  if (typeof exp !== 'number') throw new WimseError('ERR_WPT_CLAIM', { detail: 'exp' })
  // WPT-3.1.2-02, CRED-9.2.2-02
  if (now >= exp + tolerance) throw new WimseError('ERR_WPT_EXPIRED')
  if (exp - now > context.maxLifetimeSeconds + tolerance) throw new WimseError('ERR_WPT_LIFETIME')
  if (jti === undefined || jti === '') throw new WimseError('ERR_WPT_JTI')
  if (typeof jti !== 'string' || jti.length > MAX_JTI_LENGTH) throw new WimseError('ERR_WPT_CLAIM', { detail: 'jti' })
  return { audience: aud, expiresAt: exp, jti }
}

const NONE: Readonly<Record<string, string>> = Object.freeze({})
/** What the replay store has to hold for one proof is bounded. */
const MAX_JTI_LENGTH = 256
