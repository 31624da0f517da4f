import { type MaybePromise, type RequestView, type ResponseView, requestViewOfRequest, responseViewOfResponse } from '@wimse/core'
import type { BoundTransactionToken } from '@wimse/transaction-tokens'
import type { MiddlewareHandler } from 'hono'
import { answerRequest } from './authenticate/answer-request.ts'
import type { AuthenticatedPeer, ConnectionPeer } from './authenticate/authenticated-peer.ts'
import { type Allow, createAuthorizer } from './authenticate/authorize.ts'
import type { Authenticator, RecipientOptions } from './authenticate/create-authenticator.ts'
import { webResponseOf } from './message/web-response.ts'

/** What makes authenticators: a `Workload`, or any object with its trust, its credential and a replay store. */
export interface AuthenticatorFactory {
  authenticator(options: RecipientOptions): Authenticator
}

/** Options of {@link authenticate}. */
export interface AuthenticateOptions extends RecipientOptions {
  /** Who may call. */
  readonly allow: Allow
  /** The raw view of the request, where the server gives one: web headers have repeated fields joined already. */
  readonly rawRequest?: (environment: unknown) => RequestView | undefined
  /** The peer of the TLS connection. When it throws, the request is refused and the connection asked to end. */
  readonly connectionPeer?: (environment: unknown) => MaybePromise<ConnectionPeer | undefined>
  /** Is told of every refusal and failure; nothing of it goes to the caller but the code. */
  readonly onError?: (error: unknown) => void
}

/** What the middleware adds to the context: `new Hono<PeerVariables>()`. */
export interface PeerVariables {
  readonly Variables: {
    readonly peer: AuthenticatedPeer
    /** Undefined where the request has none or `transactionTokens` isn't told. */
    readonly transaction: BoundTransactionToken | undefined
  }
}

/**
 * Middleware for Hono: authenticates and authorizes every request before the handler, which finds the caller in `c.var.peer`
 * and the transaction that it vouches for in `c.var.transaction`, and signs the response when the caller requires that. A refusal is answered with its status, challenge and problem details. On Node, `nodeServer` of
 * `@wimse/workload/node` has what `rawRequest` and `connectionPeer` are to be.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_PATTERN`
 */
export function authenticate(workload: AuthenticatorFactory, options: AuthenticateOptions): MiddlewareHandler<PeerVariables> {
  const { allow, rawRequest, connectionPeer, onError, ...recipient } = options
  const rules = { authenticator: workload.authenticator(recipient), authorize: createAuthorizer(allow), onError }
  return async (context, next) => {
    let answered: ResponseView | undefined
    const answer = await answerRequest(
      {
        view: () => rawRequest?.(context.env) ?? requestViewOfRequest(context.req.raw),
        connectionPeer: () => connectionPeer?.(context.env),
        async handle({ body }, peer, transaction) {
          context.set('peer', peer)
          context.set('transaction', transaction)
          // The octets that were verified are the only ones that the handler gets to see.
          if (body instanceof Uint8Array) context.req.raw = withBody(context.req.raw, body)
          await next()
          answered = responseViewOfResponse(context.res)
          return answered
        },
      },
      rules,
    )
    if (answer === answered) return
    // Given a second response, Hono would keep the header fields of the first.
    if (answered !== undefined) context.res = undefined
    context.res = webResponseOf(answer)
  }
}

function withBody({ url, method, headers, signal }: Request, octets: Uint8Array): Request {
  return new Request(url, { method, headers, signal, body: octets.length === 0 ? null : octets.slice() })
}
