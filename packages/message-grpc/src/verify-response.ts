import type { UniversalClientResponse } from '@connectrpc/connect/protocol'
import { fieldLinesOfHeaders, type IdentifierPattern, matchesAny, parseIdentifierPattern, type Runtime, WimseError } from '@wimse/core'
import { readWitField, type VerifiedWit, WIT_FIELD, type WitVerifier } from '@wimse/wit'
import { verifyBody } from './envelopes.ts'
import { isFailure, refusal, statusText } from './refusal.ts'
import { createStreamVerifier } from './stream-proof.ts'

/** Whose responses a client takes. */
export interface ProvedResponses {
  readonly verifyWit: WitVerifier
  /** The server's identifier, or a pattern; one of several. */
  readonly server: string | readonly string[]
}

/** The same, read once. */
export interface ResponseRules {
  readonly verifyWit: WitVerifier
  readonly servers: readonly IdentifierPattern[]
}

/** @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_PATTERN` */
export function readProvedResponses({ verifyWit, server }: ProvedResponses): ResponseRules {
  const servers = typeof server === 'string' ? [server] : server
  if (!Array.isArray(servers) || servers.length === 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'server' })
  return { verifyWit, servers: servers.map(parseIdentifierPattern) }
}

interface ResponseContext {
  /** What the response has to be bound to: the hash of the request's proof. */
  readonly id: string
  readonly responses: ResponseRules
  readonly maxMessageBytes: number
  readonly runtime: Runtime
}

/**
 * The response without its proofs, each message given out once it is verified. In order: the WIT in the header and whose it is; each message;
 * the end; the status, its message and details, which are those that the end has. A response that plainly failed and has no end is left as the
 * failure that it is: who could forge it could as well have cut the connection.
 *
 * @throws ConnectError while it is read, `errorCodeOf` gives the code
 */
export async function verifyResponse(response: UniversalClientResponse, context: ResponseContext): Promise<UniversalClientResponse> {
  const { header, trailer } = response
  if (!header.has(WIT_FIELD)) return { ...response, body: onlyError(response) }
  const { id, responses, maxMessageBytes, runtime } = context
  const wit = await verifyServer(readWitField(fieldLinesOfHeaders(header)), responses)
  const verify = createStreamVerifier({ id, direction: 'response' }, wit, runtime)
  // A status in the header would count for more than that of the trailer, which the end has.
  if (statusText(header).trim() !== '') throw new WimseError('ERR_MESSAGE_PROOF_RESPONSE_STATUS', { detail: 'in the header' })
  const body = verifyBody(response.body, verify, maxMessageBytes, async (end) => {
    if (end === undefined && !isFailure(trailer)) throw new WimseError('ERR_MESSAGE_PROOF_TRUNCATED')
    if (end !== undefined && end.status !== (await runtime.crypto.digestText('sha-256', statusText(trailer)))) {
      throw new WimseError('ERR_MESSAGE_PROOF_RESPONSE_STATUS')
    }
  })
  return { ...response, body: refusing(body) }
}

async function verifyServer(token: string, { verifyWit, servers }: ResponseRules): Promise<VerifiedWit> {
  const wit = await verifyWit(token)
  if (!matchesAny(servers, wit.identifier)) throw new WimseError('ERR_MESSAGE_PROOF_RESPONSE_PEER')
  return wit
}

async function* refusing(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw refusal(error)
  }
}

/** No message, and a status that is no success. */
async function* onlyError({ header, body, trailer, status }: UniversalClientResponse): AsyncIterable<Uint8Array> {
  for await (const octets of body) if (octets.length > 0) throw refusal(new WimseError('ERR_MESSAGE_PROOF_RESPONSE'))
  // Where a header has a status, it is the one that counts.
  const last = statusText(header).trim() === '' ? trailer : header
  if (status === 200 && !isFailure(last)) throw refusal(new WimseError('ERR_MESSAGE_PROOF_RESPONSE'))
  yield* []
}
