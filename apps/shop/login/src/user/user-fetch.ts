import { createPeerLookup, type PeerMapping, requestViewOfRequest } from '@wimse/core'
import { createMutualTlsAgent, type MutualTlsAgentOptions } from '@wimse/mutual-tls'
import { createHttpsTransport } from '@wimse/workload/node'

/** Options of {@link userFetch}. */
export interface UserFetchOptions extends Pick<MutualTlsAgentOptions, 'trust' | 'lookup' | 'runtime'> {
  /** Which identifier is expected at which origin: of the identity provider, of the services that users call. */
  readonly peers: PeerMapping
}

/** A `fetch` that shows no certificate and follows no redirect. Ends its idle connections with `close`. */
export interface UserFetch {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>
  close(): void
}

/**
 * What stands in for a user's browser: it trusts the services of the trust domain by their identifiers, and has no credential of its own.
 *
 * Calls throw WimseError `ERR_IDENTIFIER_UNMAPPED`, `ERR_INSECURE_CHANNEL`, `ERR_MTLS_…`, `ERR_X509_…`.
 */
export function userFetch({ peers, ...options }: UserFetchOptions): UserFetch {
  const agent = createMutualTlsAgent({ ...options, profile: 'x509-svid', peers: createPeerLookup(peers) })
  const send = createHttpsTransport(agent)
  const call = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const { response } = await send(requestViewOfRequest(request), request.signal)
    const { status, fields } = response
    const body = status === 204 || status === 205 || status === 304 ? null : (response.body as ReadableStream<Uint8Array> | null)
    return new Response(body, { status, headers: fields.map(([name, value]): [string, string] => [name, value]) })
  }
  return Object.assign(call, { close: () => agent.destroy() })
}
