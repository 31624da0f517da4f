import { type IdentifierPattern, matchesAny, parseIdentifierPattern, parseWorkloadIdentifier, type WorkloadIdentifier } from '@wimse/core'
import { createNameMatcher, type Deferral, TOKEN_TYPES, type VerifiedDeferredGrant } from '@wimse/token-exchange'
import type { DeferralAction, DeferralConfig, DeferralRule, DeferralSubjectKind } from '../config/deferral-config.ts'

const SUBJECT_KINDS: Readonly<Record<string, DeferralSubjectKind>> = {
  [TOKEN_TYPES.accessToken]: 'access_token',
  [TOKEN_TYPES.transactionToken]: 'txn_token',
  [TOKEN_TYPES.selfSigned]: 'self_signed',
  [TOKEN_TYPES.unsignedJson]: 'unsigned_json',
}

/** The kind that rules know of a type of tokens; undefined where none can be deferred by. */
export function deferralKindOf(type: string): DeferralSubjectKind | undefined {
  return Object.hasOwn(SUBJECT_KINDS, type) ? SUBJECT_KINDS[type] : undefined
}

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
  forGrant(grant: Pick<VerifiedDeferredGrant, 'subjectTokenType' | 'requester' | 'worker' | 'action'>): FittingDeferral | undefined
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
    kind: DeferralSubjectKind | undefined,
    worker: string,
    name: string,
  ): FittingDeferral | undefined => {
    for (const { rule, requesters, workers, actions, isSubject } of read) {
      const action = actions.get(name)
      const takes = rule.subjectTokenTypes.some((known) => known === kind) && matchesAny(requesters, requester)
      if (action !== undefined && takes && workers.some((pattern) => covers(pattern, worker))) return { rule, action, isSubject }
    }
    return undefined
  }
  return {
    hasRequester: (requester) => read.some(({ requesters }) => matchesAny(requesters, requester)),
    forRequest: (requester, kind, { worker, action }) => find(requester, kind, worker, action),
    forGrant: ({ requester, subjectTokenType, worker, action }) => find(requester, deferralKindOf(subjectTokenType), worker.text, action),
  }
}

/** Whether everyone whom an asked pattern is about is one of those of a rule. */
function covers({ text, matches }: IdentifierPattern, asked: string): boolean {
  if (text === asked) return true
  if (!asked.endsWith('/*')) return matches(parseWorkloadIdentifier(asked))
  return text.endsWith('/*') && asked.startsWith(text.slice(0, -1))
}
