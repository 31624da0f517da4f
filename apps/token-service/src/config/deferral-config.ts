import { parseIdentifierPattern, parseTrustDomain } from '@wimse/core'
import { type ConfigFault, type Decoder, flag, integer, list, object, oneOf, optional, record, text } from '@wimse/program'
import { MAX_DEFERRED_GRANT_LIFETIME_SECONDS, MAX_DEFERRED_USES } from '@wimse/token-exchange'
import { names, patterns } from './policy-config.ts'
import type { TokenServiceConfig } from './token-service-config.ts'

/** What may be made of a subject token, where work is to be done later. */
export type DeferralSubjectKind = 'access_token' | 'txn_token' | 'self_signed' | 'unsigned_json'

/** One kind of work that may be deferred. */
export interface DeferralAction {
  /** Purposes that the work may have, each with the scope values that the subject token has to have for it. */
  readonly scope: Readonly<Record<string, readonly string[]>>
  /** Names that its parameters may have. */
  readonly members: readonly string[]
}

/** Who may defer which work to whom, and within which bounds. */
export interface DeferralRule {
  /** Who may ask: identifiers of workloads, or patterns that end in `/*`. */
  readonly requesters: readonly string[]
  /** Whom they may name as workers: these, and what is below a pattern. */
  readonly workers: readonly string[]
  readonly subjectTokenTypes: readonly DeferralSubjectKind[]
  /** Subjects that `self_signed` and `unsigned_json` may name, as in rules about transactions. */
  readonly subjects: readonly string[]
  readonly ownSubject: boolean
  readonly actions: Readonly<Record<string, DeferralAction>>
  /** Members of `tctx` that go along. */
  readonly carry: readonly string[]
  /** Whether a grant may have limits in place of parameters. */
  readonly standing: boolean
  readonly maxUses: number
  /** Of a grant. */
  readonly maxLifetimeSeconds: number
  /** Of the transaction token at redemption, and so of the lease of a use. */
  readonly lifetimeSeconds: number
  /** How often a use may be taken over. */
  readonly maxTakeovers: number
}

/** What may be deferred: nothing without a rule. */
export interface DeferralConfig {
  readonly rules: readonly DeferralRule[]
}

/** Keys that are made here are kept as long as grants that they signed may live: so many at most. */
const MAX_KEPT_KEYS = 400

const KINDS = ['access_token', 'txn_token', 'self_signed', 'unsigned_json'] as const

const action: Decoder<DeferralAction> = object({ scope: record(list(text)), members: optional(list(text), []) })

const rule: Decoder<DeferralRule> = object({
  requesters: patterns,
  workers: patterns,
  subjectTokenTypes: optional(list(oneOf(...KINDS), 1), ['access_token', 'txn_token'] as const),
  subjects: optional(names, []),
  ownSubject: optional(flag, false),
  actions: record(action),
  carry: optional(list(text), []),
  standing: optional(flag, false),
  maxUses: optional(integer(1, MAX_DEFERRED_USES), 1),
  maxLifetimeSeconds: integer(1, MAX_DEFERRED_GRANT_LIFETIME_SECONDS),
  lifetimeSeconds: optional(integer(1, 300), 60),
  maxTakeovers: optional(integer(0, 1000), 3),
})

export const deferral: Decoder<DeferralConfig> = object({ rules: list(rule) })

/** How long a grant of any rule may live. */
export function longestGrantSeconds({ rules }: DeferralConfig): number {
  return Math.max(0, ...rules.map(({ maxLifetimeSeconds }) => maxLifetimeSeconds))
}

/**
 * What is wrong with rules beyond single values: subjects that nobody may name; workloads of other trust domains, who never redeem; actions without a
 * purpose; a parameter that what goes along would replace, or the other way round. With rules, keys have to be there as long as grants, and used
 * grants as long as keys.
 */
export function checkDeferral(
  config: Pick<TokenServiceConfig, 'deferral' | 'keys' | 'state' | 'trustDomain'>,
  faults: ConfigFault[],
): void {
  const { deferral: found, keys, state, trustDomain } = config
  for (const [index, entry] of found.rules.entries()) checkRule(entry, `deferral.rules[${index}]`, trustDomain, faults)
  if (found.rules.length === 0) return
  if (keys.file !== undefined && state.redis === undefined) {
    faults.push({ path: 'state.redis', expected: 'a Redis: grants that outlive this process, as keys.file lets them, could be used again' })
  }
  if (keys.file === undefined && longestGrantSeconds(found) / keys.rotateEverySeconds > MAX_KEPT_KEYS) {
    faults.push({
      path: 'keys.rotateEverySeconds',
      expected: `no more than ${MAX_KEPT_KEYS} keys in the life of a grant of deferral.rules`,
    })
  }
}

function checkRule(entry: DeferralRule, path: string, trustDomain: string, faults: ConfigFault[]): void {
  const names = Object.entries(entry.actions)
  for (const [member, list] of [
    ['requesters', entry.requesters],
    ['workers', entry.workers],
  ] as const) {
    for (const [at, pattern] of list.entries()) {
      if (domainOf(pattern) !== trustDomain) faults.push({ path: `${path}.${member}[${at}]`, expected: 'workloads of this trust domain' })
    }
  }
  if (
    entry.subjectTokenTypes.some((kind) => kind === 'self_signed' || kind === 'unsigned_json') &&
    entry.subjects.length === 0 &&
    !entry.ownSubject
  ) {
    faults.push({ path: `${path}.subjects`, expected: 'the subjects that requesters may name themselves' })
  }
  if (names.length === 0) faults.push({ path: `${path}.actions`, expected: 'an action or more' })
  for (const [name, { scope, members }] of names) {
    if (Object.keys(scope).length === 0) faults.push({ path: `${path}.actions.${name}.scope`, expected: 'a purpose or more' })
    if (members.some((member) => entry.carry.includes(member))) {
      faults.push({ path: `${path}.actions.${name}.members`, expected: 'no name that carry has' })
    }
  }
}

function domainOf(pattern: string): string {
  const { text: read } = parseIdentifierPattern(pattern)
  const [host = ''] = read.slice(read.indexOf('://') + 3).split('/')
  return parseTrustDomain(host)
}
