import { type IdentifierPattern, matchesAny, parseIdentifierPattern, parseWorkloadIdentifier, type WorkloadIdentifier } from '@wimse/core'
import { createNameMatcher, type Deferral, type VerifiedDeferredGrant } from '@wimse/token-exchange'
import type { DeferralAction, DeferralConfig, DeferralRule, DeferralSubjectKind } from '../config/deferral-config.ts'

/** A rule with one of its actions. */
export interface FittingDeferral {
  readonly rule: DeferralRule
  readonly action: DeferralAction
  /** Whether a requester may name this subject itself. */
  isSubject(name: string, requester: WorkloadIdentifier): boolean
}

/** Rules about deferred work, read once. The first one that fits decides. */
export interface DeferralRules {
  /** Whether any rule is about this requester. */
  hasRequester(requester: WorkloadIdentifier): boolean
  /** The rule by which this requester may defer that action to that worker, by a subject token of this kind. */
  forRequest(
    requester: WorkloadIdentifier,
    kind: DeferralSubjectKind,
    deferral: Pick<Deferral, 'worker' | 'action'>,
  ): FittingDeferral | undefined
  /** The rule that admits a grant now, whatever the rules were when it was issued. */
  forGrant(grant: Pick<VerifiedDeferredGrant, 'requester' | 'worker' | 'action'>): FittingDeferral | undefined
}

/** Reads rules once. @throws WimseError `ERR_IDENTIFIER_PATTERN` */
export function createDeferralRules({ rules }: DeferralConfig): DeferralRules {
  const read = rules.map((rule) => {
    const isNamed = createNameMatcher(rule.subjects)
    return {
      rule,
      requesters: rule.requesters.map(parseIdentifierPattern),
      workers: rule.workers.map(parseIdentifierPattern),
      actions: new Map(Object.entries(rule.actions)),
      isSubject: (name: string, requester: WorkloadIdentifier) => (rule.ownSubject && name === requester) || isNamed(name),
    }
  })
  const find = (
    requester: WorkloadIdentifier,
    worker: string,
    name: string,
    takes: (rule: DeferralRule) => boolean,
  ): FittingDeferral | undefined => {
    for (const { rule, requesters, workers, actions, isSubject } of read) {
      const action = actions.get(name)
      if (action === undefined || !takes(rule) || !matchesAny(requesters, requester)) continue
      if (workers.some((pattern) => covers(pattern, worker))) return { rule, action, isSubject }
    }
    return undefined
  }
  return {
    hasRequester: (requester) => read.some(({ requesters }) => matchesAny(requesters, requester)),
    forRequest: (requester, kind, { worker, action }) => find(requester, worker, action, (rule) => rule.subjectTokenTypes.includes(kind)),
    forGrant: ({ requester, worker, action }) => find(requester, worker.text, action, () => true),
  }
}

/** Whether everyone whom an asked pattern is about is one of those of a rule. */
function covers({ text, matches }: IdentifierPattern, asked: string): boolean {
  if (text === asked) return true
  if (!asked.endsWith('/*')) return matches(parseWorkloadIdentifier(asked))
  return text.endsWith('/*') && asked.startsWith(text.slice(0, -1))
}
