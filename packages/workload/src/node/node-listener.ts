import type { IncomingMessage, ServerResponse } from 'node:http'
import { type MaybePromise, type RequestView, type ResponseView, responseViewOfResponse } from '@wimse/core'
import type { AuthenticatedPeer, ConnectionPeer } from '../authenticate/authenticated-peer.ts'
import { type Allow, createAuthorizer } from '../authenticate/authorize.ts'
import type { Authenticator } from '../authenticate/create-authenticator.ts'
import { requestViewOfIncoming, sendResponse } from './node-message.ts'

/** Answers a request whose caller is known and allowed. */
export type PeerHandler = (request: RequestView, peer: AuthenticatedPeer) => Response | Promise<Response>

/** Options of {@link createNodeListener}. */
export interface NodeListenerOptions {
  readonly authenticator: Authenticator
  /** Who may call; nobody else gets to the handler. */
  readonly allow: Allow
  /** The peer of the TLS connection that a request came over, such as `connectionPeerOf`. */
  readonly connectionPeer?: (incoming: IncomingMessage) => MaybePromise<ConnectionPeer | undefined>
  /** Is told of every refusal and failure; nothing of it goes to the caller but the code. */
  readonly onError?: (error: unknown) => void
}

/**
 * A request listener for node:http and node:https: authenticates, authorizes, calls the handler, and signs its response when the caller
 * requires that. A refusal is answered with its status, challenge and problem details; a failure of the handler with 500 and no details.
 *
 * @throws WimseError `ERR_IDENTIFIER_PATTERN`
 */
export function createNodeListener(
  options: NodeListenerOptions,
  handler: PeerHandler,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const { authenticator, connectionPeer, onError } = options
  const authorize = createAuthorizer(options.allow)
  const answer = async (incoming: IncomingMessage): Promise<ResponseView> => {
    try {
      const { peer, request, finish } = await authenticator.authenticate(requestViewOfIncoming(incoming), await connectionPeer?.(incoming))
      await authorize(peer)
      return await finish(responseViewOfResponse(await handler(request, peer)))
    } catch (error) {
      onError?.(error)
      return responseViewOfResponse(refusal(authenticator, error))
    }
  }
  return (incoming, outgoing) => {
    void answer(incoming).then((response) => sendResponse(response, outgoing))
  }
}

function refusal(authenticator: Authenticator, error: unknown): Response {
  try {
    return authenticator.refuse(error)
  } catch {
    return new Response(null, { status: 500, headers: { 'cache-control': 'no-store' } })
  }
}
