import {
  createPeerLookup,
  type PeerLookup,
  type PeerMapping,
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
import { type Authenticator, type AuthenticatorOptions, createAuthenticator } from '../authenticate/create-authenticator.ts'
import { type CallCredentials, type PreparedCall, prepareCall } from '../call/prepare-call.ts'
import { type ProcessedResponse, processResponse } from '../call/process-response.ts'
import type { ProofChoice, ProofRule } from '../call/proof-choice.ts'
import { createHttpsTransport, type Transport } from './https-transport.ts'
import type { WorkloadSource } from './workload-source.ts'

/** Options of {@link createWorkload}. */
export interface WorkloadOptions {
  readonly source: WorkloadSource | Promise<WorkloadSource>
  /** Which identifier is expected at which origin, such as `https://payments.shop.example` (ID-5-01). */
  readonly peers: PeerMapping
  /** How calls prove who makes them; `wpt` unless told. */
  readonly proof?: ProofRule
  /** Rules for the WITs of others; `wimse` unless told. */
  readonly witProfile?: WitProfileName
  readonly algorithms?: AlgorithmPolicy
  /** Header fields besides Txn-Token that carry context, bound by every proof. */
  readonly contextFields?: readonly string[]
  /** More about the TLS connections of calls, such as `verifyHostName`. */
  readonly tls?: Partial<Omit<MutualTlsAgentOptions, 'source' | 'trust' | 'peers'>>
  /** How long to wait for the first credentials: 30,000 ms unless told. */
  readonly readyTimeoutMs?: number
  readonly runtime?: Runtime
}

/** A workload: what it calls others with, and what it knows its callers by. */
export interface Workload {
  readonly source: WorkloadSource
  readonly identifier: WorkloadIdentifier
  /**
   * Calls a peer: finds its identifier, connects to that workload and no other, adds the proof, and checks the response. Redirects are
   * not followed, since a proof is for one request.
   *
   * @throws WimseError `ERR_IDENTIFIER_UNMAPPED`, `ERR_INSECURE_CHANNEL`, `ERR_MTLS_…`, `ERR_X509_…`, `ERR_HTTP_SIGNATURE_…`
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** The steps of `fetch`, for those who send by other means. */
  prepare(request: RequestView, choice?: { readonly proof?: ProofChoice; readonly audience?: string }): Promise<PreparedCall>
  readonly send: Transport
  process(response: ResponseView, call: PreparedCall): Promise<ProcessedResponse>
  /** An authenticator with this workload's trust and, for signed responses, its credential. */
  authenticator(options: Omit<AuthenticatorOptions, 'trust' | 'credential'>): Authenticator
  close(): void
}

export const DEFAULT_READY_TIMEOUT_MS = 30_000

/**
 * Makes a workload of its source; resolves when its credentials are there.
 *
 * @throws WimseError `ERR_CREDENTIAL_UNAVAILABLE` when none came in time, `ERR_WORKLOAD_API_…`, and those of reading `peers`
 */
export async function createWorkload(options: WorkloadOptions): Promise<Workload> {
  const { proof = 'wpt', witProfile = 'wimse', contextFields = [], readyTimeoutMs = DEFAULT_READY_TIMEOUT_MS } = options
  const runtime = options.runtime ?? defaultRuntime()
  const lookup = createPeerLookup(options.peers)
  const source = await options.source
  await source.ready({ signal: AbortSignal.timeout(readyTimeoutMs) })
  const { trust } = source
  const policy = options.algorithms === undefined ? {} : { algorithms: options.algorithms }
  const credential = (): WitCredential => source.wit?.current() ?? unavailable()
  const credentials: CallCredentials = {
    wit: credential,
    jwtSvid: (audience) => source.jwt?.fetch(audience) ?? unavailable(),
  }
  const verifyWit = createWitVerifier({ trust, profile: witProfile, runtime, ...policy })
  const agent = createMutualTlsAgent({ profile: 'x509-svid', ...options.tls, source: source.x509, trust, peers: lookup })
  const send = createHttpsTransport(agent)

  const prepare: Workload['prepare'] = (request, choice = {}) => {
    const peer = expectedPeer(lookup, request)
    const chosen = choice.proof ?? (typeof proof === 'function' ? proof(peer) : proof)
    const audience = choice.audience === undefined ? {} : { audience: choice.audience }
    return prepareCall(request, { peer, proof: chosen, credentials, contextFields, runtime, ...audience })
  }
  const process: Workload['process'] = (response, call) => processResponse(response, call, { verifyWit, runtime })

  return {
    source,
    get identifier() {
      return source.x509.current().identifier
    },
    async fetch(input, init) {
      const request = new Request(input, init)
      const call = await prepare(requestViewOfRequest(request))
      const { response } = await send(call.request, request.signal)
      return webResponse((await process(response, call)).response)
    },
    prepare,
    send,
    process,
    authenticator: (own) => createAuthenticator({ witProfile, runtime, contextFields, ...policy, ...own, trust, credential }),
    close() {
      agent.destroy()
      source.close()
    },
  }
}

function expectedPeer(lookup: PeerLookup, { scheme, authority }: RequestView): WorkloadIdentifier {
  if (scheme !== 'https') throw new WimseError('ERR_INSECURE_CHANNEL')
  return lookup(`https://${authority}`)
}

const BODILESS = new Set([101, 204, 205, 304])

function webResponse({ status, fields, body }: ResponseView): Response {
  const content = BODILESS.has(status) ? null : body instanceof Uint8Array ? body.slice() : body
  return new Response(content, { status, headers: fields.map(([name, value]) => [name, value]) })
}

function unavailable(): never {
  throw new WimseError('ERR_CREDENTIAL_UNAVAILABLE')
}
