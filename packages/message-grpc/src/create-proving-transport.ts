import type { DescMethod } from '@bufbuild/protobuf'
import type { Interceptor, Transport } from '@connectrpc/connect'
import { createAsyncIterable, type UniversalClientFn, type UniversalClientRequest } from '@connectrpc/connect/protocol'
import { createTransport } from '@connectrpc/connect/protocol-grpc'
import { createNodeHttpClient, Http2SessionManager } from '@connectrpc/connect-node'
import { fieldLinesOfHeaders, type MaybePromise, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createMessageProof } from '@wimse/message-proof'
import type { WitCredential } from '@wimse/wit'
import { grpcDestination, hasRequestStream, PROVE_RESPONSE_FIELD } from './call-names.ts'
import { DEFAULT_MAX_MESSAGE_BYTES, onlyMessage, proveBody } from './envelopes.ts'
import { refusal } from './refusal.ts'
import { createStreamProver } from './stream-proof.ts'
import { type ProvedResponses, readProvedResponses, verifyResponse } from './verify-response.ts'

/** Options of {@link createProvingTransport}. */
export interface ProvingTransportOptions {
  /** Where the server is, such as `https://jobs.shop.example`. That it is the right one over a channel that nobody reads is for TLS to see to. */
  readonly baseUrl: string
  /** How the server calls itself in its configuration; the first part of every destination. */
  readonly authority: string
  /** Asked for each call, so that credentials can rotate. A stream keeps the one that it was opened with. */
  readonly credential: () => MaybePromise<WitCredential>
  /** Metadata that the server declares as bound. */
  readonly boundFields?: readonly string[]
  /** Lifetime of the proof that opens a call: 60 seconds unless told, 300 at most. */
  readonly lifetimeSeconds?: number
  /** Asks for proved responses, and takes no others. */
  readonly responses?: ProvedResponses
  readonly interceptors?: readonly Interceptor[]
  /** The connections, with certificates and such; plain ones to `baseUrl` unless told. */
  readonly sessionManager?: Http2SessionManager
  /** Octets of one message: 1 MiB unless told. */
  readonly maxMessageBytes?: number
  readonly defaultTimeoutMs?: number
  readonly runtime?: Runtime
}

/**
 * A transport of connect for the gRPC protocol over HTTP/2 that proves every call. One message: WIT and proof are in the metadata, over the
 * octets of the message as they go over the wire. A stream: the metadata proves the opening, each message has a proof of its own, and so
 * has the end. Nothing is compressed.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`. A call fails with a ConnectError, whose code `errorCodeOf` gives
 */
export function createProvingTransport(options: ProvingTransportOptions): Transport {
  const { baseUrl, authority, credential, boundFields = [], lifetimeSeconds, interceptors = [], defaultTimeoutMs } = options
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, runtime = defaultRuntime() } = options
  if (!(maxMessageBytes >= 1 && maxMessageBytes <= 0x7fffffff)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxMessageBytes' })
  const responses = options.responses && readProvedResponses(options.responses)
  const names = responses === undefined ? boundFields : [...boundFields, PROVE_RESPONSE_FIELD]
  const sessionManager = options.sessionManager ?? new Http2SessionManager(baseUrl)
  const send = createNodeHttpClient({ httpVersion: '2', sessionProvider: () => sessionManager })

  const prove = async (request: UniversalClientRequest, method: DescMethod): Promise<{ body: AsyncIterable<Uint8Array>; id: string }> => {
    const { header, body = createAsyncIterable([]) } = request
    if (responses !== undefined) header.set(PROVE_RESPONSE_FIELD, '1')
    const used = await credential()
    const streamed = hasRequestStream(method)
    const payload = streamed ? new Uint8Array() : await onlyMessage(body, maxMessageBytes)
    const destination = grpcDestination(authority, method)
    const message = { kind: 'message', destination, fields: fieldLinesOfHeaders(header), payload } as const
    const lifetime = lifetimeSeconds === undefined ? {} : { lifetimeSeconds }
    const lines = await createMessageProof(message, { credential: used, boundFields: names, ...lifetime, runtime })
    for (const [name, value] of lines) header.set(name, value)
    const id = await runtime.crypto.digestText('sha-256', lines[1]?.[1] ?? '')
    if (!streamed) return { id, body: createAsyncIterable([payload]) }
    return { id, body: proveBody(body, createStreamProver({ id, direction: 'request' }, used, runtime), maxMessageBytes) }
  }
  const transportFor = (method: DescMethod): Transport => {
    const httpClient: UniversalClientFn = async (request) => {
      try {
        const { id, body } = await prove(request, method)
        const response = await send({ ...request, body })
        return responses === undefined ? response : await verifyResponse(response, { id, responses, maxMessageBytes, runtime })
      } catch (error) {
        throw refusal(error)
      }
    }
    const limits = { readMaxBytes: maxMessageBytes, writeMaxBytes: maxMessageBytes, compressMinBytes: 1024 }
    const common = { httpClient, baseUrl, useBinaryFormat: true, interceptors: [...interceptors] }
    const timeout = defaultTimeoutMs === undefined ? {} : { defaultTimeoutMs }
    return createTransport({ ...common, ...limits, ...timeout, acceptCompression: [], sendCompression: null })
  }
  return {
    unary: (method, ...call) => transportFor(method).unary(method, ...call),
    stream: (method, ...call) => transportFor(method).stream(method, ...call),
  }
}
