import { formatBase64url, type JsonObject, type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { defaultRuntime, type Signer, signCompactJws } from '@wimse/keys'
import type { Confirmation } from '../client-auth/authenticated-client.ts'
import { type Actor, formatActorChain } from '../delegation/actor-chain.ts'
import { formatScope } from '../protocol/scope.ts'
import { checkIssuer } from '../protocol/uri.ts'

/** What a grant for another domain is to say. */
export interface AuthorizationGrantContents {
  /** The issuer identifier of the one authorization server that may redeem it (CHN-2.3.3-02, CHN-2.3.3-04). */
  readonly audience: string
  /** Claims that were transcribed for that domain: see `createTranscription`. */
  readonly subject: string
  readonly actors: readonly Actor[]
  readonly scope: readonly string[]
  readonly claims?: JsonObject
  /** The workload that may redeem it. It names the workload to the other domain: leave it out where a key is enough. */
  readonly client?: WorkloadIdentifier
  /** The key that this server saw proven (CHN-B.3-01): whoever redeems it has to prove the same, and the access token is bound to it. */
  readonly confirmation?: Confirmation
  /** Whole seconds, 60 at most (CHN-5.5-02); 60 unless told. */
  readonly lifetimeSeconds?: number
  /** Seconds since the epoch beyond which the grant doesn't live: the end of the subject token. */
  readonly notAfter?: number
}

/** Options of {@link issueAuthorizationGrant}. */
export interface IssueAuthorizationGrantOptions {
  /** The issuer identifier of this authorization server. */
  readonly issuer: string
  readonly signer: Signer
  readonly keyId: string
  readonly runtime?: Runtime
}

/** A token that was issued, with what the answer to its client needs. */
export interface IssuedJwt {
  readonly token: string
  readonly jti: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly expiresInSeconds: number
}

export const MAX_AUTHORIZATION_GRANT_LIFETIME_SECONDS = 60

const OWN_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'scope', 'act', 'client_id', 'cnf', 'requested_cnf']

/**
 * Issues a JWT authorization grant for the authorization server of another domain (CHN-2.3-01, TEX-3-04): `typ` `authorization-grant+jwt`,
 * one audience (CHN-2.3.3-04), `jti` for single use (CHN-5.5-03), a minute at most (CHN-5.5-02). One that neither names a client nor a key
 * is refused: anyone who saw it could redeem it (CHN-5.5-01). That the subject token was verified, the client authenticated (CHN-5.3-01)
 * and the claims transcribed is the caller's to establish.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_EXCHANGE_SCOPE`, `ERR_EXCHANGE_SUBJECT_TOKEN` when `notAfter` has passed
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-chaining/ section 2.3.3
 */
export async function issueAuthorizationGrant(
  grant: AuthorizationGrantContents,
  options: IssueAuthorizationGrantOptions,
): Promise<IssuedJwt> {
  const { client, confirmation, lifetimeSeconds = MAX_AUTHORIZATION_GRANT_LIFETIME_SECONDS } = grant
  if (!(lifetimeSeconds >= 1 && lifetimeSeconds <= MAX_AUTHORIZATION_GRANT_LIFETIME_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  }
  if (client === undefined && confirmation === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a grant for anyone' })
  const claims = {
    aud: checkIssuer(grant.audience),
    scope: formatScope(grant.scope),
    ...(client === undefined ? {} : { client_id: client }),
    ...(confirmation === undefined ? {} : { requested_cnf: { ...confirmation } }),
  }
  const contents = { subject: grant.subject, actors: grant.actors, claims: grant.claims, own: claims }
  return issueJwt('authorization-grant+jwt', contents, { ...options, lifetimeSeconds, notAfter: grant.notAfter })
}

/** Signs a token of this server: what grants and access tokens have in common. */
export async function issueJwt(
  typ: string,
  {
    subject,
    actors,
    claims,
    own,
  }: {
    readonly subject: string
    readonly actors: readonly Actor[]
    readonly claims: JsonObject | undefined
    readonly own: JsonObject
  },
  options: IssueAuthorizationGrantOptions & { readonly lifetimeSeconds: number; readonly notAfter: number | undefined },
): Promise<IssuedJwt> {
  const { signer, keyId, notAfter = Number.POSITIVE_INFINITY, runtime = defaultRuntime() } = options
  if (typeof keyId !== 'string' || keyId === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keyId' })
  if (typeof subject !== 'string' || subject === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'subject' })
  const names = Object.keys(claims ?? {})
  if (names.some((name) => OWN_CLAIMS.includes(name))) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'claims' })
  const now = Math.floor(runtime.now() / 1000)
  const expiresAt = Math.min(now + Math.floor(options.lifetimeSeconds), Math.floor(notAfter))
  if (!(expiresAt > now)) throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'expired' })
  const jti = formatBase64url(runtime.randomBytes(16))
  const act = formatActorChain(actors)
  const payload: JsonObject = {
    ...claims,
    iss: checkIssuer(options.issuer),
    sub: subject,
    iat: now,
    exp: expiresAt,
    jti,
    ...(act === undefined ? {} : { act }),
    ...own,
  }
  const token = await signCompactJws({ typ, kid: keyId }, payload, signer)
  return { token, jti, expiresAt, expiresInSeconds: expiresAt - now }
}
