import { isIP } from 'node:net'
import { parseTrustDomain, type TrustDomain, WimseError } from '@wimse/core'
import { type SignatureAlgorithm, WIMSE_ALGORITHMS } from '@wimse/keys'
import {
  type ConfigFault,
  checked,
  type Decoded,
  type Decoder,
  integer,
  type ListenAddress,
  list,
  object,
  oneOf,
  optional,
  parsed,
  record,
  requireConfig,
  text,
} from '@wimse/program'
import type { ClaimsTable, DelegationPolicyOptions, Target } from '@wimse/token-exchange'
import { checkDeferral, type DeferralConfig, deferral } from './deferral-config.ts'
import {
  acting,
  type OutboundRule,
  outbound,
  pattern,
  patterns,
  type ReplacementRule,
  replacementRule,
  type TransactionTokenRule,
  targets,
  transactionTokenRule,
  transcription,
} from './policy-config.ts'
import { type RevocationConfig, revocation, type StateConfig, state } from './state-config.ts'

/** Another issuer and where its keys are. */
export interface IssuerConfig {
  readonly issuer: string
  /** A JWK set over https; its server is authenticated by Web PKI, or by its identifier where `peer` is told. */
  readonly jwksUri: string | undefined
  readonly peer: string | undefined
  /** A JWK set that is read once. */
  readonly jwksFile: string | undefined
}

/** How WITs reach this service where the Workload API has no keys for them. */
export interface WitBundleConfig {
  readonly trustDomain: TrustDomain
  readonly url: string
  readonly endpointIdentifier: string
}

/** Ways in which clients may authenticate. */
export type ClientMethod = 'wimse' | 'mutual-tls' | 'wit' | 'jwt-svid'

/** What a token service is told. Paths are absolute, or relative to the working directory. */
export interface TokenServiceConfig {
  readonly trustDomain: TrustDomain
  /** The issuer identifier: an https origin. Also what proofs and assertions of clients have to name. */
  readonly issuer: string
  /** More origins by which clients call this service. */
  readonly aliases: readonly string[]
  readonly listen: ListenAddress
  readonly health: ListenAddress | undefined
  /** `unix:///path`; SPIFFE_ENDPOINT_SOCKET unless told. */
  readonly workloadApi: string | undefined
  readonly witBundles: readonly WitBundleConfig[]
  /** Addresses of host names of issuers, where they are not to be asked of a resolver. */
  readonly addresses: Readonly<Record<string, string>>
  readonly keys: {
    readonly file: string | undefined
    readonly algorithm: SignatureAlgorithm
    readonly rotateEverySeconds: number
  }
  /** Live proofs, and used grants apart from them, that are remembered in memory at most; when as many are live, new ones are refused with 503. */
  readonly replayCapacity: number
  readonly state: StateConfig
  readonly revocation: RevocationConfig
  readonly clients: {
    readonly admit: readonly string[]
    readonly methods: readonly ClientMethod[]
    /** Which `aud` an access token has to have that one of these clients may present as a subject token. */
    readonly audiences: readonly { readonly clients: readonly string[]; readonly audiences: readonly string[] }[]
  }
  readonly accessTokenIssuers: readonly (IssuerConfig & { readonly subjectPrefix: string })[]
  readonly transactionTokens: {
    readonly rules: readonly TransactionTokenRule[]
    readonly replacements: readonly ReplacementRule[]
    readonly maxRequestingWorkloads: number
  }
  readonly deferral: DeferralConfig
  readonly accessTokens: { readonly targets: readonly Target[]; readonly lifetimeSeconds: number }
  readonly acting: DelegationPolicyOptions
  readonly chaining: {
    readonly outbound: readonly OutboundRule[]
    readonly inbound: readonly (IssuerConfig & { readonly transcription: ClaimsTable })[]
  }
}

/** A proof is remembered for a minute or two: this is room for some thousand requests a second. */
export const DEFAULT_REPLAY_CAPACITY = 500_000
export const DEFAULT_ROTATE_EVERY_SECONDS = 86_400

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost']

const port = integer(0, 65_535)

const issuer = parsed((value) => {
  const { origin } = URL.canParse(value) ? new URL(value) : { origin: '' }
  if (origin !== value || !value.startsWith('https://')) throw new WimseError('ERR_OPTIONS_INVALID')
  return value
}, 'an https origin without a slash at its end')

const ipAddress: Decoder<string> = checked(
  text,
  (value) => {
    if (isIP(value) === 0) throw new WimseError('ERR_OPTIONS_INVALID')
  },
  'an IP address',
)

const issuerMembers = {
  issuer: text,
  jwksUri: optional(text, undefined),
  peer: optional(pattern, undefined),
  jwksFile: optional(text, undefined),
}

const oneKeySource = ({ jwksUri, jwksFile, peer }: IssuerConfig): void => {
  if ((jwksUri === undefined) === (jwksFile === undefined)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'jwksUri or jwksFile' })
  if (jwksUri !== undefined && !jwksUri.startsWith('https://')) throw new WimseError('ERR_INSECURE_CHANNEL')
  if (jwksUri !== undefined && !URL.canParse(jwksUri)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'jwksUri' })
  if (peer !== undefined && jwksUri === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a peer without jwksUri' })
}

const health: Decoder<ListenAddress> = (value, path, faults) => {
  const address = object({ host: optional(text, '127.0.0.1'), port })(value, path, faults)
  if (address !== undefined && !LOOPBACK.includes(address.host)) faults.push({ path: `${path}.host`, expected: 'a loopback address' })
  return address
}

const METHODS: readonly ClientMethod[] = ['wimse', 'mutual-tls', 'wit', 'jwt-svid']

const shape: Decoder<TokenServiceConfig> = object({
  trustDomain: parsed(parseTrustDomain, 'the name of a trust domain'),
  issuer,
  aliases: optional(list(issuer), []),
  listen: object({ host: text, port }),
  health: optional(health, undefined),
  workloadApi: optional(text, undefined),
  witBundles: optional(
    list(object({ trustDomain: parsed(parseTrustDomain, 'the name of a trust domain'), url: text, endpointIdentifier: pattern })),
    [],
  ),
  addresses: optional(record(ipAddress), {}),
  keys: optional(
    object({
      file: optional(text, undefined),
      algorithm: optional(oneOf(...WIMSE_ALGORITHMS), 'ES256' as const),
      rotateEverySeconds: optional(integer(600, 14 * 86_400), DEFAULT_ROTATE_EVERY_SECONDS),
    }),
    { file: undefined, algorithm: 'ES256' as const, rotateEverySeconds: DEFAULT_ROTATE_EVERY_SECONDS },
  ),
  replayCapacity: optional(integer(1000, 10_000_000), DEFAULT_REPLAY_CAPACITY),
  state: optional(state, { redis: undefined }),
  revocation: optional(revocation, { operators: [] }),
  clients: object({
    admit: patterns,
    methods: optional(list(oneOf(...METHODS), 1), METHODS),
    audiences: optional(list(object({ clients: patterns, audiences: list(text, 1) })), []),
  }),
  accessTokenIssuers: optional(
    list(checked(object({ ...issuerMembers, subjectPrefix: optional(text, '') }), oneKeySource, 'one key source')),
    [],
  ),
  transactionTokens: optional(
    object({
      rules: list(transactionTokenRule),
      replacements: optional(list(replacementRule), []),
      maxRequestingWorkloads: optional(integer(1, 16), 4),
    }),
    { rules: [], replacements: [], maxRequestingWorkloads: 4 },
  ),
  deferral: optional(deferral, { rules: [] }),
  accessTokens: optional(object({ targets, lifetimeSeconds: optional(integer(1, 3600), 300) }), { targets: [], lifetimeSeconds: 300 }),
  acting: optional(acting, {}),
  chaining: optional(
    object({
      outbound: optional(outbound, []),
      inbound: optional(list(checked(object({ ...issuerMembers, transcription }), oneKeySource, 'one key source')), []),
    }),
    { outbound: [], inbound: [] },
  ),
})

/**
 * Reads a configuration. Every fault is named at once, with its path; an unknown option is one. Beyond single values: an issuer of access
 * tokens or grants is listed once and isn't this service, subjects of several issuers are kept apart by prefixes (TXN-11.3-04), and rules
 * let requesters name subjects say which.
 */
export function decodeTokenServiceConfig(value: unknown): Decoded<TokenServiceConfig> {
  const faults: ConfigFault[] = []
  const config = shape(value, '', faults)
  if (config === undefined || faults.length > 0) return { config: undefined, faults }
  const { accessTokenIssuers, chaining, transactionTokens } = config
  checkIssuers(accessTokenIssuers, 'accessTokenIssuers', config.issuer, faults)
  checkIssuers(chaining.inbound, 'chaining.inbound', config.issuer, faults)
  // `a` and `ab` would let a subject of one issuer pass for one of the other.
  for (const [index, { subjectPrefix }] of accessTokenIssuers.entries()) {
    const mixed = accessTokenIssuers.some((other, at) => at !== index && other.subjectPrefix.startsWith(subjectPrefix))
    if (mixed) faults.push({ path: `accessTokenIssuers[${index}].subjectPrefix`, expected: 'a prefix that no other one begins with' })
  }
  for (const [index, rule] of transactionTokens.rules.entries()) {
    if (rule.subjectTokenTypes.some((kind) => kind !== 'access_token') && rule.subjects.length === 0 && !rule.ownSubject) {
      faults.push({ path: `transactionTokens.rules[${index}].subjects`, expected: 'the subjects that requesters may name themselves' })
    }
  }
  checkDeferral(config, faults)
  return faults.length === 0 ? { config, faults: [] } : { config: undefined, faults }
}

function checkIssuers(issuers: readonly IssuerConfig[], path: string, own: string, faults: ConfigFault[]): void {
  const names = issuers.map((entry) => entry.issuer)
  if (new Set(names).size !== names.length) faults.push({ path, expected: 'each issuer once' })
  for (const [index, name] of names.entries()) {
    if (name === own) faults.push({ path: `${path}[${index}].issuer`, expected: 'another issuer than this service' })
  }
}

/** As {@link decodeTokenServiceConfig}, for callers that have nobody to show faults to. @throws WimseError `ERR_OPTIONS_INVALID` */
export function parseTokenServiceConfig(value: unknown): TokenServiceConfig {
  return requireConfig(decodeTokenServiceConfig(value))
}
