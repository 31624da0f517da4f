import type { IncomingMessage, ServerResponse } from 'node:http'
import { isWimseError, type JsonObject, type ResponseView, type Runtime, readBody, responseViewOfResponse } from '@wimse/core'
import { createMutualTlsHttpsServer, recheckPeer, type X509Source } from '@wimse/mutual-tls'
import { describeFailure, type ListenAddress, type Listening, listen, type OperatorLog } from '@wimse/program'
import { DEFAULT_MAX_REQUEST_BYTES, oauthErrorResponse } from '@wimse/token-exchange'
import type { TrustStore } from '@wimse/trust'
import { requestViewOfIncoming, sendResponse } from '@wimse/workload/node'
import type { TokenEndpoint } from '../token/token-endpoint.ts'
import { readSmallBody } from './request-body.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

export const TOKEN_PATH = '/token'
export const REVOKE_PATH = '/revoke'
export const JWKS_PATH = '/jwks'
export const METADATA_PATH = '/.well-known/oauth-authorization-server'

/** How long recipients may keep the public keys: the next one is published long before it signs. */
const JWKS_MAX_AGE_SECONDS = 60

/** What is served. */
export interface TokenServerOptions {
  readonly address: ListenAddress
  readonly source: X509Source
  readonly trust: TrustStore
  /** What answers at a path, where anything does. */
  endpointAt(path: string): TokenEndpoint | undefined
  readonly jwks: () => JsonObject
  readonly metadata: () => Response
  readonly runtime: Runtime
  readonly log: OperatorLog
}

/**
 * Serves the endpoints, the public keys and the metadata over TLS 1.3 (TXN-11.5-04, TEX-6-01). The server shows its X.509-SVID (TXN-11.5-02); a client
 * may show one, which then has to be valid (TXN-11.5-01).
 */
export function serveTokens(options: TokenServerOptions): Promise<Listening> {
  const { source, trust, runtime, log } = options
  const server = createMutualTlsHttpsServer(
    {
      source,
      trust,
      profile: 'x509-svid',
      clientCertificate: 'optional',
      // What a client may have is decided by request.
      authorize: () => true,
      runtime,
      onRefused: (error) => log.event('peer.refused', describeFailure(error)),
    },
    (request, response) => void answer(request, response, options),
  )
  return listen(Object.assign(server, REQUEST_LIMITS), options.address)
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, options: TokenServerOptions): Promise<void> {
  let response: ResponseView
  try {
    response = await route(incoming, options)
  } catch (error) {
    options.log.event('request.failed', describeFailure(error))
    response = responseViewOfResponse(oauthErrorResponse(isWimseError(error) ? error : 'ERR_OPTIONS_INVALID'))
  }
  // What was not read of the request would be taken for the next one.
  if (!incoming.complete) outgoing.setHeader('connection', 'close')
  // Whole, so that it goes out with its length in one piece.
  const { body } = response
  const isWhole = body === null || body instanceof Uint8Array
  await sendResponse(isWhole ? response : { ...response, body: await readBody(body) }, outgoing)
}

async function route(incoming: IncomingMessage, { endpointAt, jwks, metadata }: TokenServerOptions): Promise<ResponseView> {
  const [path = ''] = (incoming.url ?? '').split('?', 1)
  const endpoint = endpointAt(path)
  if (endpoint !== undefined) {
    const octets = await readSmallBody(incoming, DEFAULT_MAX_REQUEST_BYTES)
    return await endpoint(requestViewOfIncoming(incoming, octets), () => recheckPeer(incoming.socket))
  }
  return responseViewOfResponse(answerAbout(path, incoming.method, { jwks, metadata }))
}

function answerAbout(
  path: string | undefined,
  method: string | undefined,
  { jwks, metadata }: Pick<TokenServerOptions, 'jwks' | 'metadata'>,
): Response {
  if (path !== JWKS_PATH && path !== METADATA_PATH) return emptyAnswer(404)
  if (method !== 'GET') return emptyAnswer(405, { allow: 'GET' })
  if (path === METADATA_PATH) return metadata()
  const headers = { 'content-type': 'application/json', 'cache-control': `max-age=${JWKS_MAX_AGE_SECONDS}` }
  return new Response(JSON.stringify(jwks()), { headers })
}

function emptyAnswer(status: 404 | 405, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers: { 'cache-control': 'no-store', ...headers } })
}
