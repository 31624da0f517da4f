import { type ResponseView, type Runtime, WimseError } from '@wimse/core'
import { createResponseVerifier } from '@wimse/http-signature'
import type { WitVerifier } from '@wimse/wit'
import type { PreparedCall } from './prepare-call.ts'

/** Options of {@link processResponse}. */
export interface ProcessResponseOptions {
  readonly verifyWit: WitVerifier
  /** Octets of a body that a signature covers: 1 MiB unless told. */
  readonly maxBodyBytes?: number
  readonly runtime: Runtime
}

/** A response that was judged. */
export interface ProcessedResponse {
  readonly response: ResponseView
  /** Whether a signature of the peer covers it; else TLS alone says where it came from. */
  readonly signed: boolean
}

/**
 * Checks the response to a call: a signature that is there has to hold, to be the peer's and to be for this request (SIG-3.5-09, SIG-3.5-10),
 * and one that was required has to be there (SIG-3.5-06); else an unsigned response is taken (SIG-3.5-07). The status of a response that
 * was refused for its missing signature is told in the error's detail as a hint. A call that wasn't signed has no nonce that a signed
 * response could be bound to: its response is what TLS says.
 *
 * @throws WimseError `ERR_HTTP_SIGNATURE_…` and those of verifying the peer's WIT
 */
export async function processResponse(
  response: ResponseView,
  { signed, peer }: PreparedCall,
  options: ProcessResponseOptions,
): Promise<ProcessedResponse> {
  if (signed === undefined) return { response, signed: false }
  try {
    const verified = await createResponseVerifier({ ...options, peer })(response, signed)
    return verified === undefined ? { response, signed: false } : { response: verified.message, signed: true }
  } catch (error) {
    if (error instanceof WimseError && error.code === 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED') {
      throw new WimseError('ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED', { detail: `unauthenticated status ${response.status}` })
    }
    throw error
  }
}
