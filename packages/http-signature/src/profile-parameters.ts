import { WimseError } from '@wimse/core'
import type { ParsedSignature, SignatureLimits } from '@wimse/http-message-signatures'

/** The parameters that requests and responses have in common. */
export interface ProfileParameters {
  /** Seconds since the epoch. */
  readonly created: number
  /** Seconds since the epoch. */
  readonly expires: number
  readonly nonce: string
}

/** The bounds on time that one verifier works with. */
export interface TimeBounds {
  readonly clockToleranceSeconds: number
  readonly maxLifetimeSeconds: number
}

/** Options that verifiers of requests and responses have in common. */
export interface TimeOptions {
  /** Tolerance of clocks for `created` and `expires`: 30 s unless told, 120 s at most. */
  readonly clockToleranceSeconds?: number
  /**
   * Longest time from `created`, and from now, until `expires`: {@link DEFAULT_MAX_SIGNATURE_LIFETIME_SECONDS} unless told
   * (SIG-3-25).
   */
  readonly maxLifetimeSeconds?: number
  readonly limits?: SignatureLimits
}

/** Seconds that a signature made here lives unless told otherwise. */
export const DEFAULT_SIGNATURE_LIFETIME_SECONDS = 60
/** Seconds that a signature may live at most, unless a verifier is told otherwise; signers make none that lives longer. */
export const DEFAULT_MAX_SIGNATURE_LIFETIME_SECONDS = 300

/** What the replay store has to hold for one signature is bounded. */
const MAX_NONCE_LENGTH = 256

/**
 * Reads the parameters of a signature of this profile: the canonical form, none that is forbidden (SIG-3-31, SIG-3-32) or belongs
 * to the other kind of message, `created`, `expires` and `nonce` there and of their types (SIG-3-23, SIG-3-24, SIG-3-26). Unknown
 * ones are ignored.
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_SIGNATURE_INPUT`, `ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN`,
 *   `ERR_HTTP_SIGNATURE_PARAMETER_MISSING`, `ERR_HTTP_SIGNATURE_PARAMETER`
 */
export function readProfileParameters({ parameters, canonical }: ParsedSignature, misplaced: readonly string[]): ProfileParameters {
  if (!canonical) throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_INPUT', { detail: 'not canonical' })
  // SIG-3-31, SIG-3-32
  for (const name of ['keyid', 'alg', ...misplaced]) {
    if (parameters.has(name)) throw new WimseError('ERR_HTTP_SIGNATURE_PARAMETER_FORBIDDEN', { detail: name })
  }
  const created = required(parameters.get('created'), 'created')
  const expires = required(parameters.get('expires'), 'expires')
  const nonce = required(parameters.get('nonce'), 'nonce')
  if (typeof created !== 'number' || created < 0) throw malformed('created')
  if (typeof expires !== 'number' || expires <= created) throw malformed('expires')
  if (typeof nonce !== 'string' || nonce === '' || nonce.length > MAX_NONCE_LENGTH) throw malformed('nonce')
  return { created, expires, nonce }
}

/**
 * Judges the time of a signature (SIG-5.1-06, SIG-3-25, SIG-5.1-05): not from the future, not expired, not living too long.
 *
 * @param now seconds since the epoch
 * @throws WimseError `ERR_HTTP_SIGNATURE_CREATED`, `ERR_HTTP_SIGNATURE_EXPIRED`, `ERR_HTTP_SIGNATURE_LIFETIME`
 */
export function checkTime({ created, expires }: ProfileParameters, now: number, bounds: TimeBounds): void {
  const { clockToleranceSeconds: tolerance, maxLifetimeSeconds } = bounds
  if (created > now + tolerance) throw new WimseError('ERR_HTTP_SIGNATURE_CREATED')
  if (now >= expires + tolerance) throw new WimseError('ERR_HTTP_SIGNATURE_EXPIRED')
  if (expires - Math.min(created, now) > maxLifetimeSeconds + tolerance) throw new WimseError('ERR_HTTP_SIGNATURE_LIFETIME')
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new WimseError('ERR_HTTP_SIGNATURE_PARAMETER_MISSING', { detail: name })
  return value
}

function malformed(name: string): WimseError {
  return new WimseError('ERR_HTTP_SIGNATURE_PARAMETER', { detail: name })
}
