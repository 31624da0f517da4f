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
import { issueTransaction } from '@wimse/transaction-tokens'
import type { Issued } from '../token/issued.ts'
import { checkAudience, refuseActor, requiredScope, tokenServiceOptions, transactionTokenIssued } from '../token/start-transaction.ts'
import type { TokenRules } from '../token/token-rules.ts'
import { joinChain } from './join-chain.ts'

/**
 * Redeems a deferred grant for a transaction token. In order: audience and scope of the request, no actor token, no `request_context`; the key that the
 * client proved; the grant, its times included; a rule that admits it today; the worker, its parameters and the scope (`checkRedemption`); the chain of
 * actors; the token. Its use is taken after all that and after revocation, so that no failed attempt takes it from others, and is held until the
 * token ends.
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
    issuers: { keys: (name) => (name === issuer ? keys.grantAuthorities() : undefined), refresh: async () => false },
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
  const redeemed = await issueTransaction(
    {
      trustDomain,
      subject,
      scope,
      requester: client.identifier,
      transaction,
      transactionContext: { ...grant.context, ...done },
      lifetimeSeconds: rule.lifetimeSeconds,
      subjectExpiresAt: expiresAt,
      claims: { ...(act !== undefined && { act }), deferral: claim },
    },
    tokenServiceOptions(rules, [grant.token]),
  )
  const issued = transactionTokenIssued(redeemed, 'deferred-redemption', rules)
  const lease = { leaseUntil: issued.expiresAt, expiresAt, uses: Math.min(grant.uses, rule.maxUses), maxTakeovers: rule.maxTakeovers }
  const take = async (): Promise<'new' | 'taken over'> =>
    requireUse(await rules.grantUses.claim({ grant: grantHash, use: use ?? '', ...lease }, runtime.now() / 1000))
  return { ...issued, linkedTransaction: grant.transaction, grantHash, take }
}
