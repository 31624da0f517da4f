import { isWimseError, type MessageBody, type Runtime, readBody, recode, WimseError, type WorkloadIdentifier } from '@wimse/core'

/** How the server of a bundle endpoint is authenticated. */
export type EndpointAuthentication =
  | { readonly kind: 'web-pki' }
  | {
      readonly kind: 'spiffe'
      /** The one identifier that the server's certificate may have (FED-5.2.2.4-01). */
      readonly endpointIdentifier: WorkloadIdentifier
      /** The X.509 anchors of that identifier's trust domain, in DER. */
      readonly anchors: readonly Uint8Array[]
    }

/** One retrieval from a bundle endpoint. */
export interface BundleRequest {
  /** Of scheme `https`, without user information. */
  readonly url: URL
  readonly authentication: EndpointAuthentication
  readonly maxBytes: number
  /** Aborts when the time is over. */
  readonly signal: AbortSignal
}

/**
 * Retrieves the octets of a bundle document with GET, without client authentication, once the server has been authenticated as told. A
 * redirect isn't followed: `ERR_TRUST_REDIRECT`. Any status but 200, and any failure of the connection: `ERR_TRUST_ENDPOINT`. A body
 * over the limit: `ERR_TRUST_BUNDLE_TOO_LARGE`. A server of another identifier: `ERR_TRUST_ENDPOINT_PEER`.
 */
export type FetchBundle = (request: BundleRequest) => Promise<Uint8Array>

/**
 * Retrieves bundles with the runtime's `fetch`: the platform's Web PKI store and its checks of the server's name (FED-5.2.1.4-01,
 * FED-5.2.1.4-02, FED-5.2.1.4-03, TDD-5.3-07). It can't authenticate a server by its SPIFFE ID, and says so.
 *
 * FED-5.2.1.4-07 recommends to follow redirects. Here none is followed: who controls an endpoint for a moment could else send its
 * clients away for good, and the operator's configuration would no longer say where anchors come from.
 */
export function webFetchBundle(runtime: Pick<Runtime, 'fetch'>): FetchBundle {
  return async ({ url, authentication, maxBytes, signal }) => {
    // FED-7.2-02: no profile stands in for the other.
    if (authentication.kind !== 'web-pki') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'https_spiffe needs a fetchBundle' })
    let response: Response
    try {
      response = await runtime.fetch(url, { method: 'GET', redirect: 'manual', headers: { accept: 'application/json' }, signal })
    } catch (cause) {
      throw new WimseError('ERR_TRUST_ENDPOINT', { detail: 'the connection failed', cause })
    }
    const status = response.type === 'opaqueredirect' ? 302 : response.status
    if (status !== 200 || response.redirected) await response.body?.cancel().catch(() => undefined)
    if (response.redirected) throw new WimseError('ERR_TRUST_REDIRECT')
    return readBundleBody(status, response.body, maxBytes)
  }
}

/** The body of an answer with status 200. @throws WimseError `ERR_TRUST_REDIRECT`, `ERR_TRUST_ENDPOINT`, `ERR_TRUST_BUNDLE_TOO_LARGE` */
export async function readBundleBody(status: number, body: MessageBody, maxBytes: number): Promise<Uint8Array> {
  if (status >= 300 && status < 400) throw new WimseError('ERR_TRUST_REDIRECT')
  if (status !== 200) throw new WimseError('ERR_TRUST_ENDPOINT', { detail: `status ${status}` })
  try {
    return await readBody(body, maxBytes)
  } catch (error) {
    if (!isWimseError(error)) throw error
    throw recode(error.code === 'ERR_MESSAGE_BODY_TOO_LARGE' ? 'ERR_TRUST_BUNDLE_TOO_LARGE' : 'ERR_TRUST_ENDPOINT', error)
  }
}
