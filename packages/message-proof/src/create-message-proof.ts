import { type FieldLines, formatBase64url, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime, signCompactJws } from '@wimse/keys'
import { assertLiveCredential, WIT_FIELD, type WitCredential } from '@wimse/wit'
import { boundClaimsOf, readBoundFieldNames } from './bound-parts.ts'
import { isDestination, MESSAGE_PROOF_FIELD, type MessageView } from './message-view.ts'

/** Options of {@link createMessageProof}. */
export interface CreateMessageProofOptions {
  readonly credential: WitCredential
  /**
   * Header fields that the recipient declares as bound, in any case; those that the message has are. `content-type` and `txn-token` always
   * are and can't be named.
   */
  readonly boundFields?: readonly string[]
  /** How long the broker may take to take it: 60 seconds unless told, 300 at most. */
  readonly lifetimeSeconds?: number
  readonly runtime?: Runtime
}

export const DEFAULT_MESSAGE_PROOF_LIFETIME_SECONDS = 60
export const MAX_MESSAGE_PROOF_LIFETIME_SECONDS = 300
/** The media type of a proof, without `application/`. */
export const MESSAGE_PROOF_TYP = 'wimse-ts-message-proof+jwt'

/**
 * Creates the proof for one message: signed with the key of the WIT and its algorithm, `aud` (the destination), `iat`, `exp`, a `jti` of 128
 * random bits, `wth`, `tth` when the message has a transaction token, and hashes of the payload and of the bound fields. It never outlives
 * the WIT. Every call makes a new one: a proof is for one message that is published once.
 *
 * @returns the two lines to add to the fields: the WIT and the proof
 * @throws WimseError `ERR_CREDENTIAL_EXPIRED`; `ERR_OPTIONS_INVALID`, also for a message that has one of the two lines, repeats a field that
 *   is to be bound, or has other than ASCII in it
 */
export async function createMessageProof(message: MessageView, options: CreateMessageProofOptions): Promise<FieldLines> {
  const { credential, boundFields = [], lifetimeSeconds = DEFAULT_MESSAGE_PROOF_LIFETIME_SECONDS } = options
  const runtime = options.runtime ?? defaultRuntime()
  if (!isDestination(message.destination)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'destination' })
  if (!(lifetimeSeconds > 0 && lifetimeSeconds <= MAX_MESSAGE_PROOF_LIFETIME_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  }
  const names = readBoundFieldNames(boundFields)
  assertLiveCredential(credential, runtime)
  const { signer, token, expiresAt } = credential
  const now = Math.floor(runtime.now() / 1000)
  const claims = {
    aud: message.destination,
    iat: now,
    exp: Math.min(now + Math.ceil(lifetimeSeconds), expiresAt),
    jti: formatBase64url(runtime.randomBytes(16)),
    wth: await runtime.crypto.digestText('sha-256', token),
    ...(await boundClaimsOf(message, names, runtime)),
  }
  return [
    [WIT_FIELD, token],
    [MESSAGE_PROOF_FIELD, await signCompactJws({ typ: MESSAGE_PROOF_TYP }, claims, signer)],
  ]
}
