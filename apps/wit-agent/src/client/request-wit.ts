import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import {
  type ErrorCode,
  errorTable,
  isWimseError,
  parseStrictJsonObject,
  type Runtime,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import type { Signer } from '@wimse/keys'
import { connectMutualTls } from '@wimse/mutual-tls'
import type { TrustStore } from '@wimse/trust'
import type { X509Credential } from '@wimse/workload-api'
import { createWitRequest, WIT_REQUEST_PATH } from '../request/wit-request.ts'

/** How a WIT agent is reached and known. */
export interface WitAgentPeer {
  /** `https://host:port`; the path is the protocol's. */
  readonly endpoint: URL
  readonly identifier: WorkloadIdentifier
  /** Has the X.509 roots of the agent's trust domain. */
  readonly trust: TrustStore
  readonly timeoutMs: number
}

export interface WitRequestInput {
  /** Who the workload is, in TLS and in the proof. */
  readonly credential: X509Credential
  readonly signer: Signer
  readonly hint: string | undefined
  readonly runtime: Runtime
}

const MAX_ANSWER_BYTES = 65_536

/**
 * Asks a WIT agent for the WIT-SVID of a key. The connection is mutual TLS 1.3; before anything is sent the agent is authenticated
 * by its identifier and the roots of its trust domain.
 *
 * @returns the WIT-SVID, and the hint of its entry
 * @throws WimseError `ERR_MTLS_CONNECTION`, `ERR_MTLS_PEER`, `ERR_X509_…`; the code that the agent answered with where it is one of
 *   ours, such as `ERR_WIT_AGENT_NOT_ENTITLED`; `ERR_WORKLOAD_API_RESPONSE` for any other answer
 */
export async function requestWit(
  peer: WitAgentPeer,
  { credential, signer, hint, runtime }: WitRequestInput,
): Promise<{ readonly token: string; readonly hint?: string }> {
  const leaf = credential.chain[0] ?? new Uint8Array()
  const body = await createWitRequest({
    signer,
    audience: peer.identifier,
    subject: credential.identifier,
    leaf,
    runtime,
    ...(hint !== undefined && { hint }),
  })
  const { endpoint, identifier, trust, timeoutMs } = peer
  const socket = await connectMutualTls({
    host: endpoint.hostname.replace(/^\[|\]$/g, ''),
    port: Number(endpoint.port || 443),
    source: { current: () => credential },
    trust,
    profile: 'x509-svid',
    expectedPeer: identifier,
    // The identifier is pinned, and SPIRE gives certificates DNS names only where an entry asks for them.
    verifyHostName: false,
    timeoutMs,
    runtime,
  })
  try {
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('timeout')))
    return parseAnswer(await post(socket, endpoint, body))
  } finally {
    socket.destroy()
  }
}

interface Answer {
  readonly status: number
  readonly body: Uint8Array
}

function post(socket: TLSSocket, endpoint: URL, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(isWimseError(cause) ? cause : new WimseError('ERR_MTLS_CONNECTION', { cause }))
    const request = httpRequest(
      {
        createConnection: () => socket,
        method: 'POST',
        path: WIT_REQUEST_PATH,
        headers: { host: endpoint.host, 'content-type': 'application/json', connection: 'close' },
      },
      (response) => void readAnswer(response).then(resolve, fail),
    )
    request.once('error', fail)
    // A server that switches to another protocol would end the request without an error.
    request.once('upgrade', () => fail(undefined))
    request.end(body)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw unusable('too long')
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) }
}

function parseAnswer({ status, body }: Answer): { readonly token: string; readonly hint?: string } {
  let answer: ReturnType<typeof parseStrictJsonObject>
  try {
    answer = parseStrictJsonObject(body, { maxBytes: MAX_ANSWER_BYTES })
  } catch (cause) {
    throw unusable(`status ${status}`, cause)
  }
  if (status !== 200) {
    const { code } = answer
    throw isErrorCode(code) ? new WimseError(code, { detail: 'the answer of the WIT agent' }) : unusable(`status ${status}`)
  }
  const { wit_svid: token, hint } = answer
  if (typeof token !== 'string') throw unusable('wit_svid')
  return typeof hint === 'string' ? { token, hint } : { token }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code)
}

function unusable(detail: string, cause?: unknown): WimseError {
  return new WimseError('ERR_WORKLOAD_API_RESPONSE', { detail, ...(cause !== undefined && { cause }) })
}
