import { isWimseError, type ResponseView, recode } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { responseCoverage } from './profile.ts'
import { type Signed, type SignOptions, signProfile } from './sign-profile.ts'
import { assertVerifiedHttpSignature, type VerifiedHttpSignature } from './verified-http-signature.ts'

/** Options of {@link signResponse}. */
export interface SignResponseOptions extends SignOptions {
  /** The request that is answered: only one whose signature holds has a nonce to be bound to. */
  readonly request: VerifiedHttpSignature
}

/** A response as it is to be sent. */
export interface SignedResponse {
  readonly response: ResponseView
  /** The header fields that were added, for callers that send by other means than the view. */
  readonly addedFields: Signed<ResponseView>['addedFields']
  readonly nonce: string
}

/**
 * Signs the response to a verified request: adds the server's WIT (SIG-3-19), `Content-Digest` over a body (SIG-3-20), and one
 * signature over `@status`, the request's `@method`, `@path`, `@query` (SIG-3-13 to SIG-3-16), `Content-Type`, `Content-Digest`
 * (SIG-3-17, SIG-3-18) and the WIT, with `wimse-req-nonce` (SIG-3-30, SIG-3.4-02, SIG-3.4-03).
 *
 * Whether a signature is required is `request.signedResponseRequired` (SIG-3.5-02) or local policy (SIG-3.5-03). A body that is a
 * stream is read whole; one beyond the limit can't be signed, and the caller then answers with that error instead (SIG-3.5-04,
 * SIG-3.5-05).
 *
 * @throws WimseError `ERR_HTTP_SIGNATURE_CANNOT_SIGN` for a body beyond the limit or that breaks off, `ERR_OPTIONS_INVALID`,
 *   `ERR_CREDENTIAL_EXPIRED`, `ERR_PROOF_CREDENTIAL_MISMATCH`, `ERR_HTTP_SIGNATURE_TAG_DUPLICATE`, `ERR_DIGEST_…`,
 *   `ERR_HTTP_MESSAGE_…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-wimse-http-signature/ section 3.5
 */
export async function signResponse(response: ResponseView, options: SignResponseOptions): Promise<SignedResponse> {
  const { request, runtime = defaultRuntime() } = options
  assertVerifiedHttpSignature(request)
  const coverage = options.boundFields === undefined ? COVERAGE : responseCoverage(options.boundFields)
  const plan = { coverage, derivedFirst: 1, ownParameters: { 'wimse-req-nonce': request.nonce }, request: request.message }
  try {
    const signed = await signProfile(response, { ...options, runtime }, plan)
    return { response: signed.message, addedFields: signed.addedFields, nonce: signed.nonce }
  } catch (error) {
    const unreadable = isWimseError(error, 'ERR_MESSAGE_BODY_TOO_LARGE', 'ERR_MESSAGE_MALFORMED')
    throw unreadable ? recode('ERR_HTTP_SIGNATURE_CANNOT_SIGN', error) : error
  }
}

const COVERAGE = /* @__PURE__ */ responseCoverage()
