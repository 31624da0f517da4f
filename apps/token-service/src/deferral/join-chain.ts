import type { JsonObject } from '@wimse/core'
import { type Actor, type DelegationPolicy, delegate } from '@wimse/token-exchange'
import type { TokenRules } from '../token/token-rules.ts'

/**
 * The chain of a subject with one more actor before the others, by what delegation says of its length, of actors that repeat and of `may_act`. Whether
 * the actor may act at all is for rules about deferral to say.
 *
 * @throws WimseError `ERR_EXCHANGE_ACTOR…`, `ERR_EXCHANGE_MAY_ACT`
 */
export function joinChain(subject: JsonObject, actor: string, { delegation, trustDomain }: TokenRules): readonly Actor[] {
  const { maxChainDepth, allowRepeatedActors } = delegation
  const policy: DelegationPolicy = { maxChainDepth, allowRepeatedActors, permits: () => '*' }
  // The scope has been narrowed where this is asked.
  const claims = { ...subject, exp: Number.MAX_SAFE_INTEGER, scope: 'deferred' }
  return delegate({ subject: claims, actor: { sub: actor }, target: trustDomain, scope: undefined, policy }).actors
}
