import { isWimseError, type JsonObject, recode, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { decodeUnverifiedJws, isSignatureAlgorithm, type UnverifiedJws } from '@wimse/keys'
import { readWitField, type VerifiedWit } from '@wimse/wit'
import { checkMessageClaim, checkTransactionToken } from './bound-parts.ts'
import { type MessageVerifierOptions, type MessageVerifierSettings, readMessageVerifierOptions } from './message-verifier-options.ts'
import { type MessageView, readMessageProofField } from './message-view.ts'

/** What the broker says of a delivery. */
export interface MessageDelivery {
  /**
   * The broker's own name for the stored message, the same each time it delivers it and no other message's: `<stream>:<sequence>` of
   * JetStream. Never anything that the message says.
   */
  readonly position: string
  /** When the broker took the message, in seconds since the epoch. Counts only with `brokerTime`. */
  readonly takenAt?: number
}

/** A message whose proof has been verified. Only verification makes one. */
export interface VerifiedMessage {
  readonly [verifiedMessageBrand]: true
  readonly kind: 'message-proof'
  /** The workload that sent it. */
  readonly identifier: WorkloadIdentifier
  /** As it was at the time that the message is judged for; it may have expired since. */
  readonly wit: VerifiedWit
  readonly destination: string
  readonly jti: string
  /** When the broker took it, where its word counts. Seconds since the epoch. */
  readonly takenAt: number | undefined
  /** `again`: this stored message was verified before, and what it asks for may have been done already. */
  readonly delivery: 'new' | 'again'
  readonly contentType: string | undefined
  /** Hashes of the bound fields that the message has, by name in lower case; `txn-token` among them. No other field is authenticated. */
  readonly boundFields: Readonly<Record<string, string>>
  /** What was verified. */
  readonly message: MessageView
}

declare const verifiedMessageBrand: unique symbol

/** Verifies messages under one configuration. */
export type MessageVerifier = (message: MessageView, delivery: MessageDelivery) => Promise<VerifiedMessage>

/**
 * A verifier of messages, its options read once. In order: size of the payload, what the broker says of the delivery; exactly one proof,
 * compact JWS, exactly one WIT; the WIT, at the judged time; `typ`; `alg` equal to that of `cnf.jwk`; the signature with the key of the WIT
 * and nothing else; `aud`, which is the destination of the message and one of the configured ones; `iat`, `exp`; `jti`, `wth`; `tth`;
 * payload, content type, fields; and last, once everything else held, the delivery store. Claims that are not understood are ignored, members
 * of the claim about the message are not.
 *
 * The judged time is now, or with `brokerTime` the moment at which the broker took the message. The anchors are always those of now.
 *
 * A proof counts for one stored message. When that is delivered again it is taken again, and the result says so; a copy of it that was
 * published anew is refused. Not judged: order and completeness of messages, what the sender may ask for, the contents of tokens.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`; the verifier throws `ERR_MESSAGE_…`, `ERR_WIT_…`, `ERR_TRUST_STALE`, `ERR_TXN_TOKEN_COUNT`,
 *   `ERR_REPLAY_STORE_…`, `ERR_OPTIONS_INVALID` for a delivery without a position
 */
export function createMessageVerifier(options: MessageVerifierOptions): MessageVerifier {
  const settings = readMessageVerifierOptions(options)
  const { verifyWit, destinations, declared, deliveries, maxAgeSeconds, tolerance, maxPayloadBytes, maxTokenBytes, runtime } = settings

  return async (message, { position, takenAt }) => {
    const { fields, payload, destination } = message
    if (!(payload instanceof Uint8Array)) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'payload' })
    if (payload.length > maxPayloadBytes) throw new WimseError('ERR_MESSAGE_BODY_TOO_LARGE')
    if (typeof position !== 'string' || position === '' || position.length > MAX_POSITION_LENGTH) {
      throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'position of a delivery' })
    }
    const now = runtime.now() / 1000
    const judged = judgedTime(takenAt, now, settings)
    const jws = decode(readMessageProofField(fields), maxTokenBytes)
    const token = readWitField(fields)
    const wit = await (maxAgeSeconds === undefined ? verifyWit(token) : verifyWit(token, { at: judged }))

    const { typ, alg } = jws.header
    if (typeof typ !== 'string' || !/^(?:application\/)?wimse-ts-message-proof\+jwt$/i.test(typ)) {
      throw new WimseError('ERR_MESSAGE_PROOF_TYP')
    }
    if (!isSignatureAlgorithm(alg)) throw new WimseError('ERR_MESSAGE_PROOF_ALG')
    const { confirmation } = wit
    if (alg !== confirmation.algorithm) throw new WimseError('ERR_MESSAGE_PROOF_ALG_MISMATCH')
    const valid = confirmation.verify(jws.signingInput, jws.signature)
    if (!(valid instanceof Promise ? await valid : valid)) throw new WimseError('ERR_MESSAGE_PROOF_SIGNATURE')

    const claims = jws.payload
    checkDestination(claims, destination, destinations)
    const expiresAt = checkTimes(claims, judged, settings)
    const jti = checkIdentity(claims, wit)
    await checkTransactionToken(claims, fields, runtime)
    const bound = await checkMessageClaim(claims, message, declared, runtime)

    // The space of one sender's key, so that nobody can use up or guess another's. Kept for as long as a copy that was published while the
    // proof lived could be read.
    const entry = {
      scope: `message:${confirmation.thumbprint}`,
      id: jti,
      holder: position,
      expiresAt: expiresAt + tolerance + (maxAgeSeconds ?? 0),
    }
    const claimed = deliveries.claim(entry, now)
    const kind = claimed instanceof Promise ? await claimed : claimed
    if (kind !== 'new' && kind !== 'same') throw new WimseError('ERR_MESSAGE_PROOF_REPLAYED')
    const { tth } = claims
    return {
      kind: 'message-proof',
      identifier: wit.identifier,
      wit,
      destination,
      jti,
      takenAt: maxAgeSeconds === undefined ? undefined : takenAt,
      delivery: kind === 'new' ? 'new' : 'again',
      contentType: bound.contentType,
      boundFields: tth === undefined ? bound.fields : Object.freeze({ ...bound.fields, 'txn-token': tth }),
      message,
    } as VerifiedMessage
  }
}

/** Now, or when the broker took the message, where its word counts. Never in the future. */
function judgedTime(takenAt: number | undefined, now: number, { maxAgeSeconds, tolerance }: MessageVerifierSettings): number {
  if (maxAgeSeconds === undefined) return now
  if (typeof takenAt !== 'number' || !(takenAt <= now + tolerance)) throw new WimseError('ERR_MESSAGE_PROOF_TAKEN_AT')
  if (now - takenAt > maxAgeSeconds) throw new WimseError('ERR_MESSAGE_PROOF_TOO_OLD')
  return Math.min(takenAt, now)
}

/** Nothing of the token enters the error. */
function decode(token: string, maxBytes: number): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token, maxBytes)
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_MESSAGE_PROOF_MALFORMED', error) : error
  }
}

function checkDestination({ aud }: JsonObject, destination: string, destinations: ReadonlySet<string>): void {
  if (typeof aud !== 'string' || aud === '') throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: 'aud' })
  if (aud !== destination) throw new WimseError('ERR_MESSAGE_PROOF_DESTINATION')
  if (!destinations.has(destination)) throw new WimseError('ERR_MESSAGE_PROOF_DESTINATION', { detail: 'not one of the configured ones' })
}

/** @returns `exp` */
function checkTimes({ iat, exp }: JsonObject, judged: number, { tolerance, maxLifetimeSeconds }: MessageVerifierSettings): number {
  if (typeof iat !== 'number') throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: 'iat' })
  if (typeof exp !== 'number' || exp <= iat) throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: 'exp' })
  if (judged >= exp + tolerance) throw new WimseError('ERR_MESSAGE_PROOF_EXPIRED')
  if (iat > judged + tolerance) throw new WimseError('ERR_MESSAGE_PROOF_NOT_YET_VALID')
  if (exp - iat > maxLifetimeSeconds) throw new WimseError('ERR_MESSAGE_PROOF_LIFETIME')
  return exp
}

/** @returns `jti` */
function checkIdentity({ jti, wth }: JsonObject, wit: VerifiedWit): string {
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH)
    throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: 'jti' })
  if (typeof wth !== 'string') throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: 'wth' })
  if (wth !== wit.hash) throw new WimseError('ERR_MESSAGE_PROOF_WTH')
  return jti
}

/** What the delivery store has to hold for one message is bounded. */
const MAX_JTI_LENGTH = 256
const MAX_POSITION_LENGTH = 1024
