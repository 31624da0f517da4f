import {
  type ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from '@connectrpc/connect'
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol'
import { createAsyncIterable } from '@connectrpc/connect/protocol'
import { type connectNodeAdapter, universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node'
import {
  type DeliveryStore,
  type FieldLines,
  fieldLinesOfRawHeaders,
  fieldValues,
  formatBase64url,
  type MaybePromise,
  type Runtime,
  WimseError,
} from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createMessageVerifier, readMessageProofField, type VerifiedMessage } from '@wimse/message-proof'
import { assertLiveCredential, WIT_FIELD, type WitCredential, type WitVerifier } from '@wimse/wit'
import { grpcDestination, hasRequestStream, PROVE_RESPONSE_FIELD } from './call-names.ts'
import { DEFAULT_MAX_MESSAGE_BYTES, onlyMessage, proveBody, verifyBody } from './envelopes.ts'
import { overrideStatus, refusal, statusText } from './refusal.ts'
import { createStreamProver, createStreamVerifier } from './stream-proof.ts'

/** Options of {@link createVerifyingHandler}. */
export interface VerifyingHandlerOptions {
  readonly routes: (router: ConnectRouter) => void
  /** What this server is called in its configuration and that of its clients. Host names of requests are never asked. */
  readonly authority: string
  readonly verifyWit: WitVerifier
  readonly deliveries: DeliveryStore
  /** Metadata that the application uses; refused when it is there and not bound. */
  readonly boundFields?: readonly string[]
  /** Whose responses these are. Without it, calls that ask for proved responses are refused. */
  readonly responses?: { readonly credential: () => MaybePromise<WitCredential> }
  readonly interceptors?: readonly Interceptor[]
  /** Octets of one message: 1 MiB unless told. */
  readonly maxMessageBytes?: number
  readonly clockToleranceSeconds?: number
  /** Longest lifetime of the proof that opens a call: 300 s unless told. */
  readonly maxLifetimeSeconds?: number
  /** Told of each refusal, with the details that no caller gets. */
  readonly onRefusal?: (failure: unknown) => void
  readonly runtime?: Runtime
}

type NodeHandler = ReturnType<typeof connectNodeAdapter>
type NodeRequest = Parameters<NodeHandler>[0]
type NodeResponse = Parameters<NodeHandler>[1]

/** How far the proof of one call is. */
interface Call {
  verified: VerifiedMessage | undefined
  refused: ConnectError | undefined
}

const NONE: Call = Object.freeze({ verified: undefined, refused: undefined })
const callKey = createContextKey<Call>(NONE)

/**
 * The proof of the call that is being handled. It is of the opening and the metadata; of the messages, those that have been read are proved.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` outside of a handler that verifies
 */
export function verifiedCallOf(context: Pick<HandlerContext, 'values'>): VerifiedMessage {
  const { verified } = context.values.get(callKey)
  if (verified === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'no verified call' })
  return verified
}

/**
 * A handler for `http2.createServer` and `createSecureServer` that serves the routes by gRPC, and none of them without a proof. It works on the
 * octets of requests, below the library's decoding: first the proof of the call (of its message, or of the opening of its stream), as
 * `createMessageVerifier` has it, each call once; then interceptors and implementation. Messages of a stream are given to the implementation
 * one by one, each after it was verified; one that is refused ends the call with an error, whatever the implementation does about it.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createVerifyingHandler(options: VerifyingHandlerOptions): NodeHandler {
  const { routes, authority, verifyWit, deliveries, boundFields = [], responses, interceptors = [], onRefusal = () => undefined } = options
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, runtime = defaultRuntime() } = options
  if (!(maxMessageBytes >= 1 && maxMessageBytes <= 0x7fffffff)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxMessageBytes' })
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    acceptCompression: [],
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    interceptors: [...interceptors],
    // Before interceptors and implementations: what has no proof gets no further.
    requestGate: ({ values }) => {
      const { verified, refused } = values.get(callKey)
      if (verified === undefined) throw refused ?? refusal(new WimseError('ERR_MESSAGE_PROOF_COUNT'))
    },
  })
  routes(router)
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]))
  const verifyMessage = createMessageVerifier({
    verifyWit,
    destinations: router.handlers.map(({ method }) => grpcDestination(authority, method)),
    boundFields: [...boundFields, PROVE_RESPONSE_FIELD],
    deliveries,
    maxPayloadBytes: maxMessageBytes + 5,
    ...(options.clockToleranceSeconds !== undefined && { clockToleranceSeconds: options.clockToleranceSeconds }),
    ...(options.maxLifetimeSeconds !== undefined && { maxLifetimeSeconds: options.maxLifetimeSeconds }),
    runtime,
  })

  const serve = async (handler: UniversalHandler, request: UniversalServerRequest, fields: () => FieldLines, values: ContextValues) => {
    const call: Call = { verified: undefined, refused: undefined }
    values.set(callKey, call)
    const refuse = (failure: unknown): ConnectError => {
      call.refused ??= refusal(failure)
      onRefusal(failure)
      return call.refused
    }
    let respond = async (response: UniversalServerResponse): Promise<UniversalServerResponse> => response
    let body: AsyncIterable<Uint8Array> = createAsyncIterable([])
    try {
      const lines = fields()
      const streamed = hasRequestStream(handler.method)
      const wire = request.body as AsyncIterable<Uint8Array>
      const payload = streamed ? new Uint8Array() : await onlyMessage(wire, maxMessageBytes)
      const destination = grpcDestination(authority, handler.method)
      // Nothing delivers a call again: each has a position of its own, so that its proof counts once.
      const position = formatBase64url(runtime.randomBytes(16))
      const verified = await verifyMessage({ kind: 'message', destination, fields: lines, payload }, { position })
      const id = await runtime.crypto.digestText('sha-256', readMessageProofField(lines))
      if (fieldValues(lines, PROVE_RESPONSE_FIELD).length > 0) {
        // Nobody gets an answer that he can't verify, after the deed was done.
        if (responses === undefined) throw new WimseError('ERR_PROOF_NOT_ACCEPTED')
        const credential = await responses.credential()
        assertLiveCredential(credential, runtime)
        const prover = createStreamProver({ id, direction: 'response' }, credential, runtime)
        respond = async ({ body: plain = createAsyncIterable([]), trailer, ...head }) => {
          const header = new Headers(head.header)
          header.set(WIT_FIELD, credential.token)
          const proved = proveBody(plain, prover, maxMessageBytes, () => statusText(trailer))
          return { ...head, header, body: proved, ...(trailer && { trailer }) }
        }
      }
      const verifyStream = createStreamVerifier({ id, direction: 'request' }, verified.wit, runtime)
      body = streamed ? refusing(verifyWhole(wire, verifyStream, maxMessageBytes), refuse) : createAsyncIterable([payload])
      call.verified = verified
    } catch (error) {
      refuse(error)
    }
    const response = await handler({ ...request, body })
    return respond(failing(response, call))
  }

  return (request: NodeRequest, response: NodeResponse) => {
    const handler = handlers.get(request.url ?? '')
    if (handler === undefined) {
      response.writeHead(404)
      response.end()
      return
    }
    const values = createContextValues()
    const universal = universalRequestFromNodeRequest(request, response, undefined, values)
    serve(handler, universal, () => fieldLinesOf(request), values)
      .then((answer) => universalResponseToNodeResponse(answer, response))
      // The caller is gone, or the answer could not be made: there is nobody to tell.
      .catch(() => response.destroy())
  }
}

/** Repeated metadata apart, as it came: headers of the platform would join it. */
function fieldLinesOf({ rawHeaders }: NodeRequest): FieldLines {
  return fieldLinesOfRawHeaders(rawHeaders.filter((_, index) => !rawHeaders[index - (index % 2)]?.startsWith(':')))
}

function verifyWhole(
  wire: AsyncIterable<Uint8Array>,
  verify: Parameters<typeof verifyBody>[1],
  maxBytes: number,
): AsyncIterable<Uint8Array> {
  return verifyBody(wire, verify, maxBytes, (end) => {
    if (end === undefined) throw new WimseError('ERR_MESSAGE_PROOF_TRUNCATED')
  })
}

async function* refusing(body: AsyncIterable<Uint8Array>, refuse: (failure: unknown) => ConnectError): AsyncIterable<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw refuse(error)
  }
}

/** An implementation may catch what reading its messages threw, and answer as if nothing were: the call fails all the same. */
function failing(response: UniversalServerResponse, call: Call): UniversalServerResponse {
  const { body, trailer } = response
  if (body === undefined || trailer === undefined) return response
  async function* checked(octets: AsyncIterable<Uint8Array>, status: Headers): AsyncIterable<Uint8Array> {
    for await (const part of octets) {
      if (call.refused !== undefined) break
      yield part
    }
    if (call.refused !== undefined) overrideStatus(status, call.refused)
  }
  return { ...response, body: checked(body, trailer) }
}
