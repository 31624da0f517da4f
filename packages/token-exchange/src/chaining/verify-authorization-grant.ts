import { isWimseError, type JsonObject, type ReplayStore, recode, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { confirmationOf, sameConfirmation } from '../access-token/confirmation.ts'
import { type AuthenticatedClient, assertAuthenticatedClient, type Confirmation } from '../client-auth/authenticated-client.ts'
import { type Actor, parseActorChain } from '../delegation/actor-chain.ts'
import { audiencesOf, type IssuerJwtOptions, issuerJwtRules, verifyIssuerJwt } from '../issuers/verify-issuer-jwt.ts'
import { narrowScope, parseScope } from '../protocol/scope.ts'
import { MAX_AUTHORIZATION_GRANT_LIFETIME_SECONDS } from './issue-authorization-grant.ts'

/** Options of {@link verifyAuthorizationGrant}. */
export interface VerifyAuthorizationGrantOptions extends IssuerJwtOptions {
  /** The issuer identifier of this server, and its token endpoint where grants may name that (JAS-4-04, CHN-2.4.2-02). */
  readonly audience: string | readonly string[]
  /** The client that redeems the grant, authenticated here (CHN-5.5-04). */
  readonly client: AuthenticatedClient
  /** The scope that the client asks for; all of the grant's when undefined. */
  readonly scope: readonly string[] | undefined
  /** Keeps used grants until they expire: each is redeemed once (CHN-5.5-03). */
  readonly replay: ReplayStore
  /** 60 s unless told, which is the most (CHN-5.5-02). */
  readonly maxLifetimeSeconds?: number
  readonly maxChainDepth?: number
}

declare const verifiedGrantBrand: unique symbol

/** A grant that was redeemed. Only verification makes one. */
export interface VerifiedAuthorizationGrant {
  readonly [verifiedGrantBrand]: true
  readonly issuer: string
  readonly subject: string
  readonly actors: readonly Actor[]
  /** What was asked for, a part of what the grant has. */
  readonly scope: readonly string[]
  /** What the access token has to be bound to (CHN-B.3-03): the key that the grant names, or else the one that the client proved here. */
  readonly confirmation: Confirmation | undefined
  readonly jti: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** Every claim, for transcription into this domain (CHN-2.5-05). */
  readonly claims: JsonObject
}

/**
 * Verifies the grant of another domain and uses it up (CHN-2.4.2-01). In order: compact JWS (CHN-2.4.1-02), `typ`, `alg`, an issuer with a
 * configured relationship (CHN-2.1-01, CHN-2.4.2-04) and its own key, signature, times and lifetime (CHN-5.5-02), one audience that is this
 * server (CHN-2.4.2-02, JAS-4-01, JAS-4-02), subject (CHN-2.4.2-03), `jti`, chain of actors, the client and the key that it is for
 * (CHN-5.5-04, CHN-B.3-04), scope (CHN-2.5-03), and last, whether it was used before (CHN-5.5-03). Who the subject is here is for the
 * caller to find out.
 *
 * @throws WimseError `ERR_EXCHANGE_GRANT_…`, `ERR_EXCHANGE_SCOPE`, `ERR_OPTIONS_INVALID`, `ERR_TRUST_STALE`, `ERR_REPLAY_STORE_…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-chaining/ section 2.4.2
 */
export async function verifyAuthorizationGrant(
  assertion: string,
  options: VerifyAuthorizationGrantOptions,
): Promise<VerifiedAuthorizationGrant> {
  const { client, replay, maxLifetimeSeconds = MAX_AUTHORIZATION_GRANT_LIFETIME_SECONDS, runtime = defaultRuntime() } = options
  assertAuthenticatedClient(client)
  if (maxLifetimeSeconds > MAX_AUTHORIZATION_GRANT_LIFETIME_SECONDS) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a limit' })
  const own = typeof options.audience === 'string' ? [options.audience] : options.audience
  if (own.length === 0 || own.some((value) => typeof value !== 'string' || value === '')) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  }
  const kind = {
    family: 'ERR_EXCHANGE_GRANT',
    typ: /^(?:application\/)?authorization-grant\+jwt$/i,
    maxLifetimeSeconds,
    runtime,
  } as const
  const rules = issuerJwtRules(options, kind)
  const { issuer, claims, expiresAt, now } = await verifyIssuerJwt(assertion, rules)

  const [audience, ...others] = audiencesOf(claims) ?? []
  // CHN-2.4.2-02, CHN-2.3.3-04: a grant that others may redeem as well is refused.
  if (audience === undefined || others.length > 0 || !own.includes(audience)) throw new WimseError('ERR_EXCHANGE_GRANT_AUD')
  const { sub, jti } = claims
  if (typeof sub !== 'string' || sub === '') throw new WimseError('ERR_EXCHANGE_GRANT_SUBJECT')
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw new WimseError('ERR_EXCHANGE_GRANT_JTI')
  const { actors, granted } = contentsOf(claims, options.maxChainDepth)
  const confirmation = checkClient(claims, client)
  const scope = narrowScope(options.scope, granted)
  // CHN-5.5-03: once, whoever redeems it. Only its own client gets as far as here.
  const entry = { scope: `grant:${issuer}`, id: jti, expiresAt: expiresAt + rules.toleranceSeconds }
  if (!(await replay.record(entry, now))) throw new WimseError('ERR_EXCHANGE_GRANT_REPLAYED')
  return { issuer, subject: sub, actors, scope, confirmation, jti, expiresAt, claims } as unknown as VerifiedAuthorizationGrant
}

function contentsOf(
  claims: JsonObject,
  maxChainDepth: number | undefined,
): { readonly actors: readonly Actor[]; readonly granted: readonly string[] } {
  try {
    return {
      actors: parseActorChain(claims['act'], maxChainDepth),
      granted: claims['scope'] === undefined ? [] : parseScope(claims['scope']),
    }
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_EXCHANGE_GRANT_CLAIM', error) : error
  }
}

/** The key that the token has to be bound to, once the client is the one that the grant is for. */
function checkClient(claims: JsonObject, client: AuthenticatedClient): Confirmation | undefined {
  const { client_id: clientId, requested_cnf: requested } = claims
  if (clientId === undefined && requested === undefined) throw new WimseError('ERR_EXCHANGE_GRANT_CLIENT', { detail: 'for anyone' })
  if (clientId !== undefined && clientId !== client.identifier) throw new WimseError('ERR_EXCHANGE_GRANT_CLIENT')
  if (requested === undefined) return client.confirmation
  const confirmation = confirmationOf(requested)
  if (confirmation === undefined) throw new WimseError('ERR_EXCHANGE_GRANT_CLAIM', { detail: 'requested_cnf' })
  // CHN-B.3-04
  if (!sameConfirmation(confirmation, client.confirmation)) throw new WimseError('ERR_EXCHANGE_GRANT_CLIENT', { detail: 'another key' })
  return confirmation
}
