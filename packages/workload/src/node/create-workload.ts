import {
  createPeerLookup,
  inMemoryReplayStore,
  type PeerLookup,
  type PeerMapping,
  type ReplayStore,
  type RequestView,
  type ResponseView,
  type Runtime,
  requestViewOfRequest,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import { type AlgorithmPolicy, defaultRuntime } from '@wimse/keys'
import { createMutualTlsAgent, type MutualTlsAgentOptions } from '@wimse/mutual-tls'
import { createWitVerifier, type WitCredential, type WitProfileName } from '@wimse/wit'
import { type Authenticator, createAuthenticator, type RecipientOptions } from '../authenticate/create-authenticator.ts'
import { type CallCredentials, type PreparedCall, prepareCall, readContextFields } from '../call/prepare-call.ts'
import { type ProcessedResponse, processResponse } from '../call/process-response.ts'
import type { CallChoice, CallInit, ProofRule } from '../call/proof-choice.ts'
import { webResponseOf } from '../message/web-response.ts'
import { createHttpsTransport, type Transport } from './https-transport.ts'
import type { WorkloadSource } from './workload-source.ts'

/** Options of {@link createWorkload}. */
export interface WorkloadOptions {
  /** The workload's from now on: closed with it, and when it can't be made. */
  readonly source: WorkloadSource | Promise<WorkloadSource>
  /**
   * Which identifier is expected at which origin, such as `https://payments.shop.example`: a table or a function (ID-5-01, ID-5-02). The one
   * mapping there is: connections and signed responses are both held against it (ID-5-04).
   */
  readonly peers: PeerMapping
  /** How calls prove who makes them, unless the call says so itself; `wpt` unless told. */
  readonly proof?: ProofRule
  /** Rules for the WITs of others; those of the source unless told, which for `workloadApi` is `wit-svid`. */
  readonly witProfile?: WitProfileName
  readonly algorithms?: AlgorithmPolicy
  /** Header fields besides Txn-Token that carry context, bound by every proof. */
  readonly contextFields?: readonly string[]
  /** Octets of a body that a signature covers, of requests and responses: 1 MiB unless told. */
  readonly maxBodyBytes?: number
  /** For authenticators that are told of no other: one in memory for {@link DEFAULT_REPLAY_CAPACITY} proofs unless told, which is right for one process. */
  readonly replay?: ReplayStore
  /** More about the TLS connections of calls, such as `verifyHostName`. */
  readonly tls?: Partial<Omit<MutualTlsAgentOptions, 'source' | 'trust' | 'peers'>>
  /** How long to wait for the first credentials: {@link DEFAULT_READY_TIMEOUT_MS} unless told. */
  readonly readyTimeoutMs?: number
  readonly runtime?: Runtime
}

/** A workload: what it calls others with, and what it knows its callers by. */
export interface Workload {
  readonly source: WorkloadSource
  /** @throws WimseError `ERR_CREDENTIAL_UNAVAILABLE`, `ERR_CREDENTIAL_EXPIRED` */
  readonly identifier: WorkloadIdentifier
  /**
   * Calls a peer: finds its identifier, connects to that workload and no other, adds the token of its transaction and the proof, and
   * checks the response. Redirects are not followed, since a proof is for one request. When the signal aborts it rejects with the signal's reason, as `fetch` does.
   *
   * @throws WimseError `ERR_IDENTIFIER_UNMAPPED`, `ERR_INSECURE_CHANNEL`, `ERR_MTLS_…`, `ERR_X509_…`, `ERR_HTTP_SIGNATURE_…`,
   *   `ERR_CREDENTIAL_…`, `ERR_TXN_LEAVES_DOMAIN`, `ERR_TXN_NOT_BOUND`, those of `prepareCall` and of the trust store
   */
  fetch(input: string | URL | Request, init?: CallInit): Promise<Response>
  /** The steps of `fetch`, for those who send by other means. */
  prepare(request: RequestView, choice?: CallChoice): Promise<PreparedCall>
  readonly send: Transport
  process(response: ResponseView, call: PreparedCall): Promise<ProcessedResponse>
  /** An authenticator with this workload's trust and, for signed responses, its credential. All of them share one replay store unless told. */
  authenticator(options: RecipientOptions): Authenticator
  /** Ends idle connections, the source, and all use of its credentials. */
  close(): void
}

export const DEFAULT_READY_TIMEOUT_MS = 30_000
export const DEFAULT_REPLAY_CAPACITY = 100_000

/**
 * Makes a workload of its source; resolves when its credentials are there.
 *
 * @throws WimseError `ERR_CREDENTIAL_UNAVAILABLE` when none came in time, `ERR_WORKLOAD_API_…`, `ERR_OPTIONS_INVALID`, and those of reading
 *   `peers`
 */
export async function createWorkload(options: WorkloadOptions): Promise<Workload> {
  const source = await options.source
  try {
    const workload = workloadOf(source, options)
    await readyInTime(source, options)
    return workload
  } catch (error) {
    source.close()
    throw error
  }
}

function workloadOf(source: WorkloadSource, options: WorkloadOptions): Workload {
  const { proof = 'wpt', witProfile = source.witProfile ?? 'wimse' } = options
  const runtime = options.runtime ?? defaultRuntime()
  const replay = options.replay ?? inMemoryReplayStore({ capacity: DEFAULT_REPLAY_CAPACITY })
  const contextFields = readContextFields(options.contextFields)
  const lookup = createPeerLookup(options.peers)
  const { trust, x509 } = source
  const policy = options.algorithms === undefined ? {} : { algorithms: options.algorithms }
  const limit = options.maxBodyBytes === undefined ? {} : { maxBodyBytes: options.maxBodyBytes }
  const credential = (): WitCredential => source.wit?.current() ?? unavailable()
  const credentials: CallCredentials = {
    wit: credential,
    jwtSvid: (audience) => source.jwt?.fetch(audience) ?? unavailable(),
  }
  const verifyWit = createWitVerifier({ trust, profile: witProfile, runtime, ...policy })
  const agent = createMutualTlsAgent({ profile: 'x509-svid', runtime, ...options.tls, source: x509, trust, peers: lookup })
  const send = createHttpsTransport(agent)

  const prepare: Workload['prepare'] = async (request, choice = {}) => {
    const peer = expectedPeer(lookup, request)
    const chosen = choice.proof ?? (typeof proof === 'function' ? proof(peer) : proof)
    const audience = choice.audience === undefined ? {} : { audience: choice.audience }
    const { transaction } = choice
    return prepareCall(request, { peer, proof: chosen, credentials, transaction, contextFields, runtime, ...limit, ...audience })
  }
  const process: Workload['process'] = (response, call) => processResponse(response, call, { verifyWit, runtime, ...limit })

  return {
    source,
    get identifier() {
      return x509.current().identifier
    },
    async fetch(input, init) {
      const request = new Request(input, init)
      const call = await prepare(requestViewOfRequest(request), init)
      const { response } = await send(call.request, request.signal)
      try {
        return webResponseOf((await process(response, call)).response)
      } catch (error) {
        // Unread it would keep its connection.
        if (response.body instanceof ReadableStream && !response.body.locked) void response.body.cancel().catch(() => undefined)
        throw error
      }
    },
    prepare,
    send,
    process,
    authenticator: (own) =>
      createAuthenticator({ witProfile, runtime, contextFields, replay, ...policy, ...limit, ...own, trust, credential }),
    close() {
      agent.destroy()
      source.close()
    },
  }
}

async function readyInTime(source: WorkloadSource, options: WorkloadOptions): Promise<void> {
  const { readyTimeoutMs = DEFAULT_READY_TIMEOUT_MS, runtime = defaultRuntime() } = options
  const waiting = new AbortController()
  void runtime.delay(readyTimeoutMs, waiting.signal).then(() => waiting.abort())
  try {
    await source.ready({ signal: waiting.signal })
  } finally {
    waiting.abort()
  }
}

/** ID-5-03: the origin finds an entry of the mapping, or nothing. */
function expectedPeer(lookup: PeerLookup, { scheme, authority }: RequestView): WorkloadIdentifier {
  if (scheme !== 'https') throw new WimseError('ERR_INSECURE_CHANNEL')
  return lookup(`https://${authority}`)
}

function unavailable(): never {
  throw new WimseError('ERR_CREDENTIAL_UNAVAILABLE')
}
