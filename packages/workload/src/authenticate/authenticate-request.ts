import { requestViewOfRequest } from '@wimse/core'
import type { AuthenticatedPeer } from './authenticated-peer.ts'
import { type AuthenticatorOptions, createAuthenticator } from './create-authenticator.ts'

/** Options of {@link authenticateRequest}: those of an authenticator that signs no response and reads no context. */
export type AuthenticateRequestOptions = Omit<AuthenticatorOptions, 'credential' | 'signResponses' | 'transactionTokens'>

/**
 * Authenticates one web `Request`: for edge functions and single handlers. The request stays as it is, and its body can be read once more:
 * where a signature covers it, a copy was verified. Keep `replay` for longer than one request: a store that is made for each
 * remembers nothing. A service makes a `createAuthenticator` once instead, which also remembers WITs.
 *
 * A request that requires a signed response is refused, since the response isn't seen here. The platform has joined repeated header fields and
 * parsed the URL before this can look: what it lets through is what is judged.
 *
 * A transaction token isn't judged here, since nothing but the peer is given back: `bindTransactionToken` of `@wimse/transaction-tokens` joins one
 * that was verified with the `proofs` of the peer.
 *
 * @throws WimseError the code of the first check that failed; `errorResponse` of `@wimse/core` makes the answer
 */
export async function authenticateRequest(request: Request, options: AuthenticateRequestOptions): Promise<AuthenticatedPeer> {
  // With a credential, which callers that the compiler doesn't guard may give, a required signature would be promised and not made.
  const { credential, signResponses, ...recipient }: AuthenticatorOptions = options
  const { authenticate } = createAuthenticator(recipient)
  // Only a signature makes anybody read the body; a copy that nobody reads would be filled by whoever reads the other.
  const copied = request.body !== null && request.headers.has('signature-input') ? request.clone() : undefined
  try {
    const { peer } = await authenticate(requestViewOfRequest(copied ?? request))
    return peer
  } finally {
    if (copied?.bodyUsed === false) void copied.body?.cancel().catch(() => undefined)
  }
}
