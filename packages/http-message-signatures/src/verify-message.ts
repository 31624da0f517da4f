import { type MaybePromise, type RequestView, type ResponseView, type Runtime, utf8, WimseError } from '@wimse/core'
import { type ComponentIdentifier, identityOf, toComponent } from './component/component-identifier.ts'
import { DEFAULT_SIGNATURE_LIMITS, type ParsedSignature, parseSignatures, type SignatureLimits } from './parse-signatures.ts'
import { createSignatureBase, type SignatureContext } from './signature-base.ts'
import { readSignatureParameters, type SignatureParameters } from './signature-parameters.ts'

/**
 * Verifies with one key and one algorithm that fit each other (HMS-3.2-13, HMS-7.3.4-01), by the algorithm's own check
 * (HMS-7.3.5-01).
 */
export interface MessageVerifier {
  verify(data: Uint8Array, signature: Uint8Array): MaybePromise<boolean>
  /**
   * The name of that algorithm in the HTTP Signature Algorithms registry; absent for JOSE algorithms, which forbid `alg`
   * (HMS-3.3.7-04).
   */
  readonly httpAlgorithm?: string
}

/**
 * Finds the key for a signature, such as by `keyid`; undefined for one that isn't trusted for this message (HMS-3.2-07,
 * HMS-7.2.6-01).
 */
export type MessageVerifierLookup = (signature: ParsedSignature) => MaybePromise<MessageVerifier | undefined>

/** Options of {@link verifyMessage}. */
export interface VerifyMessageOptions extends SignatureContext {
  readonly verifier: MessageVerifier | MessageVerifierLookup
  /** Which of the signatures counts (HMS-3.2-02): usually by `tag` or `keyid`, never by label. Exactly one may be chosen. */
  readonly select: (signature: ParsedSignature) => boolean
  /** What has to be covered; an empty array says that the caller judges that from the result (HMS-3.2.1-03). */
  readonly requiredComponents: readonly (string | ComponentIdentifier)[]
  /** Parameters that have to be there. `created` unless told. */
  readonly requiredParameters?: readonly string[]
  /** Seconds since `created` after which a signature is refused. No bound unless told. */
  readonly maxAgeSeconds?: number
  /** How far clocks may differ. {@link DEFAULT_CLOCK_TOLERANCE_SECONDS} unless told. */
  readonly clockToleranceSeconds?: number
  readonly limits?: SignatureLimits
  readonly runtime: Pick<Runtime, 'now'>
}

/** Seconds by which clocks may differ unless told otherwise. */
export const DEFAULT_CLOCK_TOLERANCE_SECONDS = 30

/** A signature that holds. Only what it covers is trustworthy (HMS-7.2.1-02). */
export interface VerifiedSignature extends ParsedSignature {
  readonly standardParameters: SignatureParameters
}

/**
 * Verifies one signature of a request or a response, in this order: syntax of all of them, selection, types of the parameters
 * (HMS-2.3-04, HMS-2.3-05) and their canonical form (HMS-4.1-02), requirements of the caller (HMS-3.2-06, HMS-3.2.1-04), time
 * (HMS-3.2.1-02), key (HMS-3.2-07) and algorithm (HMS-3.2-10, HMS-3.2-11), signature base (HMS-3.2-12), signature (HMS-3.2-14).
 *
 * Signatures that weren't selected are left alone, valid or not (HMS-7.2.6-02). The algorithm is that of the key; `alg` may only agree
 * (HMS-3.2-08, HMS-3.2-09, HMS-7.3.6-01).
 *
 * It does not compare a covered Content-Digest with the body: `verifyContentDigest` does (HMS-7.2.8-01). It doesn't remember nonces.
 *
 * @throws WimseError those of `parseSignatures` and `createSignatureBase`, `ERR_HTTP_MESSAGE_NO_SIGNATURE`,
 *   `ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER`, `ERR_HTTP_MESSAGE_REQUIREMENTS`, `ERR_HTTP_MESSAGE_EXPIRED`, `ERR_HTTP_MESSAGE_ALGORITHM`,
 *   `ERR_HTTP_MESSAGE_INVALID`, `ERR_OPTIONS_INVALID`
 * @see RFC 9421 section 3.2
 */
export async function verifyMessage(message: RequestView | ResponseView, options: VerifyMessageOptions): Promise<VerifiedSignature> {
  const signature = selectOne(parseSignatures(message.fields, options.limits ?? DEFAULT_SIGNATURE_LIMITS), options.select)
  const standardParameters = readSignatureParameters(signature.parameters)
  checkRequirements(signature, options)
  checkTime(standardParameters, options)
  const { verifier } = options
  const key = typeof verifier === 'function' ? await verifier(signature) : verifier
  if (key === undefined) throw new WimseError('ERR_HTTP_MESSAGE_INVALID', { detail: 'no key' })
  const { alg } = standardParameters
  if (alg !== undefined && alg !== key.httpAlgorithm) throw new WimseError('ERR_HTTP_MESSAGE_ALGORITHM')
  if (!(await verifySignatureBase(message, signature, key, options))) throw new WimseError('ERR_HTTP_MESSAGE_INVALID')
  return { ...signature, standardParameters }
}

/**
 * Whether a parsed signature fits the message and the key: canonical parameters, the signature base, the signature. Nothing else
 * is judged.
 *
 * @throws WimseError those of `createSignatureBase`, `ERR_HTTP_MESSAGE_SIGNATURE_INPUT`
 */
export function verifySignatureBase(
  message: RequestView | ResponseView,
  { components, signatureParams, canonical, signature }: ParsedSignature,
  key: Pick<MessageVerifier, 'verify'>,
  context: SignatureContext,
): MaybePromise<boolean> {
  // HMS-4.1-02: what was signed is the canonical form, and no other form may stand for it.
  if (!canonical) throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_INPUT', { detail: 'not canonical' })
  return key.verify(utf8(createSignatureBase(message, components, signatureParams, context)), signature)
}

function selectOne(signatures: readonly ParsedSignature[], select: (signature: ParsedSignature) => boolean): ParsedSignature {
  const selected = signatures.filter(select)
  const [signature] = selected
  if (signature === undefined) throw new WimseError('ERR_HTTP_MESSAGE_NO_SIGNATURE')
  if (selected.length > 1) throw new WimseError('ERR_HTTP_MESSAGE_NO_SIGNATURE', { detail: 'more than one is applicable' })
  return signature
}

function checkRequirements(
  { components, parameters }: ParsedSignature,
  { requiredComponents, requiredParameters = ['created'] }: VerifyMessageOptions,
): void {
  const covered = new Set(components.map(identityOf))
  for (const required of requiredComponents) {
    const identifier = toComponent(required)
    if (!covered.has(identityOf(identifier))) throw new WimseError('ERR_HTTP_MESSAGE_REQUIREMENTS', { detail: identifier.name })
  }
  for (const name of requiredParameters) {
    if (!parameters.has(name)) throw new WimseError('ERR_HTTP_MESSAGE_REQUIREMENTS', { detail: name })
  }
}

function checkTime(
  { created, expires }: SignatureParameters,
  { maxAgeSeconds, clockToleranceSeconds = DEFAULT_CLOCK_TOLERANCE_SECONDS, runtime }: VerifyMessageOptions,
): void {
  // Compared with what is no number, no signature would ever have expired.
  if (!(clockToleranceSeconds >= 0 && Number.isFinite(clockToleranceSeconds)) || !(maxAgeSeconds === undefined || maxAgeSeconds >= 0)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a time' })
  }
  const now = runtime.now() / 1000
  if (created !== undefined && created > now + clockToleranceSeconds) {
    throw new WimseError('ERR_HTTP_MESSAGE_REQUIREMENTS', { detail: 'created in the future' })
  }
  if (expires !== undefined && expires + clockToleranceSeconds <= now) throw new WimseError('ERR_HTTP_MESSAGE_EXPIRED')
  if (expires !== undefined && created !== undefined && expires < created) {
    throw new WimseError('ERR_HTTP_MESSAGE_REQUIREMENTS', { detail: 'expires before created' })
  }
  if (maxAgeSeconds === undefined) return
  // HMS-7.2.4-01
  if (created === undefined || created + maxAgeSeconds + clockToleranceSeconds <= now) throw new WimseError('ERR_HTTP_MESSAGE_EXPIRED')
}
