import {
  type IdentifierPattern,
  matchesAny,
  parseIdentifierPattern,
  type ReplayStore,
  type Runtime,
  type TrustDomain,
  type WorkloadIdentifier,
} from '@wimse/core'
import {
  type AuthenticatedClient,
  createDelegationPolicy,
  createNameMatcher,
  createTargetTable,
  createTranscription,
  type DelegationPolicy,
  type GrantUseStore,
  type IssuerKeys,
  type TargetTable,
  type Transcription,
} from '@wimse/token-exchange'
import type { TransactionTokenVerifier } from '@wimse/transaction-tokens'
import type { OutboundRule, ReplacementRule, TransactionTokenRule } from '../config/policy-config.ts'
import type { TokenServiceConfig } from '../config/token-service-config.ts'
import { createDeferralRules, type DeferralRules } from '../deferral/deferral-rules.ts'
import type { SigningKeys } from '../keys/signing-keys.ts'

/** A rule about starting transactions, read once. */
export interface ReadTransactionRule extends TransactionTokenRule {
  /** Whether a requester may name this subject itself. */
  isSubject(name: string, requester: WorkloadIdentifier): boolean
}

/** Everything that decides about a token: the configuration, read once, and what it is applied with. */
export interface TokenRules {
  readonly config: TokenServiceConfig
  readonly trustDomain: TrustDomain
  readonly issuer: string
  readonly keys: SigningKeys
  readonly runtime: Runtime
  /** Whose access tokens may be subject tokens: issuers by configuration, and this service. */
  readonly accessTokenIssuers: IssuerKeys
  readonly grantIssuers: IssuerKeys
  readonly verifyTransactionToken: TransactionTokenVerifier
  /** Grants that were redeemed. */
  readonly usedGrants: ReplayStore
  /** Tokens that workloads signed themselves, with proofs and apart from grants: nobody's own word keeps grants from being redeemed. */
  readonly selfSigned: ReplayStore
  /** Uses of deferred grants. */
  readonly grantUses: GrantUseStore
  readonly deferral: DeferralRules
  readonly targets: TargetTable
  readonly outboundTargets: TargetTable
  readonly delegation: DelegationPolicy
  /** By the name of a target, or of an issuer of grants. */
  readonly outbound: ReadonlyMap<string, { readonly rule: OutboundRule; readonly transcription: Transcription }>
  readonly inbound: ReadonlyMap<string, Transcription>
  /** `aud` of access tokens that a client may present as subject tokens. */
  audiencesOf(client: WorkloadIdentifier): readonly string[]
  /** Whether any rule is about this requester. */
  startsTransactions(client: AuthenticatedClient): boolean
  /** The first rule for this requester that takes this kind of subject token. */
  transactionRule(client: AuthenticatedClient, kind: string): ReadTransactionRule | undefined
  replacementRule(client: AuthenticatedClient): ReplacementRule | undefined
}

/** What {@link createTokenRules} takes over as it is. */
export type TokenRuleParts = Pick<
  TokenRules,
  | 'config'
  | 'keys'
  | 'runtime'
  | 'accessTokenIssuers'
  | 'grantIssuers'
  | 'verifyTransactionToken'
  | 'usedGrants'
  | 'selfSigned'
  | 'grantUses'
>

/**
 * Reads the policies of a configuration once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_PATTERN`
 */
export function createTokenRules(parts: TokenRuleParts): TokenRules {
  const { config } = parts
  const { accessTokens, acting, chaining, clients, transactionTokens } = config
  const audiences = clients.audiences.map((entry) => ({ matches: matcher(entry.clients), audiences: entry.audiences }))
  const starting = transactionTokens.rules.map((rule) => ({
    matches: matcher(rule.requesters),
    rule: { ...rule, isSubject: subjectMatcher(rule) },
  }))
  const replacing = transactionTokens.replacements.map((rule) => ({ matches: matcher(rule.requesters), rule }))
  return {
    ...parts,
    trustDomain: config.trustDomain,
    issuer: config.issuer,
    deferral: createDeferralRules(config.deferral),
    targets: createTargetTable(accessTokens.targets),
    outboundTargets: createTargetTable(chaining.outbound),
    delegation: createDelegationPolicy(acting),
    outbound: new Map(chaining.outbound.map((rule) => [rule.audience, { rule, transcription: createTranscription(rule.transcription) }])),
    inbound: new Map(chaining.inbound.map(({ issuer, transcription }) => [issuer, createTranscription(transcription)])),
    audiencesOf: (client) => audiences.filter(({ matches }) => matches(client)).flatMap((entry) => entry.audiences),
    startsTransactions: ({ identifier }) => starting.some(({ matches }) => matches(identifier)),
    transactionRule: ({ identifier }, kind) =>
      starting.find(({ matches, rule }) => matches(identifier) && rule.subjectTokenTypes.some((known) => known === kind))?.rule,
    replacementRule: ({ identifier }) => replacing.find(({ matches }) => matches(identifier))?.rule,
  }
}

function subjectMatcher({ subjects, ownSubject }: TransactionTokenRule): ReadTransactionRule['isSubject'] {
  const isNamed = createNameMatcher(subjects)
  return (name, requester) => (ownSubject && name === requester) || isNamed(name)
}

function matcher(texts: readonly string[]): (identifier: WorkloadIdentifier) => boolean {
  const patterns: readonly IdentifierPattern[] = texts.map(parseIdentifierPattern)
  return (identifier) => matchesAny(patterns, identifier)
}
