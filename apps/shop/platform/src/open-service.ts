import {
  type ErrorCode,
  errorTable,
  isWimseError,
  type JsonObject,
  parseStrictJsonObject,
  parseTrustDomain,
  type Runtime,
  readBody,
  WimseError,
} from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { remoteIssuerKeys } from '@wimse/token-exchange'
import {
  createTransactionTokenVerifier,
  type TokenServiceEndpointKeys,
  type TransactionTokenVerifier,
  tokenServiceEndpointKeys,
} from '@wimse/transaction-tokens'
import type { WitCredential } from '@wimse/wit'
import type { CallChoice, Workload } from '@wimse/workload/node'
import { type Callers, createCallers } from './callers.ts'
import { type JobQueue, openJobQueue } from './job-queue.ts'
import { openWorkload } from './open-workload.ts'
import { Refusal } from './refusal.ts'
import type { ServiceConfig } from './service-config.ts'
import { createTokenClient, type TokenClient } from './token-client.ts'

/** The identity provider of the shop's users. */
const LOGIN = 'spiffe://shop.example/login'

/** Octets of an answer. */
const MAX_ANSWER_BYTES = 65_536
const KEYS_RETRY_MS = 500

/** What one call has of its own. */
export interface ServiceCall extends Pick<CallChoice, 'transaction' | 'proof'> {
  /** The body; a call without one is a GET. */
  readonly json?: JsonObject
  /** An access token that is bound to this workload's key: sent beside an HTTP signature, which proves that key and covers the token. */
  readonly token?: string
  /** Without it, a call waits as long as the connection stands. */
  readonly timeoutMs?: number
}

/** A service that has its credentials and knows its peers. */
export interface ShopService extends Callers {
  readonly config: ServiceConfig
  readonly workload: Workload
  readonly tokens: TokenClient
  /** Where work waits that is done later; absent where no broker is configured. */
  readonly jobs: JobQueue | undefined
  /** A transaction token that came in the body of an answer. */
  readonly verifyTransaction: TransactionTokenVerifier
  /** The origin of a workload, by configuration. @throws Error when none is configured */
  at(identifier: string): string
  /** Calls a workload and reads its JSON. @throws Refusal with the code and the hop, when it, or one behind it, refuses */
  call(identifier: string, path: string, call?: ServiceCall): Promise<JsonObject>
  close(): void
}

/**
 * Opens a service: its credentials and anchors, the keys of its token service, which have to be there before anything is served, and the checks of callers.
 *
 * @throws WimseError as {@link openWorkload}
 */
export async function openService(config: ServiceConfig): Promise<ShopService> {
  const { name, origin, trustDomain, tokens } = config
  const workload = await openWorkload(config)
  // Keys come from the workload that has the right identifier, over a connection that proves it: no Web PKI is involved.
  const fetch: Runtime['fetch'] = (input, init) => workload.fetch(input, { ...init, proof: 'mutual-tls' })
  const runtime: Runtime = { ...defaultRuntime(), fetch }
  const keys = tokenServiceEndpointKeys({ trustDomain, url: `${tokens}/jwks`, refreshCooldownSeconds: 1, runtime })
  await firstKeys(keys, trustDomain, runtime)
  const verifyTransaction = createTransactionTokenVerifier({ keys, audience: trustDomain })

  const { broker } = config.platform
  const credential = (): WitCredential => workload.source.wit?.current() ?? noWit()
  const jobs = broker && (await openJobQueue({ broker, trustDomain, credential }))
  const originOf = new Map(Object.entries(config.peers).map(([peer, identifier]) => [identifier, peer]))
  const at = (identifier: string): string => originOf.get(identifier) ?? unknownPeer(identifier)
  const login = originOf.get(LOGIN)
  const issuers = {
    tokens: remoteIssuerKeys({ issuers: { [tokens]: `${tokens}/jwks` }, cooldownSeconds: 1, runtime }),
    users: remoteIssuerKeys({ issuers: login === undefined ? {} : { [login]: `${login}/jwks` }, cooldownSeconds: 1, runtime }),
  }
  return {
    ...createCallers({ name, audience: origin, workload, verifyTransaction, issuers }),
    config,
    workload,
    tokens: createTokenClient(workload, { tokens, trustDomain, verify: verifyTransaction }),
    jobs,
    verifyTransaction,
    at,
    async call(identifier, path, { json, token, timeoutMs, ...choice } = {}) {
      const headers = new Headers({ accept: 'application/json' })
      if (json !== undefined) headers.set('content-type', 'application/json')
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      const content = json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) }
      const proof = token === undefined ? {} : { proof: 'http-signature' as const }
      const limit = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }
      const response = await workload.fetch(`${at(identifier)}${path}`, { headers, ...content, ...proof, ...choice, ...limit })
      const answer = parseAnswer(await readBody(response.body, MAX_ANSWER_BYTES))
      if (!response.ok) throw refusalOf(answer, response.status, identifier)
      return answer
    },
    close() {
      keys.close()
      void jobs?.close()
      workload.close()
    },
  }
}

/** The services of a world start in any order. */
async function firstKeys(keys: TokenServiceEndpointKeys, trustDomain: string, runtime: Runtime): Promise<void> {
  const domain = parseTrustDomain(trustDomain)
  const present = (): boolean => {
    try {
      return keys.current(domain).length > 0
    } catch (error) {
      if (isWimseError(error, 'ERR_TRUST_STALE')) return false
      throw error
    }
  }
  await keys.start()
  while (!present()) {
    await runtime.delay(KEYS_RETRY_MS)
    await keys.refresh(domain)
  }
}

function noWit(): never {
  throw new WimseError('ERR_CREDENTIAL_UNAVAILABLE')
}

function unknownPeer(identifier: string): never {
  throw new Error(`configuration: no origin for ${identifier}`)
}

function parseAnswer(octets: Uint8Array): JsonObject {
  return octets.length === 0 ? {} : parseStrictJsonObject(octets)
}

/** Whose refusal it is: the service that says so in its answer, or the one that answered. Nothing else of the answer is passed on. */
function refusalOf({ code, hop }: JsonObject, status: number, identifier: string): Refusal {
  const known = typeof code === 'string' && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : undefined
  const named = typeof hop === 'string' && /^[a-z-]{1,32}$/.test(hop) ? hop : identifier.slice(identifier.lastIndexOf('/') + 1)
  const elsewhere = { hop: named, status: status >= 500 ? 502 : 403 } as const
  return new Refusal(`${named}: ${known ?? status}`, known ?? (status >= 500 ? 'ERR_MTLS_CONNECTION' : 'ERR_POLICY_DENIED'), elsewhere)
}
