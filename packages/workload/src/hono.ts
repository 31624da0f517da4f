import { type RequestView, type ResponseView, requestViewOfRequest, responseViewOfResponse } from '@wimse/core'
import type { MiddlewareHandler } from 'hono'
import type { AuthenticatedPeer, ConnectionPeer } from './authenticate/authenticated-peer.ts'
import { type Allow, createAuthorizer } from './authenticate/authorize.ts'
import type { Authenticator, AuthenticatorOptions } from './authenticate/create-authenticator.ts'

/** What makes authenticators: a `Workload`, or any object with its trust and credentials. */
export interface AuthenticatorFactory {
  authenticator(options: Omit<AuthenticatorOptions, 'trust' | 'credential'>): Authenticator
}

/** Options of {@link authenticate}. */
export interface AuthenticateOptions extends Omit<AuthenticatorOptions, 'trust' | 'credential'> {
  /** Who may call. */
  readonly allow: Allow
  /** The raw view of the request, where the server gives one: web headers have repeated fields joined already. */
  readonly rawRequest?: (environment: unknown) => RequestView | undefined
  /** The peer of the TLS connection. */
  readonly connectionPeer?: (environment: unknown) => ConnectionPeer | undefined
}

/** What the middleware adds to the context. */
export interface PeerVariables {
  readonly Variables: { readonly peer: AuthenticatedPeer }
}

/**
 * Middleware for Hono: authenticates and authorizes every request before the handler, which finds the caller in `c.var.peer`, and signs the
 * response when the caller requires that. A refusal is answered with its status, challenge and problem details.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_PATTERN`
 */
export function authenticate(workload: AuthenticatorFactory, options: AuthenticateOptions): MiddlewareHandler<PeerVariables> {
  const { allow, rawRequest, connectionPeer, ...rest } = options
  const authenticator = workload.authenticator(rest)
  const authorize = createAuthorizer(allow)
  return async (context, next) => {
    try {
      const view = rawRequest?.(context.env) ?? requestViewOfRequest(context.req.raw)
      const { peer, request, finish } = await authenticator.authenticate(view, connectionPeer?.(context.env))
      await authorize(peer)
      context.set('peer', peer)
      if (request.body instanceof Uint8Array) context.req.raw = withBody(context.req.raw, request.body)
      await next()
      const answered = responseViewOfResponse(context.res)
      const finished = await finish(answered)
      if (finished !== answered) context.res = toResponse(finished)
      return
    } catch (error) {
      return authenticator.refuse(error)
    }
  }
}

function withBody(request: Request, octets: Uint8Array): Request {
  const body = octets.length === 0 ? null : octets.slice()
  return new Request(request.url, { method: request.method, headers: request.headers, body })
}

function toResponse({ status, fields, body }: ResponseView): Response {
  return new Response(body instanceof Uint8Array ? body.slice() : body, { status, headers: fields.map(([name, value]) => [name, value]) })
}
