import { readFile } from 'node:fs/promises'
import { isJsonObject, type JsonObject, parseStrictJsonObject, WimseError } from '@wimse/core'

/** Where WITs come from that the Workload API doesn't serve. */
export interface WitAgentConfig {
  readonly url: string
  readonly identifier: string
  readonly algorithm: string | undefined
}

/** Where keys of WITs are that the Workload API hasn't. */
export interface WitBundleConfig {
  readonly trustDomain: string
  readonly url: string
  readonly endpointIdentifier: string
}

/** Where a service runs: written by whoever starts it. */
export interface PlatformConfig {
  readonly listen: { readonly host: string; readonly port: number }
  /** SPIFFE_ENDPOINT_SOCKET unless told. */
  readonly workloadApi: string | undefined
  readonly witAgent: WitAgentConfig | undefined
  readonly witBundles: readonly WitBundleConfig[]
  /** Addresses of host names that no resolver knows. */
  readonly addresses: Readonly<Record<string, string>>
  /** For services that have work done later, or do it. */
  readonly broker: BrokerConfig | undefined
}

/** Where the broker is. */
export interface BrokerConfig {
  /** `tls://…`, or `nats://…` on loopback. */
  readonly url: string
  /** The network between is private: `nats://…` is taken beyond loopback. */
  readonly private: boolean
}

/** What a service is told. */
export interface ServiceConfig {
  readonly name: string
  /** What it answers to. */
  readonly origin: string
  readonly trustDomain: string
  /** The token service of its trust domain. */
  readonly tokens: string
  /** Which workload is expected at which origin. */
  readonly peers: Readonly<Record<string, string>>
  readonly platform: PlatformConfig
  /** The whole document, for members of the service's own. */
  readonly document: JsonObject
}

/**
 * Reads the configuration of a service.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` with the member in its detail, `ERR_JSON_…`; the system's error for a file that can't be read
 */
export async function readServiceConfig(path: string): Promise<ServiceConfig> {
  return parseServiceConfig(parseStrictJsonObject(await readFile(path)))
}

/** As {@link readServiceConfig}, of a document. @throws WimseError `ERR_OPTIONS_INVALID` */
export function parseServiceConfig(document: JsonObject): ServiceConfig {
  const platform = objectOf(document, 'platform')
  const listen = objectOf(platform, 'listen')
  const agent = platform['witAgent'] === undefined ? undefined : objectOf(platform, 'witAgent')
  const broker = platform['broker'] === undefined ? undefined : objectOf(platform, 'broker')
  const { port } = listen
  if (typeof port !== 'number') throw invalid('platform.listen.port')
  return {
    name: textOf(document, 'name'),
    origin: textOf(document, 'origin'),
    trustDomain: textOf(document, 'trustDomain'),
    tokens: textOf(document, 'tokens'),
    peers: textsOf(document, 'peers'),
    platform: {
      listen: { host: textOf(listen, 'host'), port },
      workloadApi: optionalTextOf(platform, 'workloadApi'),
      witAgent: agent && {
        url: textOf(agent, 'url'),
        identifier: textOf(agent, 'identifier'),
        algorithm: optionalTextOf(agent, 'algorithm'),
      },
      witBundles: listOf(platform, 'witBundles').map((bundle) => ({
        trustDomain: textOf(bundle, 'trustDomain'),
        url: textOf(bundle, 'url'),
        endpointIdentifier: textOf(bundle, 'endpointIdentifier'),
      })),
      addresses: platform['addresses'] === undefined ? {} : textsOf(platform, 'addresses'),
      broker: broker && { url: textOf(broker, 'url'), private: broker['private'] === true },
    },
    document,
  }
}

/** A member that is a text. @throws WimseError `ERR_OPTIONS_INVALID` */
export function textOf(object: JsonObject, name: string): string {
  const value = object[name]
  if (typeof value !== 'string' || value === '') throw invalid(name)
  return value
}

/** A member that is a list of texts. @throws WimseError `ERR_OPTIONS_INVALID` */
export function textsIn(object: JsonObject, name: string): readonly string[] {
  const value = object[name]
  const texts = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  if (!Array.isArray(value) || texts.length !== value.length) throw invalid(name)
  return texts
}

function optionalTextOf(object: JsonObject, name: string): string | undefined {
  return object[name] === undefined ? undefined : textOf(object, name)
}

function objectOf(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  if (!isJsonObject(value)) throw invalid(name)
  return value
}

function textsOf(object: JsonObject, name: string): Readonly<Record<string, string>> {
  const members = objectOf(object, name)
  return Object.fromEntries(Object.keys(members).map((key) => [key, textOf(members, key)]))
}

function listOf(object: JsonObject, name: string): readonly JsonObject[] {
  const value = object[name] ?? []
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw invalid(name)
  return value
}

function invalid(member: string): WimseError {
  return new WimseError('ERR_OPTIONS_INVALID', { detail: `configuration: ${member}` })
}
