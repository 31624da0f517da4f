import {
  isJsonObject,
  isWimseError,
  type JsonObject,
  matchesAny,
  parseIdentifierPattern,
  parseStrictJsonObject,
  parseWorkloadIdentifier,
  recode,
  utf8,
  WimseError,
} from '@wimse/core'
import { type AccessTokenClaims, type AuthenticatedClient, verifySubjectAccessToken } from '@wimse/token-exchange'
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
  const prefix = config.accessTokenIssuers.find(({ issuer }) => issuer === verified.issuer)?.subjectPrefix ?? ''
  const subject = `${prefix}${verified.subject}`
  return { ...verified, subject, claims: { ...verified.claims, sub: subject } }
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
export function subjectOfUnsignedJson(text: string, subjects: readonly string[]): { readonly subject: string } {
  const { sub } = readJson(text)
  if (typeof sub !== 'string' || !subjects.some((rule) => fits(rule, sub))) {
    throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'sub' })
  }
  return { subject: sub }
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

function fits(rule: string, subject: string): boolean {
  if (rule === '*' || rule === subject) return true
  if (!rule.endsWith('/*')) return false
  try {
    return matchesAny([parseIdentifierPattern(rule)], parseWorkloadIdentifier(subject))
  } catch (error) {
    if (isWimseError(error)) return false
    throw error
  }
}
