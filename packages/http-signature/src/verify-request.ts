import { type Audience, type AudienceCheck, createAudienceCheck, type ReplayStore, type RequestView, WimseError } from '@wimse/core'
import { type ParsedSignature, verifySignatureBase } from '@wimse/http-message-signatures'
import { defaultRuntime } from '@wimse/keys'
import { assertVerifiedWit, type VerifiedWit } from '@wimse/wit'
import { requestCoverage } from './profile.ts'
import { checkTime, readProfileParameters } from './profile-parameters.ts'
import {
  type CheckOptions,
  checkAlgorithm,
  checkBody,
  checkCoverage,
  checkDigestPresence,
  checkSettings,
  findWimseSignature,
} from './signature-check.ts'
import { brandRequest, type VerifiedHttpSignature } from './verified-http-signature.ts'

/** Options of {@link createRequestVerifier}. */
export interface RequestVerifierOptions extends CheckOptions {
  /** Whom this recipient is, from its configuration, never from the request (SIG-3.2-06) or the WIT (SIG-3.2-05). */
  readonly audience: Audience
  readonly replay: ReplayStore
}

/** Verifies the signature of requests whose WIT has been verified. */
export type RequestVerifier = (request: RequestView, wit: VerifiedWit) => Promise<VerifiedHttpSignature>

/**
 * Verifies the signature of a request against its verified WIT (SIG-3-42: no signature is looked at before). In order: syntax of
 * every signature on the message, the one with the tag (SIG-3-35, SIG-3-36, SIG-3-37), its parameters (SIG-3-23 to SIG-3-32), what
 * it covers (SIG-3-02 to SIG-3-12), the algorithm (SIG-3.1-02), `wimse-aud` (SIG-3.2-01, SIG-3.2-06), the time (SIG-5.1-06), that
 * content has a digest (SIG-3-20), the signature with the key of the WIT (SIG-3-01), the digest of the body (SIG-3-22), the time again
 * where the body had to be waited for, and last, once everything else held, the nonce (SIG-3-41).
 *
 * The body is read whole before this resolves, so that nothing is processed earlier (SIG-3-43); the result holds it. Other
 * signatures on the message (SIG-5.2-01) and fields that aren't covered are not judged: nothing may be concluded from them.
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_…`, `ERR_HTTP_SIGNATURE_…`, `ERR_DIGEST_…`, `ERR_WIT_MISSING`, `ERR_WIT_HEADER_COUNT`,
 *   `ERR_WIT_AS_BEARER`, `ERR_WIT_EXPIRED`, `ERR_PROOF_CREDENTIAL_MISMATCH`, `ERR_TXN_TOKEN_COUNT`, `ERR_MESSAGE_…`,
 *   `ERR_REPLAY_STORE_…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-wimse-http-signature/ section 3
 */
export function verifyRequest(
  request: RequestView,
  { wit, ...options }: RequestVerifierOptions & { readonly wit: VerifiedWit },
): Promise<VerifiedHttpSignature> {
  return createRequestVerifier(options)(request, wit)
}

/**
 * As {@link verifyRequest}, with the options read once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createRequestVerifier(options: RequestVerifierOptions): RequestVerifier {
  const { replay } = options
  const runtime = options.runtime ?? defaultRuntime()
  const settings = checkSettings(options, requestCoverage(options.boundFields), runtime)
  const audienceFits = createAudienceCheck(options.audience)

  return async (request, wit) => {
    assertVerifiedWit(wit)
    const signature = findWimseSignature(request, settings.limits)
    if (signature === undefined) throw new WimseError('ERR_HTTP_SIGNATURE_MISSING')
    const parameters = readProfileParameters(signature, ['wimse-req-nonce'])
    const { expires, nonce, created } = parameters
    const claimed = readAudience(signature)
    const signedResponseRequired = readSignResponse(signature)
    const hasDigest = checkCoverage(request, signature, wit, settings)
    checkAlgorithm(wit, settings)
    const audience = checkAudience(claimed, audienceFits, request)
    const { clockToleranceSeconds: tolerance } = settings
    const checkNow = (): number => {
      const now = runtime.now() / 1000
      checkTime(parameters, now, settings)
      if (now >= wit.expiresAt + tolerance) throw new WimseError('ERR_WIT_EXPIRED')
      return now
    }
    let now = checkNow()
    checkDigestPresence(request, hasDigest)
    // SIG-3-01, SIG-3.6-01, SIG-5.2-02
    const valid = verifySignatureBase(request, signature, wit.confirmation, {})
    if (!(valid instanceof Promise ? await valid : valid)) throw new WimseError('ERR_HTTP_SIGNATURE_INVALID')
    const checked = checkBody(request, hasDigest, settings)
    const body = checked instanceof Promise ? await checked : checked
    // SIG-3-41: the sender sets the pace of a body. By its end the replay store may have forgotten this nonce for its age.
    if (checked instanceof Promise) now = checkNow()

    // One sender can neither use up nor guess the space of another.
    const entry = { scope: `http-signature:${wit.confirmation.thumbprint}`, id: nonce, expiresAt: expires + tolerance }
    const isNew = replay.record(entry, now)
    if (!(isNew instanceof Promise ? await isNew : isNew)) throw new WimseError('ERR_HTTP_SIGNATURE_REPLAYED')
    return brandRequest({
      kind: 'http-signature',
      identifier: wit.identifier,
      wit,
      audience,
      nonce,
      created,
      expiresAt: expires,
      signedResponseRequired,
      components: signature.components,
      message: request.body === body ? request : { ...request, body },
      body,
    })
  }
}

/** SIG-3-28, SIG-3.2-01: a String that isn't empty. */
function readAudience({ parameters }: ParsedSignature): string {
  const audience = parameters.get('wimse-aud')
  if (audience === undefined) throw new WimseError('ERR_HTTP_SIGNATURE_PARAMETER_MISSING', { detail: 'wimse-aud' })
  if (typeof audience !== 'string' || audience === '') throw new WimseError('ERR_HTTP_SIGNATURE_AUD_MALFORMED')
  return audience
}

function checkAudience(claimed: string, fits: AudienceCheck, { path }: RequestView): string {
  if (!fits(claimed, path === '' ? '/' : path)) throw new WimseError('ERR_HTTP_SIGNATURE_AUD')
  return claimed
}

/** SIG-3.3-01, SIG-3.3-03: a Boolean; left out it is false. */
function readSignResponse({ parameters }: ParsedSignature): boolean {
  const value = parameters.get('wimse-sign-response') ?? false
  if (typeof value !== 'boolean') throw new WimseError('ERR_HTTP_SIGNATURE_PARAMETER', { detail: 'wimse-sign-response' })
  return value
}
