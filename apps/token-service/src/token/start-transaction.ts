import { type JsonObject, WimseError } from '@wimse/core'
import {
  type Actor,
  type AuthenticatedClient,
  formatActorChain,
  type NameMatcher,
  narrowScope,
  parseActorChain,
  parseScope,
  TOKEN_TYPES,
  type TokenExchangeParameters,
  tokenExchangeAnswer,
} from '@wimse/token-exchange'
import { type IssuedTransaction, issueTransaction, type TokenServiceOptions } from '@wimse/transaction-tokens'
import type { SubjectKind } from '../config/policy-config.ts'
import { keptDeferral } from '../deferral/kept-deferral.ts'
import type { Issued } from './issued.ts'
import { subjectOfAccessToken, subjectOfSelfSigned, subjectOfUnsignedJson } from './subject-token.ts'
import type { ReadTransactionRule, TokenRules } from './token-rules.ts'

interface Subject {
  readonly subject: string
  readonly scope: readonly string[]
  /** Who acts for the subject; the current one first. */
  readonly actors: readonly Actor[]
  readonly expiresAt: number | undefined
  readonly claims?: JsonObject
}

const SUBJECT_KINDS: Readonly<Record<string, SubjectKind>> = {
  [TOKEN_TYPES.accessToken]: 'access_token',
  [TOKEN_TYPES.selfSigned]: 'self_signed',
  [TOKEN_TYPES.unsignedJson]: 'unsigned_json',
}

/**
 * Starts a transaction. In order: the one audience, which is the trust domain (TXN-11.1-02), scope (TXN-11.1-03), no actor token; a rule for this
 * requester (TXN-11.3-02) and this kind of subject token, without which one that carries no scope gets none; the subject token (TXN-11.3-03); the scope, whose values each need what the rule says of the
 * subject's (TXN-11.3-12); the context, of which nothing gets in that the rule doesn't name (TXN-9.2.3-02, TXN-11.3-13, TXN-11.3-15).
 *
 * @throws WimseError `ERR_EXCHANGE_…`, `ERR_POLICY_DENIED`, `ERR_TXN_…`, `ERR_TRUST_STALE`
 */
export async function startTransaction(
  parameters: TokenExchangeParameters,
  client: AuthenticatedClient,
  rules: TokenRules,
): Promise<Issued> {
  checkAudience(parameters, rules)
  const { subjectToken, requestContext = {}, requestDetails = {} } = parameters
  const asked = requiredScope(parameters)
  refuseActor(parameters)
  const rule = ruleFor(subjectToken.type, client, rules)
  const { subject, scope: own, actors, expiresAt, claims = {} } = await subjectOf(parameters, client, rule, rules)
  const available = Object.entries(rule.scope).flatMap(([value, needed]) => (needed.every((one) => own.includes(one)) ? [value] : []))
  const scope = narrowScope(asked, available)
  const act = formatActorChain(actors)
  const issuing = tokenServiceOptions(rules, subjectToken.type === TOKEN_TYPES.unsignedJson ? [] : [subjectToken.token])
  const issued = await issueTransaction(
    {
      trustDomain: rules.trustDomain,
      subject,
      scope,
      requester: client.identifier,
      transactionContext: admitted(requestDetails, rule.requestDetails, 'request_details'),
      requesterContext: admitted(requestContext, rule.requestContext, 'request_context'),
      lifetimeSeconds: rule.lifetimeSeconds,
      // TEX-4.1-03: a transaction that was started on behalf of somebody never looks as if that one had started it.
      claims: { ...(act !== undefined && { act }), ...keptDeferral(claims, rules.issuer) },
      ...(expiresAt !== undefined && { subjectExpiresAt: expiresAt }),
    },
    issuing,
  )
  return transactionTokenIssued(issued, 'transaction-token', rules)
}

function ruleFor(type: string, client: AuthenticatedClient, rules: TokenRules): ReadTransactionRule {
  const kind = SUBJECT_KINDS[type]
  if (kind === undefined) throw new WimseError('ERR_EXCHANGE_TOKEN_TYPE')
  const starts = client.trustDomain === rules.trustDomain && rules.startsTransactions(client)
  const rule = starts ? rules.transactionRule(client, kind) : undefined
  if (rule !== undefined) return rule
  // No mapping of the operator gives the subject a scope that the token doesn't have.
  if (starts && kind !== 'access_token') throw new WimseError('ERR_EXCHANGE_SCOPE', { detail: 'no rule for this kind of subject token' })
  throw new WimseError('ERR_POLICY_DENIED', { detail: 'no rule for this requester' })
}

/** Who asks for a transaction token stands in `req_wl`, and who acts for its subject in the subject token. */
export function refuseActor({ actorToken }: TokenExchangeParameters): void {
  if (actorToken !== undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'actor_token' })
}

/** TXN-11.1-02: the name of the trust domain, and nothing else. */
export function checkAudience({ audiences, resources }: TokenExchangeParameters, { trustDomain }: TokenRules): void {
  if (audiences.length === 0) throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'audience' })
  if (audiences.length > 1 || audiences[0] !== trustDomain || resources.length > 0) throw new WimseError('ERR_EXCHANGE_TARGET')
}

/** TXN-11.1-03 */
export function requiredScope({ scope }: TokenExchangeParameters): readonly string[] {
  if (scope === undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'scope' })
  return scope
}

/** What transaction tokens are signed with now. */
export function tokenServiceOptions({ keys, issuer, runtime }: TokenRules, presentedTokens: readonly string[]): TokenServiceOptions {
  return { ...keys.current(), issuer, runtime, presentedTokens }
}

/** Members that a rule names. One that it doesn't is refused, so that nobody believes that it got in. */
function admitted(context: JsonObject, names: readonly string[], parameter: string): JsonObject {
  if (!Object.keys(context).every((name) => names.includes(name))) {
    throw new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: `${parameter}: a member that no rule admits` })
  }
  return context
}

/** The answer with a transaction token (TXN-11.4-01, TXN-11.4-02, TXN-11.4-03, TXN-11.4-04). */
export function transactionTokenIssued(
  { token, claims }: IssuedTransaction,
  kind: 'transaction-token' | 'replacement' | 'deferred-redemption',
  rules: TokenRules,
): Issued {
  const { txn, sub, scope: granted, exp, act } = claims
  const actors = parseActorChain(act, rules.delegation.maxChainDepth).length
  const scope = parseScope(granted)
  const expiresAt = Number(exp)
  const response = tokenExchangeAnswer({
    token,
    issuedTokenType: TOKEN_TYPES.transactionToken,
    expiresInSeconds: expiresAt - Math.floor(rules.runtime.now() / 1000),
    scope,
  })
  return { response, token, kind, subject: String(sub), scope, target: rules.trustDomain, actors, transaction: String(txn), expiresAt }
}

async function subjectOf(
  { subjectToken }: TokenExchangeParameters,
  client: AuthenticatedClient,
  rule: ReadTransactionRule,
  rules: TokenRules,
): Promise<Subject> {
  if (subjectToken.type === TOKEN_TYPES.accessToken) return subjectOfAccessToken(subjectToken.token, client, rules)
  const isSubject: NameMatcher = (name) => rule.isSubject(name, client.identifier)
  if (subjectToken.type === TOKEN_TYPES.selfSigned) {
    const { subject, expiresAt } = await subjectOfSelfSigned(subjectToken.token, client, isSubject, rules)
    return { subject, scope: [], actors: [], expiresAt }
  }
  return { ...subjectOfUnsignedJson(subjectToken.token, isSubject), scope: [], actors: [], expiresAt: undefined }
}
