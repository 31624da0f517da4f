import { type JsonObject, WimseError } from '@wimse/core'
import {
  type ActingGrant,
  type AuthenticatedClient,
  actFor,
  claimsOfActing,
  issueAccessToken,
  issueAuthorizationGrant,
  requireConfirmation,
  TOKEN_TYPES,
  type TokenExchangeParameters,
  tokenExchangeAnswer,
} from '@wimse/token-exchange'
import { keptDeferral } from '../deferral/kept-deferral.ts'
import type { Issued } from './issued.ts'
import { actorOfToken, subjectOfAccessToken, subjectOfTransactionToken } from './subject-token.ts'
import type { TokenRules } from './token-rules.ts'

/**
 * Issues an access token for a target of this domain, in the name of the subject. In order: the target (TEX-2.1-11) and whether this client may ask for
 * it (CHN-2.3.2-03); the key that the client proved, without which there is no token (CHN-5.2-01); the subject token; the actor token, where there is one
 * (TEX-2.1-18); who may act for whom, and with which scope; the token, which lives no longer than the subject token (TEX-5-01).
 *
 * @throws WimseError `ERR_EXCHANGE_…`, `ERR_TRUST_STALE`
 */
export async function exchangeForAccessToken(
  parameters: TokenExchangeParameters,
  client: AuthenticatedClient,
  rules: TokenRules,
): Promise<Issued> {
  // TXN-11.1-04: nobody has business with the trust domain itself but for a transaction token.
  if (parameters.requestedTokenType === undefined && parameters.audiences.includes(rules.trustDomain)) {
    throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'requested_token_type' })
  }
  const { audience } = rules.targets.resolve(parameters, client.identifier)
  const confirmation = requireConfirmation(client)
  const { grant: acting, claims } = await actingOf(parameters, client, audience, rules)
  const { keys, issuer, runtime, config } = rules
  const { subject, actors, scope, notAfter } = acting
  const { token, expiresAt, expiresInSeconds } = await issueAccessToken(
    {
      audience,
      subject,
      actors,
      scope,
      claims: keptDeferral(claims, issuer),
      client: client.identifier,
      confirmation,
      notAfter,
      lifetimeSeconds: config.accessTokens.lifetimeSeconds,
    },
    { ...keys.current(), issuer, runtime },
  )
  const response = tokenExchangeAnswer({ token, issuedTokenType: TOKEN_TYPES.accessToken, expiresInSeconds, scope })
  return { response, token, kind: 'access-token', acting: acting.kind, subject, scope, target: audience, actors: actors.length, expiresAt }
}

/**
 * Issues a grant for the authorization server of another domain (CHN-2.3.3-02). In order: the target; the subject token and the actor token; who
 * may act for whom; what crosses the border, by the table of that target (CHN-2.5-01). The grant names the key that the client proved
 * (CHN-B.3-01), and the client itself where the rule says so or there is no key.
 *
 * @throws WimseError `ERR_EXCHANGE_…`, `ERR_TRUST_STALE`
 */
export async function exchangeForGrant(
  parameters: TokenExchangeParameters,
  client: AuthenticatedClient,
  rules: TokenRules,
): Promise<Issued> {
  const { audience } = rules.outboundTargets.resolve(parameters, client.identifier)
  const outbound = rules.outbound.get(audience)
  if (outbound === undefined) throw new WimseError('ERR_EXCHANGE_TARGET')
  const { grant: acting, claims } = await actingOf(parameters, client, audience, rules)
  const { keys, issuer, runtime, delegation } = rules
  const crossing = outbound.transcription(
    { ...claims, ...claimsOfActing(acting) },
    // What was asked for by name and can't cross is refused; what wasn't stays behind.
    { scope: parameters.scope, maxChainDepth: delegation.maxChainDepth },
  )
  const { confirmation } = client
  const named = outbound.rule.nameClient || confirmation === undefined
  const { token, expiresAt, expiresInSeconds } = await issueAuthorizationGrant(
    {
      ...crossing,
      audience,
      notAfter: acting.notAfter,
      ...(named && { client: client.identifier }),
      ...(confirmation && { confirmation }),
    },
    { ...keys.current(), issuer, runtime },
  )
  const { subject, actors } = acting
  const response = tokenExchangeAnswer({ token, issuedTokenType: TOKEN_TYPES.jwt, expiresInSeconds, scope: crossing.scope })
  const told = { acting: acting.kind, subject, scope: crossing.scope, target: audience, actors: actors.length, expiresAt }
  return { response, token, kind: 'authorization-grant', ...told }
}

/** Whom the client acts for, by the claims of the subject token. */
async function actingOf(
  { subjectToken, actorToken: presented, scope, requestContext, requestDetails }: TokenExchangeParameters,
  client: AuthenticatedClient,
  target: string,
  rules: TokenRules,
): Promise<{ readonly grant: ActingGrant; readonly claims: JsonObject }> {
  if (requestContext !== undefined || requestDetails !== undefined) {
    throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'the context of a transaction' })
  }
  const { claims } = await subjectClaims(subjectToken, client, rules)
  const actorToken = presented && (await actorOfToken(presented, client, rules))
  const grant = actFor({ subject: claims, target, scope, policy: rules.delegation, client: client.identifier, actorToken })
  return { grant, claims }
}

async function subjectClaims(
  { token, type }: TokenExchangeParameters['subjectToken'],
  client: AuthenticatedClient,
  rules: TokenRules,
): Promise<{ readonly claims: JsonObject }> {
  if (type === TOKEN_TYPES.accessToken) return subjectOfAccessToken(token, client, rules)
  if (type === TOKEN_TYPES.transactionToken) return subjectOfTransactionToken(token, client, rules)
  throw new WimseError('ERR_EXCHANGE_TOKEN_TYPE')
}
