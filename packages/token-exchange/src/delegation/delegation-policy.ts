import { parseIdentifierPattern, WimseError } from '@wimse/core'
import { createNameMatcher, type NameMatcher } from '../protocol/name-matcher.ts'
import { DEFAULT_MAX_CHAIN_DEPTH } from './actor-chain.ts'

/** One permission to act for others. All members have to fit. */
export interface ActingRule {
  /** Who may act: identifiers of workloads, or patterns that end in `/*`. */
  readonly actors: readonly string[]
  /** For whom: subjects as they are, patterns of workloads that end in `/*`, or `*` for everyone. */
  readonly subjects: readonly string[]
  /** At which targets: the `audience` of the target, or `*` for all. */
  readonly targets: readonly string[]
  /** With which scope at most, or `*` for the subject's own. */
  readonly scope: readonly string[]
}

/** What may be done in whose name, as data. Nothing is granted by default. */
export interface DelegationPolicyOptions {
  /** Who may act for others and is named as the actor. */
  readonly delegation?: readonly ActingRule[]
  /** Who may get tokens that look as if the subject itself had asked. A different permission, and a more dangerous one. */
  readonly impersonation?: readonly ActingRule[]
  /** Actors in a chain: 4 unless told. */
  readonly maxChainDepth?: number
  /** Admits an actor that is in the chain already, or the subject itself. */
  readonly allowRepeatedActors?: boolean
}

/** The question that a policy answers. */
export interface ActingQuestion {
  readonly actor: string
  readonly subject: string
  readonly target: string
}

/** A policy that was read once. */
export interface DelegationPolicy {
  readonly maxChainDepth: number
  readonly allowRepeatedActors: boolean
  /** The scope that the rules allow together: `*` for the subject's own; undefined when no rule fits. */
  permits(kind: 'delegation' | 'impersonation', question: ActingQuestion): readonly string[] | '*' | undefined
}

interface ReadRule {
  readonly isActor: NameMatcher
  readonly isSubject: NameMatcher
  readonly targets: ReadonlySet<string>
  readonly scope: readonly string[] | '*'
}

/**
 * Reads a policy once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_PATTERN`
 */
export function createDelegationPolicy(options: DelegationPolicyOptions): DelegationPolicy {
  const { maxChainDepth = DEFAULT_MAX_CHAIN_DEPTH, allowRepeatedActors = false } = options
  if (!Number.isSafeInteger(maxChainDepth) || maxChainDepth < 1) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxChainDepth' })
  const rules = { delegation: (options.delegation ?? []).map(readRule), impersonation: (options.impersonation ?? []).map(readRule) }
  return {
    maxChainDepth,
    allowRepeatedActors,
    permits(kind, question) {
      const fitting = rules[kind].filter((rule) => fits(rule, question))
      if (fitting.length === 0) return undefined
      if (fitting.some(({ scope }) => scope === '*')) return '*'
      return [...new Set(fitting.flatMap(({ scope }) => [...scope]))]
    },
  }
}

function readRule({ actors, subjects, targets, scope }: ActingRule): ReadRule {
  if (actors.length === 0 || subjects.length === 0 || targets.length === 0 || scope.length === 0) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a rule that fits nothing' })
  }
  return {
    isActor: createNameMatcher(actors.map((actor) => parseIdentifierPattern(actor).text)),
    isSubject: createNameMatcher(subjects),
    targets: new Set(targets),
    scope: scope.includes('*') ? '*' : scope,
  }
}

function fits(rule: ReadRule, { actor, subject, target }: ActingQuestion): boolean {
  if (!rule.targets.has('*') && !rule.targets.has(target)) return false
  return rule.isActor(actor) && rule.isSubject(subject)
}
