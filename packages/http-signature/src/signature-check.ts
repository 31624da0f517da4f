import {
  DEFAULT_MAX_BODY_BYTES,
  type FieldLines,
  fieldValues,
  type MaybePromise,
  type RequestView,
  type ResponseView,
  type Runtime,
  readBody,
  WimseError,
} from '@wimse/core'
import {
  type ComponentIdentifier,
  checkContentDigest,
  DEFAULT_SIGNATURE_LIMITS,
  type ParsedSignature,
  parseSignatures,
  type SignatureLimits,
  verifyContentDigest,
} from '@wimse/http-message-signatures'
import { type AlgorithmPolicy, algorithmRegistry, allowedAlgorithms, isSignatureAlgorithm, type SignatureAlgorithm } from '@wimse/keys'
import { DEFAULT_CLOCK_TOLERANCE_SECONDS, MAX_CLOCK_TOLERANCE_SECONDS, readWitField, type VerifiedWit } from '@wimse/wit'
import { isWimseSignature, mayHaveBody, type ProfileCoverage, TXN_TOKEN_FIELD } from './profile.ts'
import { DEFAULT_MAX_SIGNATURE_LIFETIME_SECONDS, type TimeBounds, type TimeOptions } from './profile-parameters.ts'

type Message = RequestView | ResponseView

/** Every algorithm that is known: what the WIT may name was judged when the WIT was verified. */
const ALGORITHMS: readonly SignatureAlgorithm[] = Object.keys(algorithmRegistry).filter(isSignatureAlgorithm)
const AUTHORITY_COMPONENTS = ['@authority', '@target-uri']

/** The options of both verifiers, read once. */
export interface CheckOptions extends TimeOptions {
  /** Narrows the algorithms for all trust domains or single ones (SIG-3.1-02). What the WIT may name is for the WIT's own profile. */
  readonly algorithms?: AlgorithmPolicy
  /** Octets of a body at most: `DEFAULT_MAX_BODY_BYTES` of `@wimse/core` unless told. */
  readonly maxBodyBytes?: number
  /** Fields besides those of the profile that the application relies on: refused when present and not covered. */
  readonly boundFields?: readonly string[]
  /** Whether a signature that covers `@authority` or `@target-uri`, which the profile leaves out (SIG-3-07), is accepted. */
  readonly authorityComponents?: 'refuse' | 'accept'
  readonly runtime?: Runtime
}

/** What the steps need of the options. */
export interface CheckSettings extends TimeBounds {
  readonly coverage: ProfileCoverage
  readonly algorithms: AlgorithmPolicy | undefined
  readonly maxBodyBytes: number
  readonly acceptAuthority: boolean
  readonly limits: SignatureLimits
  readonly runtime: Runtime
}

/** @throws WimseError `ERR_OPTIONS_INVALID` */
export function checkSettings(options: CheckOptions, coverage: ProfileCoverage, runtime: Runtime): CheckSettings {
  const { clockToleranceSeconds = DEFAULT_CLOCK_TOLERANCE_SECONDS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options
  const { maxLifetimeSeconds = DEFAULT_MAX_SIGNATURE_LIFETIME_SECONDS, limits = DEFAULT_SIGNATURE_LIMITS, algorithms } = options
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= MAX_CLOCK_TOLERANCE_SECONDS) || !(maxLifetimeSeconds > 0)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a time' })
  }
  const acceptAuthority = options.authorityComponents === 'accept'
  return { coverage, algorithms, clockToleranceSeconds, maxLifetimeSeconds, maxBodyBytes, acceptAuthority, limits, runtime }
}

/**
 * The one signature of this profile that a message carries.
 *
 * @returns undefined when no signature has the tag (SIG-3-35)
 * @throws WimseError those of parsing, `ERR_HTTP_SIGNATURE_TAG_DUPLICATE` (SIG-3-36)
 */
export function findWimseSignature({ fields }: Message, limits: SignatureLimits): ParsedSignature | undefined {
  const [signature, ...others] = parseSignatures(fields, limits).filter(isWimseSignature)
  if (others.length > 0) throw new WimseError('ERR_HTTP_SIGNATURE_TAG_DUPLICATE')
  return signature
}

/**
 * Judges what a signature covers: the message carries the WIT that was verified, once (SIG-3-12, SIG-3-19) and nowhere as a bearer
 * token (SIG-5.1-02); everything that the profile and the application want is covered, each by its plain identifier; `@authority`
 * is not.
 *
 * @returns whether the message has a digest of its content, which is covered then
 * @throws WimseError `ERR_WIT_MISSING`, `ERR_WIT_HEADER_COUNT`, `ERR_PROOF_CREDENTIAL_MISMATCH`, `ERR_WIT_AS_BEARER`,
 *   `ERR_TXN_TOKEN_COUNT`, `ERR_HTTP_SIGNATURE_COMPONENT_MISSING`, `ERR_HTTP_SIGNATURE_COMPONENT_FORBIDDEN`
 */
export function checkCoverage({ fields }: Message, { components }: ParsedSignature, wit: VerifiedWit, settings: CheckSettings): boolean {
  if (readWitField(fields) !== wit.token) throw new WimseError('ERR_PROOF_CREDENTIAL_MISMATCH')
  const covered = new Set<string>()
  for (const { name, text } of components) {
    if (AUTHORITY_COMPONENTS.includes(name) && !settings.acceptAuthority) {
      throw new WimseError('ERR_HTTP_SIGNATURE_COMPONENT_FORBIDDEN', { detail: name })
    }
    covered.add(text)
  }
  const { derived, fields: own } = settings.coverage
  for (const required of derived) requireCovered(required, covered)
  let hasDigest = false
  for (const [line] of fields) {
    const required = own.get(line.toLowerCase())
    if (required === undefined) continue
    requireCovered(required, covered)
    if (required.name === 'content-digest') hasDigest = true
    else if (required.name === TXN_TOKEN_FIELD || required.name === 'authorization') checkTokenField(fields, required.name, wit)
  }
  return hasDigest
}

function requireCovered({ name, text }: ComponentIdentifier, covered: ReadonlySet<string>): void {
  if (!covered.has(text)) throw new WimseError('ERR_HTTP_SIGNATURE_COMPONENT_MISSING', { detail: name })
}

function checkTokenField(fields: FieldLines, name: string, { token }: VerifiedWit): void {
  const values = fieldValues(fields, name)
  if (name === TXN_TOKEN_FIELD && values.length > 1) throw new WimseError('ERR_TXN_TOKEN_COUNT')
  if (name === 'authorization' && values.some((value) => value.includes(token))) throw new WimseError('ERR_WIT_AS_BEARER')
}

/**
 * The algorithm is that of `cnf.jwk` (SIG-3-33, SIG-3.1-01), and local policy for the trust domain has to allow it (SIG-3.1-02).
 *
 * @throws WimseError `ERR_HTTP_SIGNATURE_ALG`
 */
export function checkAlgorithm({ confirmation, trustDomain }: VerifiedWit, { algorithms }: CheckSettings): void {
  if (!allowedAlgorithms(ALGORITHMS, algorithms, trustDomain).includes(confirmation.algorithm)) {
    throw new WimseError('ERR_HTTP_SIGNATURE_ALG')
  }
}

/**
 * Content comes with a digest (SIG-3-20, SIG-3-21). A stream without one is judged when it has been read.
 *
 * @throws WimseError `ERR_HTTP_SIGNATURE_DIGEST_MISSING`
 */
export function checkDigestPresence(message: Message, hasDigest: boolean): void {
  if (!hasDigest && message.body instanceof Uint8Array && mayHaveBody(message)) {
    throw new WimseError('ERR_HTTP_SIGNATURE_DIGEST_MISSING')
  }
}

/**
 * Reads the body, up to the limit, and compares it with its digest (SIG-3-22).
 *
 * @returns the octets of the body, at once where nothing has to be waited for
 * @throws WimseError `ERR_DIGEST_…`, `ERR_HTTP_SIGNATURE_DIGEST_MISSING`, `ERR_MESSAGE_BODY_TOO_LARGE`, `ERR_MESSAGE_MALFORMED`
 */
export function checkBody(message: Message, hasDigest: boolean, settings: CheckSettings): MaybePromise<Uint8Array> {
  const { body, fields } = message
  if (!hasDigest || !(body instanceof Uint8Array) || !(body.length <= settings.maxBodyBytes))
    return readAndCheckBody(message, hasDigest, settings)
  const compared = checkContentDigest(fields, body, { runtime: settings.runtime })
  return compared instanceof Promise ? compared.then(() => body) : body
}

async function readAndCheckBody(message: Message, hasDigest: boolean, settings: CheckSettings): Promise<Uint8Array> {
  const { maxBodyBytes, runtime } = settings
  if (hasDigest) return verifyContentDigest(message, { maxBodyBytes, runtime })
  const body = await readBody(message.body, maxBodyBytes)
  if (body.length > 0) throw new WimseError('ERR_HTTP_SIGNATURE_DIGEST_MISSING')
  return body
}
