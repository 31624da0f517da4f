import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { TLSSocket } from 'node:tls'
import { type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type FetchBundle, readBundleBody } from '../source/fetch-bundle.ts'
import { connectEndpoint } from './connect-endpoint.ts'

/** Options of {@link nodeFetchBundle}. */
export interface NodeFetchBundleOptions {
  /** Authorities in PEM for `https_web`, instead of the Web PKI store of Node (FED-5.2.1.4-02). */
  readonly ca?: string | readonly string[]
  readonly runtime?: Pick<Runtime, 'crypto' | 'now'>
}

/**
 * Retrieves bundles over TLS of Node (1.2 or later, no client certificate), for both profiles. `https_web`: a certificate of an authority
 * in `ca` or in Node's own store that names the host. `https_spiffe`: a valid X509-SVID (`verifyX509Svid`) for exactly the configured
 * identifier; host names play no part. The request goes out only when the server has been authenticated. One connection each.
 *
 * Its rejections: `ERR_TRUST_ENDPOINT`, `ERR_TRUST_REDIRECT`, `ERR_TRUST_BUNDLE_TOO_LARGE`, `ERR_TRUST_ENDPOINT_PEER`, `ERR_X509_…`.
 *
 * @see SPIFFE Federation, sections 5.2.1.4 and 5.2.2.4
 */
export function nodeFetchBundle(options: NodeFetchBundleOptions = {}): FetchBundle {
  const runtime = options.runtime ?? defaultRuntime()
  const ca = typeof options.ca === 'string' ? [options.ca] : options.ca
  return async (request) => {
    const socket = await connectEndpoint(request, { ...(ca === undefined ? {} : { ca }), runtime })
    try {
      const response = await get(request.url, socket, request.signal)
      const body = Readable.toWeb(response) as ReadableStream<Uint8Array> as globalThis.ReadableStream<Uint8Array>
      return await readBundleBody(response.statusCode ?? 0, body, request.maxBytes)
    } finally {
      socket.destroy()
    }
  }
}

function get(url: URL, socket: TLSSocket, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(new WimseError('ERR_TRUST_ENDPOINT', { detail: 'the connection failed', cause }))
    const request = httpRequest({
      createConnection: () => socket,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, accept: 'application/json', connection: 'close' },
      signal,
    })
    request.on('error', fail)
    request.once('response', resolve)
    request.end()
  })
}
