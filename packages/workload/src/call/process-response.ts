import { type ResponseView, type Runtime, WimseError } from '@wimse/core'
import { createResponseVerifier } from '@wimse/http-signature'
import type { WitVerifier } from '@wimse/wit'
import type { PreparedCall } from './prepare-call.ts'

/** A response that was judged. */
export interface ProcessedResponse {
  readonly response: ResponseView
  /** Whether a signature of the peer covers it; else TLS alone says where it came from. */
  readonly signed: boolean
}

/**
 * Checks the response to a call: a signature that is there has to hold and to be the peer's (SIG-3.5-09), and one that was required has to be
 * there (SIG-3.5-06). The status of a response that was refused for its missing signature is told in the error's detail as a hint.
 *
 * @throws WimseError `ERR_HTTP_SIGNATURE_…` and those of verifying the peer's WIT
 */
export async function processResponse(
  response: ResponseView,
  { signed, peer }: PreparedCall,
  options: { readonly verifyWit: WitVerifier; readonly runtime: Runtime },
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
