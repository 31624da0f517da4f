import { isJsonObject, type JsonObject, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { narrowScope, parseScope } from '../protocol/scope.ts'
import { type Actor, formatActorChain, parseActorChain } from './actor-chain.ts'
import type { DelegationPolicy } from './delegation-policy.ts'

/** Whoever asks for a token in the name of a subject. */
export interface ActingRequest {
  /** The verified claims of the subject token. */
  readonly subject: JsonObject
  /** The `audience` of the target. */
  readonly target: string
  /** What was asked for; all that is available when undefined. */
  readonly scope: readonly string[] | undefined
  /** The scope of a subject token that carries none, by a mapping of the operator. Without it such a token gets nothing. */
  readonly subjectScope?: readonly string[]
  readonly policy: DelegationPolicy
}

/** What an issued token is to say about who acts for whom. */
export interface ActingGrant {
  /** What audit has to tell apart. */
  readonly kind: 'delegation' | 'impersonation'
  readonly subject: string
  /** The current actor first; the whole chain, for information only beyond the first (TEX-4.1-05). */
  readonly actors: readonly Actor[]
  readonly scope: readonly string[]
  /** Seconds since the epoch: the end of the subject token, beyond which nothing made of it lives (TEX-5-01). */
  readonly notAfter: number
}

/**
 * Lets an actor act for a subject: the issued token has the subject's `sub` and the actor in `act` (TEX-A.2.5-01), before whom the earlier
 * ones stand, all of them (TEX-4.1-03). In order: the subject's claims; its chain of actors (TEX-4.1-01); the actor, who is nobody's
 * delegate itself; the length of the chain; `may_act` (TEX-4.4-01, TEX-4.4-02); whether the actor occurs already; the policy
 * (TEX-2.2.2-01); and the scope, which is part of the subject's (CHN-2.5-03) and of the policy's.
 *
 * @param request the actor is the verified claims of the actor token, or the authenticated client as `{ sub }`
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN`, `ERR_EXCHANGE_ACTOR…`, `ERR_EXCHANGE_MAY_ACT`, `ERR_EXCHANGE_DELEGATION_DENIED`,
 *   `ERR_EXCHANGE_SCOPE`
 * @see RFC 8693, section 4.1
 */
export function delegate(request: ActingRequest & { readonly actor: JsonObject }): ActingGrant {
  const { policy, target } = request
  const subject = subjectOf(request)
  const earlier = parseActorChain(request.subject['act'], policy.maxChainDepth)
  const actor = actorOf(request.actor)
  if (earlier.length + 1 > policy.maxChainDepth) throw new WimseError('ERR_EXCHANGE_ACTOR_CHAIN_DEPTH')
  checkMayAct(request.subject, actor)
  const occurs = actor.sub === subject.sub || earlier.some(({ sub }) => sub === actor.sub)
  if (occurs && !policy.allowRepeatedActors) throw new WimseError('ERR_EXCHANGE_ACTOR_REPEATED')
  const permitted = policy.permits('delegation', { actor: actor.sub, subject: subject.sub, target })
  if (permitted === undefined) throw new WimseError('ERR_EXCHANGE_DELEGATION_DENIED')
  return {
    kind: 'delegation',
    subject: subject.sub,
    actors: [actor, ...earlier],
    scope: scopeOf(request, permitted),
    notAfter: subject.exp,
  }
}

/**
 * Lets a client have a token as if the subject itself had asked: no actor is added (TEX-A.1.1-01), and those who act already stay. Only a
 * rule about impersonation allows it. In order: the subject's claims; its chain; `may_act`; the policy; the scope.
 *
 * @throws WimseError `ERR_EXCHANGE_SUBJECT_TOKEN`, `ERR_EXCHANGE_ACTOR_CHAIN…`, `ERR_EXCHANGE_MAY_ACT`,
 *   `ERR_EXCHANGE_IMPERSONATION_DENIED`, `ERR_EXCHANGE_SCOPE`
 */
export function impersonate(request: ActingRequest & { readonly client: WorkloadIdentifier }): ActingGrant {
  const { policy, target, client } = request
  const subject = subjectOf(request)
  const actors = parseActorChain(request.subject['act'], policy.maxChainDepth)
  checkMayAct(request.subject, { sub: client })
  const permitted = policy.permits('impersonation', { actor: client, subject: subject.sub, target })
  if (permitted === undefined) throw new WimseError('ERR_EXCHANGE_IMPERSONATION_DENIED')
  return { kind: 'impersonation', subject: subject.sub, actors, scope: scopeOf(request, permitted), notAfter: subject.exp }
}

/**
 * Decides what an exchange is: with an actor token, delegation to that actor, who has to be the client itself; without one, delegation to
 * the client where the policy grants it, and impersonation only where the policy grants that and not the other.
 *
 * @throws WimseError as {@link delegate} and {@link impersonate}; `ERR_EXCHANGE_ACTOR` for the actor token of somebody else
 */
export function actFor(
  request: ActingRequest & { readonly client: WorkloadIdentifier; readonly actorToken: JsonObject | undefined },
): ActingGrant {
  const { client, actorToken, ...rest } = request
  if (actorToken !== undefined) {
    // A stolen actor token makes nobody an actor.
    if (actorToken['sub'] !== client) throw new WimseError('ERR_EXCHANGE_ACTOR', { detail: 'not the client' })
    return delegate({ ...rest, actor: actorToken })
  }
  const question = { actor: client, subject: subjectOf(rest).sub, target: rest.target }
  const impersonates =
    rest.policy.permits('delegation', question) === undefined && rest.policy.permits('impersonation', question) !== undefined
  return impersonates ? impersonate({ ...rest, client }) : delegate({ ...rest, actor: { sub: client } })
}

/** The claims of a grant for a token: `sub`, `scope` as a text (TEX-4.2-01) and `act` (TEX-4.1-03). */
export function claimsOfActing({ subject, scope, actors }: Pick<ActingGrant, 'subject' | 'scope' | 'actors'>): JsonObject {
  const act = formatActorChain(actors)
  return { sub: subject, scope: scope.join(' '), ...(act === undefined ? {} : { act }) }
}

function subjectOf({ subject }: Pick<ActingRequest, 'subject'>): { readonly sub: string; readonly exp: number } {
  const { sub, exp } = subject
  if (typeof sub !== 'string' || sub === '') throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'sub' })
  if (typeof exp !== 'number') throw new WimseError('ERR_EXCHANGE_SUBJECT_TOKEN', { detail: 'exp' })
  return { sub, exp }
}

function actorOf({ sub, iss, act }: JsonObject): Actor {
  if (typeof sub !== 'string' || sub === '') throw new WimseError('ERR_EXCHANGE_ACTOR', { detail: 'sub' })
  // Whoever acts for the actor would vanish from the chain.
  if (act !== undefined) throw new WimseError('ERR_EXCHANGE_ACTOR', { detail: 'a delegate' })
  return typeof iss === 'string' ? { sub, iss } : { sub }
}

function checkMayAct({ may_act: mayAct }: JsonObject, actor: Actor): void {
  if (mayAct === undefined) return
  // TEX-4.4-01, TEX-4.4-03: what isn't about identity plays no part.
  if (!isJsonObject(mayAct) || typeof mayAct['sub'] !== 'string') throw new WimseError('ERR_EXCHANGE_MAY_ACT', { detail: 'malformed' })
  const { sub, iss } = mayAct
  // TEX-4.4-02. A client that authenticated has no issuer of its own: an `iss` then has to be about an actor token.
  if (sub !== actor.sub || (iss !== undefined && iss !== actor.iss)) throw new WimseError('ERR_EXCHANGE_MAY_ACT')
}

function scopeOf({ subject, scope, subjectScope }: ActingRequest, permitted: readonly string[] | '*'): readonly string[] {
  const own = subject['scope'] === undefined ? subjectScope : parseScope(subject['scope'])
  if (own === undefined) throw new WimseError('ERR_EXCHANGE_SCOPE', { detail: 'the subject token carries none' })
  return narrowScope(scope, permitted === '*' ? own : own.filter((value) => permitted.includes(value)))
}
