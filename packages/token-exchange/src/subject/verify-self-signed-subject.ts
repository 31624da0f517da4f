import { isWimseError, type JsonObject, type ReplayStore, type Runtime, WimseError, withCode } from '@wimse/core'
import {
  DEFAULT_MAX_TOKEN_BYTES,
  decodeUnverifiedJws,
  defaultRuntime,
  isSignatureAlgorithm,
  type SignatureAlgorithm,
  type UnverifiedJws,
  WIMSE_ALGORITHMS,
} from '@wimse/keys'
import { type AuthenticatedClient, assertAuthenticatedClient } from '../client-auth/authenticated-client.ts'
import { audiencesOf } from '../issuers/verify-issuer-jwt.ts'
import { checkIssuer } from '../protocol/uri.ts'
import { MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS } from './sign-self-signed-subject.ts'

/** Options of {@link verifySelfSignedSubject}. */
export interface VerifySelfSignedSubjectOptions {
  /** The client that presents the token: it has to have signed it. */
  readonly client: AuthenticatedClient
  /** The issuer identifier of this token service. */
  readonly audience: string
  /** Keeps tokens that were presented until they expire: each counts once. */
  readonly replay: ReplayStore
  /** `WIMSE_ALGORITHMS` unless told. */
  readonly algorithms?: readonly SignatureAlgorithm[]
  /** How far `iat` and `nbf` may lie ahead: 30 s unless told, 120 s at most. `exp` has no tolerance (TXN-6-02). */
  readonly clockToleranceSeconds?: number
  /** From `iat` to `exp`: {@link MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS} unless told, which is the most. */
  readonly maxLifetimeSeconds?: number
  readonly runtime?: Runtime
}

declare const verifiedSelfSignedBrand: unique symbol

/** What a workload says of a subject, under its own key. Only verification makes one. */
export interface VerifiedSelfSignedSubject {
  readonly [verifiedSelfSignedBrand]: true
  readonly subject: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly claims: JsonObject
}

/**
 * Verifies a self-signed subject token. In order: compact JWS; `typ`, which is `JWT` or missing, since whatever else a workload signs has a type
 * of its own; `alg`; the signature, by the key that the client proved on this very request (TXN-11.3-03); `iss`, the client (TXN-11.2.1-03);
 * `aud`, this token service alone (TXN-11.2.1-06, TXN-11.2.1-07); `sub` (TXN-11.2.1-04); `iat` (TXN-11.2.1-08), neither far ahead nor far
 * back (TXN-11.2.1-09); `exp` (TXN-11.2.1-10, TXN-6-02); last, whether it was presented before, by `jti` or, where there is none, by what was
 * signed. A client that proved no key, such as one with a JWT-SVID, has none to sign with.
 *
 * Not checked: whether this client may speak for that subject, and with which scope. The token is no more than the word of the client: a
 * `scope` in it means nothing.
 *
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN` with the fault in its detail, `ERR_OPTIONS_INVALID`, `ERR_REPLAY_STORE_…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ section 11.2.1
 */
export async function verifySelfSignedSubject(token: string, options: VerifySelfSignedSubjectOptions): Promise<VerifiedSelfSignedSubject> {
  const { client, replay, algorithms = WIMSE_ALGORITHMS, runtime = defaultRuntime() } = options
  const { clockToleranceSeconds = 30, maxLifetimeSeconds = MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS } = options
  assertAuthenticatedClient(client)
  const own = checkIssuer(options.audience)
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 120)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockToleranceSeconds' })
  }
  if (!(maxLifetimeSeconds > 0 && maxLifetimeSeconds <= MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxLifetimeSeconds' })
  }
  const jws = withCode('ERR_EXCHANGE_SUBJECT_TOKEN', () => decodeUnverifiedJws(token, DEFAULT_MAX_TOKEN_BYTES))
  await checkSignature(jws, client, algorithms)

  const { iss, sub, jti } = jws.payload
  // TXN-11.2.1-03
  if (iss !== client.identifier) throw refused('iss')
  const [audience, ...others] = audiencesOf(jws.payload) ?? []
  // TXN-11.2.1-06, TXN-11.2.1-07
  if (audience !== own || others.length > 0) throw refused('aud')
  // TXN-11.2.1-04
  if (typeof sub !== 'string' || sub === '') throw refused('sub')
  const now = runtime.now() / 1000
  const expiresAt = checkTimes(jws.payload, { now, clockToleranceSeconds, maxLifetimeSeconds })
  if (jti !== undefined && (typeof jti !== 'string' || jti === '' || jti.length > 256)) throw refused('jti')
  // A signature can have several forms; what is signed has one.
  const id = jti ?? (await runtime.crypto.digestText('sha-256', token.slice(0, token.lastIndexOf('.'))))
  if (!(await replay.record({ scope: `self-signed:${client.identifier}`, id, expiresAt }, now))) throw refused('presented before')
  return { subject: sub, expiresAt, claims: jws.payload } as unknown as VerifiedSelfSignedSubject
}

async function checkSignature(
  { header, signingInput, signature }: UnverifiedJws,
  client: AuthenticatedClient,
  algorithms: readonly SignatureAlgorithm[],
): Promise<void> {
  const { typ, alg } = header
  if (typ !== undefined && (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT')) throw refused('typ')
  if (!isSignatureAlgorithm(alg) || !algorithms.includes(alg)) throw refused('alg')
  const key = await keyOf(client, alg)
  // TXN-11.3-03
  if (key === undefined) throw refused('the client proved no key that it fits')
  if (!(await key.verify(signingInput, signature))) throw refused('signature')
}

async function keyOf(
  client: AuthenticatedClient,
  algorithm: SignatureAlgorithm,
): Promise<Awaited<ReturnType<AuthenticatedClient['keyFor']>>> {
  try {
    return await client.keyFor(algorithm)
  } catch (error) {
    // The key of a certificate that no algorithm of ours takes.
    if (isWimseError(error)) return undefined
    throw error
  }
}

function checkTimes(
  { iat, exp, nbf }: JsonObject,
  {
    now,
    clockToleranceSeconds,
    maxLifetimeSeconds,
  }: { readonly now: number; readonly clockToleranceSeconds: number; readonly maxLifetimeSeconds: number },
): number {
  // TXN-11.2.1-08
  if (typeof iat !== 'number') throw refused('iat')
  // TXN-11.2.1-10
  if (typeof exp !== 'number') throw refused('exp')
  if (nbf !== undefined && typeof nbf !== 'number') throw refused('nbf')
  // TXN-6-02
  if (now >= exp) throw refused('expired')
  // TXN-11.2.1-09
  if (Math.max(iat, nbf ?? iat) > now + clockToleranceSeconds) throw refused('not valid yet')
  if (exp - iat > maxLifetimeSeconds) throw refused('lifetime')
  return exp
}

function refused(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail })
}
