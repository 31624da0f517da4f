import { parseIdentifierPattern } from '@wimse/core'
import { checked, type Decoder, flag, integer, list, object, oneOf, optional, record, text } from '@wimse/program'
import {
  type ClaimsTable,
  createDelegationPolicy,
  createNameMatcher,
  createTargetTable,
  createTranscription,
  type DelegationPolicyOptions,
  type Target,
} from '@wimse/token-exchange'

/** Who may start transactions, of what kind, and with which context. */
export interface TransactionTokenRule {
  /** Identifiers of workloads, or patterns that end in `/*`. */
  readonly requesters: readonly string[]
  /** `access_token`: the token that came in from outside. `self_signed`, `unsigned_json`: what the workload says itself, under its key or just so. */
  readonly subjectTokenTypes: readonly SubjectKind[]
  /** Subjects that `self_signed` and `unsigned_json` may name: exact, patterns of workloads that end in `/*`, or `*` for any. */
  readonly subjects: readonly string[]
  /** Whether a requester may name itself: a rule for a pattern of workloads of which none speaks for another. */
  readonly ownSubject: boolean
  /** Purposes of transactions, each with the scope values that the subject token has to have for it; none where the list is empty, as for tokens without scope. */
  readonly scope: Readonly<Record<string, readonly string[]>>
  /** Members of `request_context` that get into `rctx`, and of `request_details` that get into `tctx`; others are refused. */
  readonly requestContext: readonly string[]
  readonly requestDetails: readonly string[]
  readonly lifetimeSeconds: number
}

export type SubjectKind = 'access_token' | 'self_signed' | 'unsigned_json'

/** Who may have transaction tokens replaced, and how the context may change then. */
export interface ReplacementRule {
  readonly requesters: readonly string[]
  /** Members that `request_details` may add to `tctx`. */
  readonly mayAdd: readonly string[]
  /** Members of `tctx` that may change, and how. */
  readonly narrowing: Readonly<Record<string, NarrowingName>>
  readonly lifetimeSeconds: number
}

export type NarrowingName = 'at-most' | 'subset-of'

/** Another domain's authorization server for which grants are issued. */
export interface OutboundRule extends Target {
  /** Tells that server who the client is; otherwise a grant is bound to the client's key alone. */
  readonly nameClient: boolean
  readonly transcription: ClaimsTable
}

const checkPattern = (value: string): unknown => parseIdentifierPattern(value)

/** An identifier, or a pattern that ends in `/*`. */
export const pattern: Decoder<string> = checked(text, checkPattern, 'an identifier, or a pattern that ends in /*')
export const patterns: Decoder<readonly string[]> = list(pattern, 1)

/** Subjects that a requester may name. */
export const names: Decoder<readonly string[]> = checked(
  list(text),
  createNameMatcher,
  'names, patterns of identifiers that end in /*, or *',
)

const lifetime = (most: number, usual: number): Decoder<number> => optional(integer(1, most), usual)

export const transactionTokenRule: Decoder<TransactionTokenRule> = object({
  requesters: patterns,
  subjectTokenTypes: optional(list(oneOf('access_token', 'self_signed', 'unsigned_json'), 1), ['access_token'] as const),
  subjects: optional(names, []),
  ownSubject: optional(flag, false),
  scope: record(list(text)),
  requestContext: optional(list(text), []),
  requestDetails: optional(list(text), []),
  lifetimeSeconds: lifetime(300, 60),
})

export const replacementRule: Decoder<ReplacementRule> = object({
  requesters: patterns,
  mayAdd: optional(list(text), []),
  narrowing: optional(record(oneOf('at-most', 'subset-of')), {}),
  lifetimeSeconds: lifetime(300, 60),
})

const target = { audience: text, names: optional(list(text), []), resources: optional(list(text), []), allow: patterns }

export const targets: Decoder<readonly Target[]> = checked(list(object(target)), createTargetTable, 'targets with names of their own')

const actingRule = object({ actors: patterns, subjects: list(text, 1), targets: list(text, 1), scope: list(text, 1) })

export const acting: Decoder<DelegationPolicyOptions> = checked(
  object({
    delegation: optional(list(actingRule), []),
    impersonation: optional(list(actingRule), []),
    maxChainDepth: optional(integer(1, 16), 4),
    allowRepeatedActors: optional(flag, false),
  }),
  createDelegationPolicy,
  'rules about acting for others',
)

const withDefined = <T extends object>(decoder: Decoder<T>): Decoder<T> => {
  // Members that are missing stay missing: what reads them tells the two apart.
  return (value, path, faults) => {
    const decoded = decoder(value, path, faults)
    return decoded && (Object.fromEntries(Object.entries(decoded).filter(([, member]) => member !== undefined)) as T)
  }
}

const nameRule = withDefined(object({ from: text, to: optional(text, undefined) }))
const textRule = { as: optional(text, undefined), values: optional(record(text), undefined) }
const claimRule = withDefined(
  object({ ...textRule, members: optional(record(withDefined(object(textRule))), undefined), subjectAs: optional(text, undefined) }),
)

export const transcription: Decoder<ClaimsTable> = checked(
  object({
    subjects: list(nameRule, 1),
    actors: optional(list(nameRule), []),
    scope: record(text),
    claims: optional(record(claimRule), {}),
  }) as Decoder<ClaimsTable>,
  createTranscription,
  'a table of what crosses',
)

export const outbound: Decoder<readonly OutboundRule[]> = checked(
  list(object({ ...target, nameClient: optional(flag, false), transcription })),
  createTargetTable,
  'servers with names of their own',
)
