import type { IncomingMessage, ServerResponse } from 'node:http'
import { type MaybePromise, type RequestView, responseViewOfResponse } from '@wimse/core'
import type { BoundTransactionToken } from '@wimse/transaction-tokens'
import { answerRequest } from '../authenticate/answer-request.ts'
import type { AuthenticatedPeer, ConnectionPeer } from '../authenticate/authenticated-peer.ts'
import { type Allow, createAuthorizer } from '../authenticate/authorize.ts'
import type { Authenticator } from '../authenticate/create-authenticator.ts'
import { requestViewOfIncoming, sendResponse } from './node-message.ts'

/** Answers a request whose caller is known and allowed. `transaction` is undefined where the request has none or `transactionTokens` isn't told. */
export type PeerHandler = (
  request: RequestView,
  peer: AuthenticatedPeer,
  transaction: BoundTransactionToken | undefined,
) => Response | Promise<Response>

/** Options of {@link createNodeListener}. */
export interface NodeListenerOptions {
  readonly authenticator: Authenticator
  /** Who may call; nobody else gets to the handler. */
  readonly allow: Allow
  /** The peer of the TLS connection that a request came over, such as `connectionPeerOf`. When it throws, the connection ends with the refusal. */
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
  const rules = { authenticator, authorize: createAuthorizer(options.allow), onError }
  return (incoming, outgoing) => {
    const served = {
      view: () => requestViewOfIncoming(incoming),
      connectionPeer: () => connectionPeer?.(incoming),
      handle: async (...known: Parameters<PeerHandler>) => responseViewOfResponse(await handler(...known)),
    }
    void answerRequest(served, rules).then((response) => sendResponse(response, outgoing))
  }
}
