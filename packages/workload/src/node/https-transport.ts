import { type Agent, request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
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

/**
 * A transport over HTTPS whose servers are authenticated by the agent, one of `createMutualTlsAgent`.
 *
 * The calls throw WimseError `ERR_INSECURE_CHANNEL`, `ERR_MTLS_…`, `ERR_X509_…`, `ERR_IDENTIFIER_UNMAPPED`.
 */
export function createHttpsTransport(agent: Agent): Transport {
  return (request, signal) =>
    new Promise((resolve, reject) => {
      const { scheme, authority, path, query, method, fields, body } = request
      if (scheme !== 'https') return reject(new WimseError('ERR_INSECURE_CHANNEL'))
      const { hostname, port } = new URL(`https://${authority}`)
      const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
      const octets = body instanceof Uint8Array ? body : undefined
      const lines = fields.filter(([name]) => !CONNECTION_FIELDS.has(name.toLowerCase()))
      const headers = [['host', authority], ...lines, ...(octets === undefined ? [] : [['content-length', String(octets.length)]])]
      const outgoing = httpsRequest({
        agent,
        host,
        port: port === '' ? 443 : Number(port),
        method,
        path: query === undefined ? path : `${path}?${query}`,
        headers: headers.flat(),
        ...(signal !== undefined && { signal }),
      })
      outgoing.once('error', (cause) => reject(isWimseError(cause) ? cause : new WimseError('ERR_MTLS_CONNECTION', { cause })))
      outgoing.once('response', (incoming) => {
        resolve({
          response: {
            kind: 'response',
            status: incoming.statusCode ?? 0,
            fields: fieldLinesOfRawHeaders(incoming.rawHeaders),
            body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>,
          },
          connection: peerOf(incoming.socket as TLSSocket),
        })
      })
      if (body === null || octets !== undefined) outgoing.end(octets)
      else Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).pipe(outgoing)
    })
}
