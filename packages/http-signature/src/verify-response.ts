import type { ReplayStore, ResponseView, WorkloadIdentifier } from '@wimse/core'
import { WimseError } from '@wimse/core'
import { type ParsedSignature, verifySignatureBase } from '@wimse/http-message-signatures'
import { defaultRuntime } from '@wimse/keys'
import { assertVerifiedWit, readWitField, type VerifiedWit, type WitVerifier } from '@wimse/wit'
import { responseCoverage } from './profile.ts'
import { checkTime, readProfileParameters } from './profile-parameters.ts'
import type { SignedRequest } from './sign-request.ts'
import {
  type CheckOptions,
  checkAlgorithm,
  checkBody,
  checkCoverage,
  checkDigestPresence,
  checkSettings,
  findWimseSignature,
} from './signature-check.ts'
import { brandResponse, type VerifiedHttpSignatureResponse } from './verified-http-signature.ts'

/** Options of {@link createResponseVerifier}. */
export interface ResponseVerifierOptions extends CheckOptions {
  /** Verifies the WIT that the response carries (SIG-3-19), before its signature is looked at (SIG-3-42). */
  readonly verifyWit: WitVerifier
  /** Who may answer: one identifier, or a rule. */
  readonly peer: WorkloadIdentifier | ((identifier: WorkloadIdentifier) => boolean)
  /** Remembers nonces of responses as well (SIG-3-41). A response is bound to one request anyway. */
  readonly replay?: ReplayStore
}

/** Verifies responses to requests that were signed here. */
export type ResponseVerifier = (response: ResponseView, request: SignedRequest) => Promise<VerifiedHttpSignatureResponse | undefined>

/**
 * Verifies the signature of a response, if there is one, in the order of `verifyRequest`: syntax, tag, the WIT of the response,
 * parameters, `wimse-req-nonce` (SIG-3.4-01, SIG-3.5-10), coverage (SIG-3-13 to SIG-3-19), algorithm, time, presence of the digest,
 * signature, digest, the peer, replay.
 *
 * @returns undefined for an unsigned response to a request that didn't require a signature (SIG-3.5-07): nothing of it is
 *   authenticated by a signature then
 * @throws WimseError `ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED` for one that did (SIG-3.5-06),
 *   `ERR_HTTP_SIGNATURE_RESPONSE_NONCE_MISSING`, `ERR_HTTP_SIGNATURE_RESPONSE_NONCE`, `ERR_HTTP_SIGNATURE_RESPONSE_PEER`, and those
 *   of `verifyRequest` and of the WIT verifier
 * @see https://datatracker.ietf.org/doc/draft-ietf-wimse-http-signature/ section 3.5
 */
export function verifyResponse(
  response: ResponseView,
  { request, ...options }: ResponseVerifierOptions & { readonly request: SignedRequest },
): Promise<VerifiedHttpSignatureResponse | undefined> {
  return createResponseVerifier(options)(response, request)
}

/**
 * As {@link verifyResponse}, with the options read once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createResponseVerifier(options: ResponseVerifierOptions): ResponseVerifier {
  const { verifyWit, peer, replay } = options
  const runtime = options.runtime ?? defaultRuntime()
  const settings = checkSettings(options, responseCoverage(options.boundFields), runtime)

  return async (response, signed) => {
    const signature = findWimseSignature(response, settings.limits)
    if (signature === undefined) {
      // SIG-3.5-06: a stripped signature is no signature.
      if (signed.signedResponseRequired) throw new WimseError('ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED')
      return undefined
    }
    // SIG-3.5-09: a signature that is there has to hold, wanted or not.
    const wit = await verifyWit(readWitField(response.fields))
    assertVerifiedWit(wit)
    const parameters = readProfileParameters(signature, ['wimse-aud', 'wimse-sign-response'])
    const { created, expires, nonce } = parameters
    const requestNonce = checkRequestNonce(signature, signed)
    const hasDigest = checkCoverage(response, signature, wit, settings)
    checkAlgorithm(wit, settings)
    const now = runtime.now() / 1000
    checkTime(parameters, now, settings)
    checkDigestPresence(response, hasDigest)
    // SIG-3-01, SIG-3.6-01, SIG-5.2-02
    const valid = await verifySignatureBase(response, signature, wit.confirmation, { request: signed.request })
    if (!valid) throw new WimseError('ERR_HTTP_SIGNATURE_INVALID')
    const body = await checkBody(response, hasDigest, settings)
    checkPeer(wit, peer)
    if (replay !== undefined) {
      const scope = `http-signature-response:${wit.confirmation.thumbprint}`
      const isNew = await replay.record({ scope, id: nonce, expiresAt: expires + settings.clockToleranceSeconds }, now)
      if (!isNew) throw new WimseError('ERR_HTTP_SIGNATURE_REPLAYED')
    }
    return brandResponse({
      kind: 'http-signature',
      identifier: wit.identifier,
      wit,
      requestNonce,
      nonce,
      created,
      expiresAt: expires,
      components: signature.components,
      message: { ...response, body },
      body,
    })
  }
}

/** SIG-3-30, SIG-3.4-01, SIG-3.4-03 */
function checkRequestNonce({ parameters }: ParsedSignature, { nonce }: SignedRequest): string {
  const value = parameters.get('wimse-req-nonce')
  if (value === undefined) throw new WimseError('ERR_HTTP_SIGNATURE_RESPONSE_NONCE_MISSING')
  if (typeof value !== 'string') throw new WimseError('ERR_HTTP_SIGNATURE_PARAMETER', { detail: 'wimse-req-nonce' })
  if (value !== nonce) throw new WimseError('ERR_HTTP_SIGNATURE_RESPONSE_NONCE')
  return value
}

function checkPeer({ identifier }: VerifiedWit, peer: ResponseVerifierOptions['peer']): void {
  const expected = typeof peer === 'function' ? peer(identifier) : peer === identifier
  // Nothing but true: not the promise of an async rule.
  if (expected !== true) throw new WimseError('ERR_HTTP_SIGNATURE_RESPONSE_PEER')
}
