import { isJsonObject, isWimseError, type JsonObject, parseStrictJsonObject, recode, utf8, WimseError } from '@wimse/core'
import {
  type AccessTokenClaims,
  type AuthenticatedClient,
  type NameMatcher,
  type TypedToken,
  type VerifiedSelfSignedSubject,
  verifyActorToken,
  verifySelfSignedSubject,
  verifySubjectAccessToken,
} from '@wimse/token-exchange'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'
import type { TokenRules } from './token-rules.ts'

/**
 * Verifies an access token that a client presents: a token of a configured issuer or of this service, for an audience that this client answers
 * to. Subjects of other issuers get the prefix of their issuer, so that each means one principal (TXN-11.3-04).
 *
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN`, `ERR_TRUST_STALE`
 */
export async function subjectOfAccessToken(token: string, client: AuthenticatedClient, rules: TokenRules): Promise<AccessTokenClaims> {
  const { accessTokenIssuers: issuers, runtime, config, delegation } = rules
  const audience = rules.audiencesOf(client.identifier)
  if (audience.length === 0) throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'no audience is configured for this client' })
  const verified = await verifySubjectAccessToken(token, { issuers, audience, runtime, maxChainDepth: delegation.maxChainDepth })
  const subject = `${prefixOf(verified.issuer, config)}${verified.subject}`
  return { ...verified, subject, claims: { ...verified.claims, sub: subject } }
}

/**
 * Verifies the actor token of a client (TEX-2.1-21): an access token for this service or for what the client answers to, or what the client
 * signed itself. The names of other issuers get their prefix, so that none of them can pass a name off as a workload's.
 *
 * @returns the claims that say who the actor is; that it is the client, `actFor` sees to
 * @throws WimseError `ERR_EXCHANGE_ACTOR`, `ERR_TRUST_STALE`, `ERR_REPLAY_STORE_…`
 */
export async function actorOfToken(token: TypedToken, client: AuthenticatedClient, rules: TokenRules): Promise<JsonObject> {
  const { accessTokenIssuers: issuers, issuer, runtime, config, delegation, selfSigned: replay } = rules
  const audience = [issuer, ...rules.audiencesOf(client.identifier)]
  const claims = await verifyActorToken(token, {
    client,
    accessToken: { issuers, audience, runtime, maxChainDepth: delegation.maxChainDepth },
    selfSigned: { audience: issuer, replay, runtime },
  })
  const { iss, sub } = claims
  return typeof iss === 'string' ? { ...claims, sub: `${prefixOf(iss, config)}${String(sub)}` } : claims
}

function prefixOf(name: string, { accessTokenIssuers }: TokenRules['config']): string {
  return accessTokenIssuers.find(({ issuer }) => issuer === name)?.subjectPrefix ?? ''
}

/**
 * Verifies what a workload says of a subject under its own key (TXN-11.2.1-05): the key that it proved on this request. Only subjects of the rule are
 * taken from it, and no scope.
 *
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN`, `ERR_REPLAY_STORE_…`
 */
export async function subjectOfSelfSigned(
  token: string,
  client: AuthenticatedClient,
  isSubject: NameMatcher,
  { issuer: audience, selfSigned: replay, runtime }: TokenRules,
): Promise<VerifiedSelfSignedSubject> {
  const verified = await verifySelfSignedSubject(token, { client, audience, replay, runtime })
  checkSubject(verified.subject, isSubject)
  return verified
}

/**
 * Verifies a transaction token that a client presents. Its own clock tolerance is none (TXN-13.15-06), and only workloads of the trust domain
 * have business with it.
 *
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN`, `ERR_TRUST_STALE`
 */
export async function subjectOfTransactionToken(
  token: string,
  client: AuthenticatedClient,
  rules: TokenRules,
): Promise<VerifiedTransactionToken> {
  if (client.trustDomain !== rules.trustDomain) {
    throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'a client of another trust domain' })
  }
  try {
    return await rules.verifyTransactionToken(token)
  } catch (error) {
    throw isWimseError(error) && error.code.startsWith('ERR_TXN_') ? recode('ERR_EXCHANGE_SUBJECT_TOKEN', error) : error
  }
}

/**
 * Reads what a workload says itself of a subject (TXN-11.2.2-01, TXN-11.2.2-03): a JSON object with `sub`, and nothing signed. The client is
 * authenticated, and only subjects of the rule are taken from it.
 *
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN`
 */
export function subjectOfUnsignedJson(text: string, isSubject: NameMatcher): { readonly subject: string } {
  const { sub } = readJson(text)
  if (typeof sub !== 'string') throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'sub' })
  checkSubject(sub, isSubject)
  return { subject: sub }
}

/** TXN-11.3-04: a workload speaks for those subjects only that its rule gives it. */
function checkSubject(subject: string, isSubject: NameMatcher): void {
  if (!isSubject(subject)) throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'sub' })
}

function readJson(text: string): JsonObject {
  try {
    const value = parseStrictJsonObject(utf8(text))
    if (isJsonObject(value)) return value
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_EXCHANGE_SUBJECT_TOKEN', error) : error
  }
  throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN')
}
