import { isWimseError, type JsonObject, recode, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import type { Confirmation } from '../client-auth/authenticated-client.ts'
import { type Actor, parseActorChain } from '../delegation/actor-chain.ts'
import { audiencesOf, type IssuerJwtOptions, issuerJwtRules, verifyIssuerJwt } from '../issuers/verify-issuer-jwt.ts'
import { parseScope } from '../protocol/scope.ts'
import { confirmationOf, confirmationOfProof, type ProvenKey, sameConfirmation } from './confirmation.ts'
import { MAX_ACCESS_TOKEN_LIFETIME_SECONDS } from './issue-access-token.ts'

/** What every access token is judged by. */
export interface AccessTokenRules extends IssuerJwtOptions {
  /** The resource that verifies, or those that a presenter may be: `aud` has to hold one of them. */
  readonly audience: string | readonly string[]
  /** Longest lifetime; 3600 s unless told. */
  readonly maxLifetimeSeconds?: number
  readonly maxChainDepth?: number
}

/** Options of {@link verifyAccessToken}. */
export interface VerifyAccessTokenOptions extends AccessTokenRules {
  /** The key that the caller proved on this request. */
  readonly proof: ProvenKey
  /** Scope values that this use needs. */
  readonly requiredScope?: readonly string[]
}

/** What an access token says. */
export interface AccessTokenClaims {
  readonly issuer: string
  readonly subject: string
  readonly clientId: string | undefined
  readonly audience: readonly string[]
  readonly scope: readonly string[]
  /** The one actor that access control may look at (TEX-4.1-04); undefined where nobody acts for the subject. */
  readonly actor: Actor | undefined
  /** All of them, the current one first: for information and audit only (TEX-4.1-05). */
  readonly actors: readonly Actor[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly claims: JsonObject
}

declare const verifiedAccessTokenBrand: unique symbol

/** An access token whose holder has proven its key. Only verification makes one. */
export interface VerifiedAccessToken extends AccessTokenClaims {
  readonly [verifiedAccessTokenBrand]: true
  readonly confirmation: Confirmation
}

/**
 * Verifies an access token at a resource server. In order: compact JWS, `typ` (BCP-3.12-01), `alg`, issuer and its key (BCP-3.8-01),
 * signature, times, `aud` (BCP-3.9-01), `sub`, `scope` (TEX-4.2-01), `act` (TEX-4.1-01); then `cnf`, which every token needs (CHN-5.2-01)
 * and which is the key that the caller proved on this request (CHN-B.3-04); last the scope that is needed. A token that was stolen is worth
 * nothing to whoever hasn't the key. Revocation is not asked for.
 *
 * @throws WimseError `ERR_EXCHANGE_ACCESS_TOKEN_…`, `ERR_OPTIONS_INVALID`, `ERR_TRUST_STALE`
 * @see RFC 9068, section 4; RFC 7800, section 3
 */
export async function verifyAccessToken(token: string, options: VerifyAccessTokenOptions): Promise<VerifiedAccessToken> {
  const proven = confirmationOfProof(options.proof)
  const read = await readAccessToken(token, options)
  const { cnf } = read.claims
  // CHN-5.2-01
  if (cnf === undefined) throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_UNBOUND')
  const confirmation = confirmationOf(cnf)
  if (confirmation === undefined) throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_CLAIM', { detail: 'cnf' })
  // CHN-B.3-04
  if (!sameConfirmation(confirmation, proven)) throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_PROOF')
  if ((options.requiredScope ?? []).some((value) => !read.scope.includes(value))) {
    throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_SCOPE')
  }
  return { ...read, confirmation } as unknown as VerifiedAccessToken
}

/**
 * Verifies an access token that a client presents as the subject of an exchange: whose it is and what it allows, not that the client may
 * use it as its own. `audience` is what the presenting client itself answers to, so that a token that was meant for others can't be
 * exchanged by who came by it (CHN-5.3-01, TEX-2.1-21, TEX-3-03). A token with `cnf` is taken without proof of that key, since it is the
 * key of the one who called the client.
 *
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN` with the fault in its detail, `ERR_OPTIONS_INVALID`, `ERR_TRUST_STALE`
 */
export async function verifySubjectAccessToken(token: string, rules: AccessTokenRules): Promise<AccessTokenClaims> {
  try {
    return await readAccessToken(token, rules)
  } catch (error) {
    const about = isWimseError(error) && error.code.startsWith('ERR_EXCHANGE_ACCESS_TOKEN_')
    throw about ? recode('ERR_EXCHANGE_SUBJECT_TOKEN', error) : error
  }
}

async function readAccessToken(token: string, options: AccessTokenRules): Promise<AccessTokenClaims> {
  const { maxLifetimeSeconds = MAX_ACCESS_TOKEN_LIFETIME_SECONDS, runtime = defaultRuntime() } = options
  const own = typeof options.audience === 'string' ? [options.audience] : options.audience
  if (own.length === 0 || own.some((value) => typeof value !== 'string' || value === '')) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  }
  const kind = { family: 'ERR_EXCHANGE_ACCESS_TOKEN', typ: /^(?:application\/)?at\+jwt$/i, maxLifetimeSeconds, runtime } as const
  const { issuer, claims, expiresAt } = await verifyIssuerJwt(token, issuerJwtRules(options, kind))
  const audience = audiencesOf(claims)
  if (audience === undefined || !audience.some((value) => own.includes(value))) throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_AUD')
  const { sub, client_id: clientId } = claims
  if (typeof sub !== 'string' || sub === '') throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_CLAIM', { detail: 'sub' })
  if (clientId !== undefined && typeof clientId !== 'string')
    throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_CLAIM', { detail: 'client_id' })
  try {
    const scope = claims['scope'] === undefined ? [] : parseScope(claims['scope'])
    const actors = parseActorChain(claims['act'], options.maxChainDepth)
    return { issuer, subject: sub, clientId, audience, scope, actor: actors[0], actors, expiresAt, claims }
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_EXCHANGE_ACCESS_TOKEN_CLAIM', error) : error
  }
}
