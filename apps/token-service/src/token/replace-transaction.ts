import { WimseError } from '@wimse/core'
import type { AuthenticatedClient, TokenExchangeParameters } from '@wimse/token-exchange'
import { atMost, issueReplacement, type NarrowingRule, subsetOf } from '@wimse/transaction-tokens'
import type { NarrowingName } from '../config/policy-config.ts'
import type { Issued } from './issued.ts'
import { checkAudience, refuseActor, requiredScope, tokenServiceOptions, transactionTokenIssued } from './start-transaction.ts'
import { subjectOfTransactionToken } from './subject-token.ts'
import type { TokenRules } from './token-rules.ts'

const NARROWING: Readonly<Record<NarrowingName, NarrowingRule>> = { 'at-most': atMost, 'subset-of': subsetOf }

/**
 * Replaces a transaction token with caution (TXN-13.15-01). In order: audience and scope of the request; a rule for this requester; the token,
 * which lives still (TXN-13.15-06); then what `issueReplacement` checks: the scope and the context only narrow (TXN-13.15-02,
 * TXN-13.15-04), members are only added where the rule names them (TXN-13.15-03), `txn`, `sub` and `aud` stay (TXN-13.15-05), the number
 * of requesters is bounded (TXN-13.15-08). `rctx` stays as it was: a `request_context` is refused.
 *
 * @throws WimseError `ERR_EXCHANGE_…`, `ERR_POLICY_DENIED`, `ERR_TXN_…`
 */
export async function replaceTransaction(
  parameters: TokenExchangeParameters,
  client: AuthenticatedClient,
  rules: TokenRules,
): Promise<Issued> {
  checkAudience(parameters, rules)
  const narrowerScope = requiredScope(parameters)
  refuseActor(parameters)
  const { subjectToken, requestContext, requestDetails } = parameters
  if (requestContext !== undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'request_context' })
  const rule = client.trustDomain === rules.trustDomain ? rules.replacementRule(client) : undefined
  if (rule === undefined) throw new WimseError('ERR_POLICY_DENIED', { detail: 'no rule for this requester' })
  const verified = await subjectOfTransactionToken(subjectToken.token, client, rules)
  const known = Object.keys(verified.transactionContext ?? {})
  const added = Object.keys(requestDetails ?? {}).filter((name) => !known.includes(name))
  if (!added.every((name) => rule.mayAdd.includes(name))) {
    throw new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: 'request_details: a member that no rule admits' })
  }
  const issued = await issueReplacement(
    verified,
    {
      requester: client.identifier,
      narrowerScope,
      lifetimeSeconds: rule.lifetimeSeconds,
      ...(requestDetails !== undefined && { addedContext: requestDetails }),
    },
    {
      ...tokenServiceOptions(rules, []),
      narrowing: Object.fromEntries(Object.entries(rule.narrowing).map(([name, narrowing]) => [name, NARROWING[narrowing]])),
      maxRequestingWorkloads: rules.config.transactionTokens.maxRequestingWorkloads,
    },
  )
  return transactionTokenIssued(issued, 'replacement', rules)
}
