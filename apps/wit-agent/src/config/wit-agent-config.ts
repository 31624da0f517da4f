import { parseTrustDomain, parseWorkloadIdentifier, type TrustDomain, trustDomainOf, type WorkloadIdentifier } from '@wimse/core'
import {
  type ConfigFault,
  type Decoded,
  type Decoder,
  integer,
  type ListenAddress,
  object,
  optional,
  parsed,
  requireConfig,
  text,
} from '@wimse/program'

/** Where the health endpoint is: a port of the loopback interface, or a unix socket. It has no authentication of its own. */
export type HealthAddress = ListenAddress | { readonly socketPath: string }

/** What a WIT agent is told. Paths are absolute, or relative to the working directory. */
export interface WitAgentConfig {
  readonly trustDomain: TrustDomain
  /** The SPIRE server's API port. */
  readonly server: { readonly host: string; readonly port: number }
  /** The trust domain's X.509 roots to begin with: a SPIFFE bundle (JSON) or certificates (PEM). */
  readonly bootstrapBundleFile: string
  /** Holds one join token. Read whenever the agent has to attest, so a new token can be put there. */
  readonly joinTokenFile: string | undefined
  /** Keeps the node's SVID and key over restarts. Without it each start needs a new join token. */
  readonly dataDirectory: string | undefined
  /** Who the agent is to workloads and to clients of the bundle; an entry of this name must be parented to it. */
  readonly identifier: WorkloadIdentifier
  readonly witEndpoint: ListenAddress
  readonly bundleEndpoint: ListenAddress & { readonly refreshHintSeconds: number }
  readonly health: HealthAddress | undefined
  readonly syncIntervalSeconds: number
}

export const DEFAULT_SYNC_INTERVAL_SECONDS = 5
export const DEFAULT_REFRESH_HINT_SECONDS = 60
export const DEFAULT_AGENT_PATH = '/wit-agent'

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost']

const port = integer(0, 65_535)

const health: Decoder<HealthAddress> = (value, path, faults) => {
  const bySocket = typeof value === 'object' && value !== null && 'socketPath' in value
  if (bySocket) return object({ socketPath: text })(value, path, faults)
  const address = object({ host: optional(text, '127.0.0.1'), port })(value, path, faults)
  if (address !== undefined && !LOOPBACK.includes(address.host)) faults.push({ path: `${path}.host`, expected: 'a loopback address' })
  return address
}

const shape = object({
  trustDomain: parsed(parseTrustDomain, 'the name of a trust domain'),
  server: object({ host: text, port: integer(1, 65_535) }),
  bootstrapBundleFile: text,
  joinTokenFile: optional(text, undefined),
  dataDirectory: optional(text, undefined),
  identifier: optional(parsed(parseWorkloadIdentifier, 'a SPIFFE ID'), undefined),
  witEndpoint: object({ host: text, port }),
  bundleEndpoint: object({ host: text, port, refreshHintSeconds: optional(integer(1, 86_400), DEFAULT_REFRESH_HINT_SECONDS) }),
  health: optional(health, undefined),
  syncIntervalSeconds: optional(integer(1, 300), DEFAULT_SYNC_INTERVAL_SECONDS),
})

/**
 * Reads a configuration. Every fault is named at once, with its path; an unknown option is one. Beyond single values: the agent's
 * identifier is a SPIFFE ID of its trust domain, and there is a join token or a data directory to start from.
 */
export function decodeWitAgentConfig(value: unknown): Decoded<WitAgentConfig> {
  const faults: ConfigFault[] = []
  const decoded = shape(value, '', faults)
  if (decoded === undefined || faults.length > 0) return { config: undefined, faults }
  const { identifier = parseWorkloadIdentifier(`spiffe://${decoded.trustDomain}${DEFAULT_AGENT_PATH}`) } = decoded
  if (!identifier.startsWith('spiffe://') || trustDomainOf(identifier) !== decoded.trustDomain) {
    faults.push({ path: 'identifier', expected: 'a SPIFFE ID of the trust domain' })
  }
  if (decoded.joinTokenFile === undefined && decoded.dataDirectory === undefined) {
    faults.push({ path: 'joinTokenFile', expected: 'a file, where there is no dataDirectory to start from' })
  }
  return faults.length === 0 ? { config: { ...decoded, identifier }, faults: [] } : { config: undefined, faults }
}

/** As {@link decodeWitAgentConfig}, for callers that have nobody to show faults to. @throws WimseError `ERR_OPTIONS_INVALID` */
export function parseWitAgentConfig(value: unknown): WitAgentConfig {
  return requireConfig(decodeWitAgentConfig(value))
}
