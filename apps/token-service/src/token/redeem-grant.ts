import { WimseError } from '@wimse/core'
import {
  type AuthenticatedClient,
  accessTokenAnswer,
  issueAccessToken,
  type JwtBearerParameters,
  requireConfirmation,
  verifyAuthorizationGrant,
} from '@wimse/token-exchange'
import type { Issued } from './issued.ts'
import type { TokenRules } from './token-rules.ts'

/**
 * Redeems the grant of another domain's authorization server. In order: the target, which the client names as `resource`; the key that the client
 * proved; the grant, which is used up by that (CHN-5.5-03); what its claims are here, by the table of its issuer (CHN-2.5-05); an
 * access token that is bound to the key that the grant names (CHN-B.3-03).
 *
 * @throws WimseError `ERR_EXCHANGE_…`, `ERR_TRUST_STALE`, `ERR_REPLAY_STORE_…`
 */
export async function redeemGrant(parameters: JwtBearerParameters, client: AuthenticatedClient, rules: TokenRules): Promise<Issued> {
  const { resources, assertion, scope: requested } = parameters
  const { audience } = rules.targets.resolve({ audiences: [], resources }, client.identifier)
  const proven = requireConfirmation(client)
  const { keys, issuer, runtime, config, usedGrants: replay, grantIssuers: issuers, delegation } = rules
  const { maxChainDepth } = delegation
  const grant = await verifyAuthorizationGrant(assertion, {
    issuers,
    audience: issuer,
    client,
    scope: requested,
    replay,
    maxChainDepth,
    runtime,
  })
  const transcription = rules.inbound.get(grant.issuer)
  if (transcription === undefined) throw new WimseError('ERR_EXCHANGE_GRANT_ISSUER')
  const { subject, actors, scope, claims } = transcription(
    { ...grant.claims, scope: grant.scope.join(' ') },
    { scope: requested === undefined ? undefined : grant.scope, maxChainDepth },
  )
  const { token, expiresAt, expiresInSeconds } = await issueAccessToken(
    {
      audience,
      subject,
      actors,
      scope,
      claims,
      client: client.identifier,
      confirmation: grant.confirmation ?? proven,
      lifetimeSeconds: config.accessTokens.lifetimeSeconds,
    },
    { ...keys.current(), issuer, runtime },
  )
  const response = accessTokenAnswer({ token, expiresInSeconds, scope })
  return { response, token, kind: 'access-token', subject, scope, target: audience, actors: actors.length, expiresAt }
}
