import { formatBase64url, isJsonObject, type JsonObject, WimseError } from '@wimse/core'
import {
  type Actor,
  type AuthenticatedClient,
  issueDeferredGrant,
  narrowScope,
  parseActorChain,
  parseDeferral,
  type ReadDeferral,
  TOKEN_TYPES,
  type TokenExchangeParameters,
  tokenExchangeAnswer,
} from '@wimse/token-exchange'
import type { Issued } from '../token/issued.ts'
import { refuseActor, requiredScope } from '../token/start-transaction.ts'
import { subjectOfAccessToken, subjectOfSelfSigned, subjectOfTransactionToken, subjectOfUnsignedJson } from '../token/subject-token.ts'
import type { TokenRules } from '../token/token-rules.ts'
import { deferralKindOf, type FittingDeferral } from './deferral-rules.ts'
import { joinChain } from './join-chain.ts'

/** In whose name work is deferred. */
interface DeferringSubject {
  /** `sub`, and where there are such, `act` and `may_act`. */
  readonly claims: JsonObject
  readonly scope: readonly string[]
  readonly transaction?: string
  readonly context?: JsonObject
  readonly requestingWorkloads?: readonly string[]
}

/**
 * Issues a deferred grant. In order: the one audience, which is this service; scope, no actor token, no `request_context`; what is deferred; a rule that
 * lets this requester defer that action to that worker by this kind of subject token; the bounds of the rule; the subject token, which is no token that came
 * of a grant itself, so that no work prolongs its own authority; the scope, whose values each need what the rule says of the subject's; the chain
 * of actors, into which the requester comes unless it is the subject, and in which the worker has room yet.
 *
 * @throws WimseError `ERR_EXCHANGE_…`, `ERR_POLICY_DENIED`, `ERR_TRUST_STALE`, `ERR_REPLAY_STORE_…`
 */
export async function deferWork(parameters: TokenExchangeParameters, client: AuthenticatedClient, rules: TokenRules): Promise<Issued> {
  const { audiences, resources, requestContext, requestDetails, subjectToken } = parameters
  if (audiences.length === 0) throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'audience' })
  if (audiences.length > 1 || audiences[0] !== rules.issuer || resources.length > 0) throw new WimseError('ERR_EXCHANGE_TARGET')
  const asked = requiredScope(parameters)
  refuseActor(parameters)
  if (requestContext !== undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'request_context' })
  const deferral = readDetails(requestDetails)
  const fitting = ruleFor(subjectToken.type, client, deferral, rules)
  const { keys, issuer, runtime } = rules
  checkBounds(deferral, fitting, runtime.now() / 1000)
  const { claims, scope: own, transaction, context = {}, requestingWorkloads } = await subjectOf(parameters, client, fitting, rules)
  const available = Object.entries(fitting.action.scope).flatMap(([value, needed]) =>
    needed.every((one) => own.includes(one)) ? [value] : [],
  )
  const scope = narrowScope(asked, available)
  const actors = actorsOf(claims, client, deferral.worker, rules)
  const subject = String(claims['sub'])
  const txn = transaction ?? formatBase64url(runtime.randomBytes(16))
  const carried = Object.fromEntries(fitting.rule.carry.flatMap((name) => (Object.hasOwn(context, name) ? [[name, context[name]]] : [])))
  const { token, expiresAt, expiresInSeconds } = await issueDeferredGrant(
    {
      subject,
      subjectTokenType: subjectToken.type,
      actors,
      scope,
      requester: client.identifier,
      transaction: txn,
      deferral,
      context: carried,
      ...(requestingWorkloads !== undefined && { requestingWorkloads }),
    },
    { ...keys.current(), issuer, runtime },
  )
  const response = tokenExchangeAnswer({ token, issuedTokenType: TOKEN_TYPES.deferredGrant, expiresInSeconds, scope })
  return { response, token, kind: 'deferred-grant', subject, scope, target: issuer, actors: actors.length, transaction: txn, expiresAt }
}

function readDetails(details: JsonObject | undefined): ReadDeferral {
  const { deferral, ...others } = details ?? {}
  if (Object.keys(others).length > 0) throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'request_details' })
  return parseDeferral(deferral)
}

function ruleFor(
  type: string,
  { identifier, trustDomain }: AuthenticatedClient,
  deferral: ReadDeferral,
  rules: TokenRules,
): FittingDeferral {
  const kind = deferralKindOf(type)
  if (kind === undefined) throw new WimseError('ERR_EXCHANGE_TOKEN_TYPE')
  if (trustDomain !== rules.trustDomain || !rules.deferral.hasRequester(identifier)) {
    throw new WimseError('ERR_POLICY_DENIED', { detail: 'no rule for this requester' })
  }
  const fitting = rules.deferral.forRequest(identifier, kind, deferral)
  if (fitting === undefined) throw denied('no rule for this worker, action and kind of subject token')
  return fitting
}

function checkBounds({ parameters, limits, uses, end }: ReadDeferral, { rule, action }: FittingDeferral, now: number): void {
  if (limits !== undefined && !rule.standing) throw denied('limits')
  if (!Object.keys(parameters ?? limits ?? {}).every((name) => action.members.includes(name))) throw denied('a member that no rule admits')
  if (uses > rule.maxUses) throw denied('uses')
  if (end - Math.floor(now) > rule.maxLifetimeSeconds) throw denied('end')
}

async function subjectOf(
  { subjectToken: { token, type } }: TokenExchangeParameters,
  client: AuthenticatedClient,
  fitting: FittingDeferral,
  rules: TokenRules,
): Promise<DeferringSubject> {
  if (type === TOKEN_TYPES.accessToken) {
    const { claims, scope } = await subjectOfAccessToken(token, client, rules)
    return { claims, scope }
  }
  if (type === TOKEN_TYPES.transactionToken) {
    const { claims, scope, transaction, transactionContext, requestingWorkloads } = await subjectOfTransactionToken(token, client, rules)
    if (claims['deferral'] !== undefined) throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'it came of a grant itself' })
    return { claims, scope, transaction, requestingWorkloads, ...(isJsonObject(transactionContext) && { context: transactionContext }) }
  }
  const isSubject = (name: string): boolean => fitting.isSubject(name, client.identifier)
  const { subject: sub } =
    type === TOKEN_TYPES.selfSigned ? await subjectOfSelfSigned(token, client, isSubject, rules) : subjectOfUnsignedJson(token, isSubject)
  return { claims: { sub }, scope: [] }
}

/** Whoever defers acts for the subject from now on, and the worker will. */
function actorsOf(claims: JsonObject, { identifier }: AuthenticatedClient, worker: string, rules: TokenRules): readonly Actor[] {
  const { sub, act, may_act: mayAct } = claims
  const { maxChainDepth, allowRepeatedActors } = rules.delegation
  const subject = { sub, ...(act !== undefined && { act }), ...(mayAct !== undefined && { may_act: mayAct }) }
  const actors = sub === identifier ? parseActorChain(act, maxChainDepth) : joinChain(subject, identifier, rules)
  // TEX-4.4-02: it names one actor, and the worker is one.
  if (mayAct !== undefined && !(isJsonObject(mayAct) && mayAct['sub'] === worker)) throw new WimseError('ERR_EXCHANGE_MAY_ACT')
  // What nobody could redeem isn't issued.
  if (actors.length + 1 > maxChainDepth) throw new WimseError('ERR_EXCHANGE_ACTOR_CHAIN_DEPTH')
  const occurs = worker === sub || actors.some((actor) => actor.sub === worker)
  if (occurs && !allowRepeatedActors) throw new WimseError('ERR_EXCHANGE_ACTOR_REPEATED')
  return actors
}

function denied(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_DEFERRAL_DENIED', { detail })
}
