import { WimseError } from '@wimse/core'
import {
  type AuthenticatedClient,
  checkRedemption,
  formatActorChain,
  requireConfirmation,
  requireUse,
  type TokenExchangeParameters,
  verifyDeferredGrant,
} from '@wimse/token-exchange'
import { issueTransactionToken } from '@wimse/transaction-tokens'
import { refuseRevoked } from '../revocation/refuse-revoked.ts'
import type { Issued } from '../token/issued.ts'
import { checkAudience, refuseActor, requiredScope, tokenServiceOptions, transactionTokenIssued } from '../token/start-transaction.ts'
import type { TokenRules } from '../token/token-rules.ts'
import { joinChain } from './join-chain.ts'

/**
 * Redeems a deferred grant for a transaction token. In order: audience and scope of the request, no actor token, no `request_context`; the key that the
 * client proved; the grant, its times included; a rule that admits it today; the worker, its parameters and the scope (`checkRedemption`); the chain of
 * actors; that nothing of it is stopped, which is asked here as well so that a worker that is stopped takes no use from others; last, the use, which is
 * held until the token ends.
 *
 * The token never outlives the lease: its end was fixed before the use was taken.
 *
 * @throws WimseError `ERR_EXCHANGE_…`, `ERR_TXN_…`, `ERR_TRUST_STALE`, `ERR_REPLAY_STORE_…`
 */
export async function redeemDeferred(parameters: TokenExchangeParameters, client: AuthenticatedClient, rules: TokenRules): Promise<Issued> {
  checkAudience(parameters, rules)
  const asked = requiredScope(parameters)
  refuseActor(parameters)
  const { requestContext, requestDetails, subjectToken } = parameters
  if (requestContext !== undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'request_context' })
  requireConfirmation(client)
  const { issuer, trustDomain, runtime, keys, delegation } = rules
  const grant = await verifyDeferredGrant(subjectToken.token, {
    issuers: { keys: (name) => (name === issuer ? keys.authorities() : undefined), refresh: async () => false },
    issuer,
    maxChainDepth: delegation.maxChainDepth,
    runtime,
  })
  const fitting = rules.deferral.forGrant(grant)
  if (fitting === undefined || (grant.terms.limits !== undefined && !fitting.rule.standing)) throw new WimseError('ERR_EXCHANGE_GRANT_RULE')
  const { rule, action } = fitting
  const {
    use,
    parameters: done,
    scope,
    grantHash,
    transaction,
    claim,
  } = await checkRedemption(grant, {
    client,
    trustDomain,
    details: requestDetails,
    scope: asked,
    permittedScope: Object.keys(action.scope),
    members: action.members,
    runtime,
  })
  const { subject, actors, expiresAt } = grant
  const act = formatActorChain(joinChain({ sub: subject, act: formatActorChain(actors) }, client.identifier, rules))
  const about = { subject, token: grant.token }
  await refuseRevoked({ client, presented: [], issued: about, code: 'ERR_EXCHANGE_GRANT_REVOKED' }, rules.revocations, runtime)
  const now = runtime.now() / 1000
  const end = Math.min(Math.floor(now) + rule.lifetimeSeconds, expiresAt)
  const bounds = { uses: Math.min(grant.uses, rule.maxUses), maxTakeovers: rule.maxTakeovers, leaseUntil: end, expiresAt }
  const outcome = requireUse(await rules.grantUses.claim({ grant: grantHash, use: use ?? '', ...bounds }, now))
  const token = await issueTransactionToken(
    {
      trustDomain,
      subject,
      scope,
      requester: client.identifier,
      transaction,
      transactionContext: { ...grant.context, ...done },
      lifetimeSeconds: rule.lifetimeSeconds,
      subjectExpiresAt: end,
      claims: { ...(act !== undefined && { act }), deferral: claim },
    },
    tokenServiceOptions(rules, [grant.token]),
  )
  const issued = transactionTokenIssued(token, 'deferred-redemption', rules)
  return { ...issued, linkedTransaction: grant.transaction, use: outcome, grantHash }
}
