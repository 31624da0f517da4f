import type { ClientRequest } from 'node:http'
import { type Agent, request as httpsRequest } from 'node:https'
import { pipeline, Readable } from 'node:stream'
import { fieldLinesOfRawHeaders, isWimseError, type RequestView, type ResponseView, WimseError } from '@wimse/core'
import { peerOf, type VerifiedPeer } from '@wimse/mutual-tls'

/** A response, and who the connection says that it came from. */
export interface TransportResponse {
  readonly response: ResponseView
  readonly connection: VerifiedPeer | undefined
}

/** Sends one request as it is, header lines in their order, repeated ones apart, and follows no redirect: a proof is for one request. */
export type Transport = (request: RequestView, signal?: AbortSignal) => Promise<TransportResponse>

/** Fields that belong to the connection and are written by node:http. */
const CONNECTION_FIELDS = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade'])
const METHODS_WITH_CONTENT = new Set(['POST', 'PUT', 'PATCH'])

/**
 * A transport over HTTPS whose servers are authenticated by the agent, one of `createMutualTlsAgent` (WPT-3.1.1-01, WPT-3.1.1-02). Where the
 * signal aborts, calls reject with its reason, as those of `fetch` do.
 *
 * The calls throw WimseError `ERR_INSECURE_CHANNEL`, `ERR_MESSAGE_MALFORMED`, `ERR_MTLS_…`, `ERR_X509_…`, `ERR_IDENTIFIER_UNMAPPED`, those of
 * the trust store and of the agent's source.
 */
export function createHttpsTransport(agent: Agent): Transport {
  return (request, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const outgoing = open(agent, request)
      const abort = (): void => void outgoing.destroy()
      signal?.addEventListener('abort', abort, { once: true })
      const fail = (cause: unknown): void => {
        if (signal?.aborted === true) reject(signal.reason)
        else reject(isWimseError(cause) ? cause : new WimseError('ERR_MTLS_CONNECTION', { cause }))
      }
      outgoing.on('error', fail)
      outgoing.on('close', () => {
        signal?.removeEventListener('abort', abort)
        // A peer that switches to a protocol nobody asked for ends the request without an error.
        fail(undefined)
      })
      outgoing.on('response', (incoming) => {
        const connection = peerOf(incoming.socket)
        const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>
        try {
          const fields = fieldLinesOfRawHeaders(incoming.rawHeaders)
          resolve({ response: { kind: 'response', status: incoming.statusCode ?? 0, fields, body }, connection })
        } catch (error) {
          incoming.destroy()
          reject(error)
        }
      })
      const { body } = request
      if (body === null || body instanceof Uint8Array) outgoing.end(body ?? undefined)
      else pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), outgoing, () => undefined)
    })
}

function open(agent: Agent, { scheme, authority, path, query, method, fields, body }: RequestView): ClientRequest {
  if (scheme !== 'https') throw new WimseError('ERR_INSECURE_CHANNEL')
  if (!/^[^/?#@\\\s]+$/.test(authority) || !URL.canParse(`https://${authority}`)) {
    throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'authority' })
  }
  const target = query === undefined ? path : `${path}?${query}`
  if (!/^\/[\x21\x22\x24-\x7e]*$/.test(target)) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'request target' })
  const { hostname, port } = new URL(`https://${authority}`)
  const length = body === null ? (METHODS_WITH_CONTENT.has(method) ? 0 : undefined) : body instanceof Uint8Array ? body.length : undefined
  const lines = fields.filter(([name]) => !CONNECTION_FIELDS.has(name.toLowerCase()))
  const headers = [['host', authority], ...lines, ...(length === undefined ? [] : [['content-length', String(length)]])]
  try {
    return httpsRequest({
      agent,
      host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
      port: port === '' ? 443 : Number(port),
      method,
      path: target,
      headers: headers.flat(),
    })
  } catch {
    // What node says about it may quote the value.
    throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'a part of the request that can not be sent' })
  }
}
