import { fieldValues, formatBase64url, type RequestView, type ResponseView, type Runtime, readBody, WimseError } from '@wimse/core'
import {
  createContentDigest,
  DEFAULT_SIGNATURE_LIMITS,
  type ParameterValue,
  signMessage,
  verifyContentDigest,
} from '@wimse/http-message-signatures'
import { assertLiveCredential, readWitField, WIT_FIELD, type WitCredential } from '@wimse/wit'
import { mayHaveBody, type ProfileCoverage, presentFields, WIMSE_TAG } from './profile.ts'
import { DEFAULT_MAX_SIGNATURE_LIFETIME_SECONDS, DEFAULT_SIGNATURE_LIFETIME_SECONDS } from './profile-parameters.ts'
import { findWimseSignature } from './signature-check.ts'

type HeaderLines = readonly (readonly [name: string, value: string])[]

/** Options that signing requests and responses have in common. */
export interface SignOptions {
  readonly credential: WitCredential
  /** Fields besides those of the profile that are covered when the message has them. */
  readonly boundFields?: readonly string[]
  /** {@link DEFAULT_SIGNATURE_LIFETIME_SECONDS} unless told, {@link DEFAULT_MAX_SIGNATURE_LIFETIME_SECONDS} at most (SIG-3-25). */
  readonly lifetimeSeconds?: number
  /** Octets of a body at most: `DEFAULT_MAX_BODY_BYTES` of `@wimse/core` unless told. */
  readonly maxBodyBytes?: number
  /** A name inside of the message without meaning: `wimse` unless told. */
  readonly label?: string
  readonly runtime?: Runtime
}

/** A message with its signature, and what was added to it. */
export interface Signed<Message> {
  readonly message: Message
  /** The header fields that were added, in order. */
  readonly addedFields: HeaderLines
  readonly nonce: string
}

/** What tells a request signature from a response signature. */
export interface SignPlan {
  readonly coverage: ProfileCoverage
  readonly derivedFirst: number
  readonly ownParameters: Readonly<Record<string, ParameterValue>>
  readonly request?: RequestView
}

/**
 * Adds the WIT (SIG-3-12, SIG-3-19), the digest of the content (SIG-3-20), and one signature (SIG-3-34) with `created`, `expires`,
 * a `nonce` of 128 random bits (SIG-3-39), the tag (SIG-3-27) and the parameters of the plan; never `keyid` or `alg` (SIG-3-31,
 * SIG-3-32).
 */
export async function signProfile<Message extends RequestView | ResponseView>(
  message: Message,
  options: SignOptions & { readonly runtime: Runtime },
  plan: SignPlan,
): Promise<Signed<Message>> {
  const { credential, lifetimeSeconds = DEFAULT_SIGNATURE_LIFETIME_SECONDS, runtime, label = 'wimse' } = options
  if (!(lifetimeSeconds > 0 && lifetimeSeconds <= DEFAULT_MAX_SIGNATURE_LIFETIME_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  }
  assertLiveCredential(credential, runtime)
  if (findWimseSignature(message, DEFAULT_SIGNATURE_LIMITS) !== undefined) throw new WimseError('ERR_HTTP_SIGNATURE_TAG_DUPLICATE')
  const created = Math.floor(runtime.now() / 1000)
  const expires = Math.min(created + Math.ceil(lifetimeSeconds), Math.floor(credential.expiresAt))
  if (expires <= created) throw new WimseError('ERR_CREDENTIAL_EXPIRED')

  const added: (readonly [string, string])[] = []
  const body = await digestBody(message, options, added)
  if (fieldValues(message.fields, WIT_FIELD).length === 0) added.push([WIT_FIELD, credential.token])
  else if (readWitField(message.fields) !== credential.token) throw new WimseError('ERR_PROOF_CREDENTIAL_MISMATCH')

  const complete = { ...message, body, fields: [...message.fields, ...added] }
  const { derived } = plan.coverage
  const components = [
    ...derived.slice(0, plan.derivedFirst),
    ...presentFields(complete.fields, plan.coverage),
    ...derived.slice(plan.derivedFirst),
  ]
  const nonce = formatBase64url(runtime.randomBytes(NONCE_BYTES))
  const parameters = { created, expires, nonce, tag: WIMSE_TAG, ...plan.ownParameters }
  const context = plan.request === undefined ? {} : { request: plan.request }
  const made = await signMessage(complete, { signer: credential.signer, components, parameters, label, runtime, ...context })
  added.push(['signature-input', made.signatureInput], ['signature', made.signature])
  return { message: { ...complete, fields: [...message.fields, ...added] }, addedFields: added, nonce }
}

/** 128 bits: no collision among the nonces that a recipient sees during the life of a signature (SIG-3-39). */
const NONCE_BYTES = 16

/** Reads the body and makes sure that it comes with its digest; a digest that is there already has to be right. */
async function digestBody(
  message: RequestView | ResponseView,
  { maxBodyBytes, runtime }: SignOptions & { readonly runtime: Runtime },
  added: (readonly [string, string])[],
): Promise<Uint8Array | null> {
  if (fieldValues(message.fields, 'content-digest').length > 0) {
    const body = await verifyContentDigest(message, { runtime, ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }) })
    return message.body === null ? null : body
  }
  if (!mayHaveBody(message)) return message.body === null ? null : new Uint8Array()
  const body = await readBody(message.body, maxBodyBytes)
  if (body.length > 0) added.push(['content-digest', await createContentDigest(body, { runtime })])
  return body
}
