import { requestViewOfRequest } from '@wimse/core'
import type { AuthenticatedPeer } from './authenticated-peer.ts'
import { type AuthenticatorOptions, createAuthenticator } from './create-authenticator.ts'

/** A web request whose caller is known. */
export interface AuthenticatedWebRequest {
  readonly peer: AuthenticatedPeer
  /** The request for the handler: where a signature covered the body, it has the octets that were verified. */
  readonly request: Request
}

/**
 * Authenticates one web `Request`: for edge functions and single handlers. A service makes a {@link createAuthenticator} once instead,
 * which also remembers WITs. Signed responses are not made here: a request that requires one is refused.
 *
 * The platform has joined repeated header fields and parsed the URL before this can look: what it lets through is what is judged.
 *
 * @throws WimseError the code of the first check that failed
 */
export async function authenticateRequest(request: Request, options: AuthenticatorOptions): Promise<AuthenticatedWebRequest> {
  const { peer, request: view } = await createAuthenticator(options).authenticate(requestViewOfRequest(request))
  if (!(view.body instanceof Uint8Array)) return { peer, request }
  const body = view.body.length === 0 ? null : view.body.slice()
  return { peer, request: new Request(request.url, { method: request.method, headers: request.headers, body }) }
}
