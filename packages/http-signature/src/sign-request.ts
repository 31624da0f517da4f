import { fieldValues, type RequestView, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { requestCoverage, TXN_TOKEN_FIELD } from './profile.ts'
import { type Signed, type SignOptions, signProfile } from './sign-profile.ts'

/** Options of {@link signRequest}. */
export interface SignRequestOptions extends SignOptions {
  /** Whom the request is for; the target URI without its query unless told (SIG-3.2-03, SIG-3.2-04). */
  readonly audience?: string
  /** Whether an unsigned response is going to be refused (SIG-3.3-04). */
  readonly signedResponse?: 'required' | 'optional'
  /** What protects the way to the recipient: TLS, or something else that the deployment answers for (SIG-5.1-03). */
  readonly channel?: 'tls' | 'otherwise-secured'
}

/** A request as it is to be sent, and what the check of its response needs. */
export interface SignedRequest {
  readonly request: RequestView
  /** The header fields that were added, for callers that send by other means than the view. */
  readonly addedFields: Signed<RequestView>['addedFields']
  readonly nonce: string
  readonly signedResponseRequired: boolean
}

/**
 * Signs a request under the profile, with the algorithm of the WIT's key, whichever it is (SIG-3-33, SIG-3.1-03): adds the WIT
 * (SIG-3-12), `Content-Digest` over a body (SIG-3-20), and one signature over `@method`, `@path`, `@query` (SIG-3-02, SIG-3-03,
 * SIG-3-04) and every field that has to be covered (SIG-3-08 to SIG-3-12) with `wimse-aud` (SIG-3-28, SIG-3.2-02) and, when wanted,
 * `wimse-sign-response` (SIG-3-29). The signature never outlives the WIT. A body that is a stream is read whole. Every call makes a
 * new one: a proof is for one request.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`, `ERR_CREDENTIAL_EXPIRED`, `ERR_PROOF_CREDENTIAL_MISMATCH` when
 *   the request carries another WIT, `ERR_HTTP_SIGNATURE_TAG_DUPLICATE` when it is signed already, `ERR_TXN_TOKEN_COUNT`,
 *   `ERR_DIGEST_…` when it carries a wrong digest, `ERR_MESSAGE_…`, `ERR_HTTP_MESSAGE_…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-wimse-http-signature/ section 3
 */
export async function signRequest(request: RequestView, options: SignRequestOptions): Promise<SignedRequest> {
  const { signedResponse = 'optional', channel = 'tls', runtime = defaultRuntime() } = options
  if (request.scheme !== 'https' && channel === 'tls') throw new WimseError('ERR_INSECURE_CHANNEL')
  if (fieldValues(request.fields, TXN_TOKEN_FIELD).length > 1) throw new WimseError('ERR_TXN_TOKEN_COUNT')
  const audience = options.audience ?? `${request.scheme}://${request.authority}${request.path}`
  if (!/^[\x20-\x7e]+$/.test(audience)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  const signedResponseRequired = signedResponse === 'required'
  const coverage = options.boundFields === undefined ? COVERAGE : requestCoverage(options.boundFields)
  const ownParameters = { 'wimse-aud': audience, ...(signedResponseRequired ? { 'wimse-sign-response': true } : {}) }
  const signed = await signProfile(request, { ...options, runtime }, { coverage, derivedFirst: coverage.derived.length, ownParameters })
  return { request: signed.message, addedFields: signed.addedFields, nonce: signed.nonce, signedResponseRequired }
}

const COVERAGE = /* @__PURE__ */ requestCoverage()
