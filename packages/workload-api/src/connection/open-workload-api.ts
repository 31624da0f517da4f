import { connect } from 'node:net'
import { type Client, createClient, type Interceptor } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import type { Runtime } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { SpiffeWorkloadAPI } from '../generated/workload_pb.ts'
import type { BackoffOptions } from '../stream/backoff.ts'
import { type WorkloadApiAddress, workloadApiAddressOf } from './address.ts'

/** Options of {@link openWorkloadApi}. */
export interface WorkloadApiOptions {
  /** `unix:///path` or `tcp://<IP address>:<port>`; the variable `SPIFFE_ENDPOINT_SOCKET` unless told. */
  readonly address?: string
  /** Where that variable is looked up; `process.env` unless told. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly runtime?: Runtime
  readonly backoff?: BackoffOptions
  /** Longest message in octets; {@link DEFAULT_MAX_MESSAGE_BYTES} unless told. */
  readonly maxMessageBytes?: number
  /** How long a single answer may take, in milliseconds; {@link DEFAULT_CALL_TIMEOUT_MS} unless told. Streams are not limited. */
  readonly callTimeoutMs?: number
}

export const DEFAULT_MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024
export const DEFAULT_CALL_TIMEOUT_MS = 10_000

/** A connection to a Workload API, shared by everything that fetches or watches over it. */
export interface WorkloadApi {
  readonly address: WorkloadApiAddress
  readonly runtime: Runtime
  readonly backoff: BackoffOptions
  readonly callTimeoutMs: number
  /** The generated client. Its messages are not checked: use the functions of this package. */
  readonly client: Client<typeof SpiffeWorkloadAPI>
  /** Ends with the connection; see {@link WorkloadApi.close}. */
  readonly closed: AbortSignal
  /** Ends every watch and closes the connection. */
  close(): void
}

// WLEP-3-06: without it, a program that can be talked into sending a plain request could fetch a private key.
const addSecurityHeader: Interceptor = (next) => (request) => {
  request.header.set('workload.spiffe.io', 'true')
  return next(request)
}

/**
 * Opens the Workload API of this host: gRPC (WLEP-3-02), without TLS. Nothing is sent before the first call, and the connection
 * comes back by itself after the server was away.
 *
 * Whoever listens at the address is believed: it has to be an address that only the agent can serve.
 *
 * @throws WimseError `ERR_WORKLOAD_API_ENDPOINT`
 * @see SPIFFE Workload Endpoint, sections 3 and 4
 */
export function openWorkloadApi(options: WorkloadApiOptions = {}): WorkloadApi {
  const address = workloadApiAddressOf(options.address, options.environment ?? process.env)
  const baseUrl = baseUrlOf(address)
  const sessionManager = new Http2SessionManager(
    baseUrl,
    {},
    { createConnection: () => (address.kind === 'unix' ? connect(address.path) : connect(address.port, address.host)) },
  )
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [addSecurityHeader],
    acceptCompression: [],
    readMaxBytes: options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
  })
  const closing = new AbortController()
  return {
    address,
    runtime: options.runtime ?? defaultRuntime(),
    backoff: options.backoff ?? {},
    callTimeoutMs: options.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS,
    client: createClient(SpiffeWorkloadAPI, transport),
    closed: closing.signal,
    close(): void {
      closing.abort()
      sessionManager.abort()
    },
  }
}

function baseUrlOf(address: WorkloadApiAddress): string {
  if (address.kind === 'unix') return 'http://localhost'
  return `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}
