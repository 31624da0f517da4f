import { DEFAULT_MAX_BODY_BYTES, type DeliveryStore, type Runtime, WimseError } from '@wimse/core'
import { DEFAULT_MAX_TOKEN_BYTES, defaultRuntime } from '@wimse/keys'
import { DEFAULT_CLOCK_TOLERANCE_SECONDS, MAX_CLOCK_TOLERANCE_SECONDS, type WitVerifier } from '@wimse/wit'
import { readBoundFieldNames } from './bound-parts.ts'
import { isDestination } from './message-view.ts'

/** That the broker is trusted to say when it took a message, and for how long such a message is worth anything. */
export interface BrokerTime {
  readonly trusted: true
  /** Longest time since the broker took it, in seconds. */
  readonly maxAgeSeconds: number
}

/** Options of `createMessageVerifier`. */
export interface MessageVerifierOptions {
  readonly verifyWit: WitVerifier
  /** Where this recipient takes messages from, out of its configuration: whole destinations, compared as they are. */
  readonly destinations: string | readonly string[]
  /**
   * Header fields that the application uses: refused when they are in a message and not bound, and when a proof binds others. What isn't
   * named here must decide nothing, except `content-type` and `txn-token`, which always are bound.
   */
  readonly boundFields: readonly string[]
  /** One for each group of recipients that share the work: within it a proof counts for one stored message. */
  readonly deliveries: DeliveryStore
  /**
   * Judges proof and WIT for the moment at which the broker took the message, so that one which waits for its recipient doesn't expire.
   * Without it everything is judged now, and what waits longer than its proof lives is refused.
   */
  readonly brokerTime?: BrokerTime
  /** Tolerance of clocks: 30 s unless told, 120 s at most. */
  readonly clockToleranceSeconds?: number
  /** 1 MiB unless told. */
  readonly maxPayloadBytes?: number
  /** Longest time from `iat` to `exp`: 300 s unless told. */
  readonly maxLifetimeSeconds?: number
  readonly maxTokenBytes?: number
  readonly runtime?: Runtime
}

export const DEFAULT_MESSAGE_PROOF_MAX_LIFETIME_SECONDS = 300

/** The options, read once. */
export interface MessageVerifierSettings {
  readonly verifyWit: WitVerifier
  readonly destinations: ReadonlySet<string>
  readonly declared: ReadonlySet<string>
  readonly deliveries: DeliveryStore
  /** Undefined: the broker's word counts for nothing. */
  readonly maxAgeSeconds: number | undefined
  readonly tolerance: number
  readonly maxPayloadBytes: number
  readonly maxLifetimeSeconds: number
  readonly maxTokenBytes: number
  readonly runtime: Runtime
}

/** @throws WimseError `ERR_OPTIONS_INVALID` */
export function readMessageVerifierOptions(options: MessageVerifierOptions): MessageVerifierSettings {
  const { verifyWit, deliveries, brokerTime, maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES } = options
  const { clockToleranceSeconds: tolerance = DEFAULT_CLOCK_TOLERANCE_SECONDS, maxPayloadBytes = DEFAULT_MAX_BODY_BYTES } = options
  const { maxLifetimeSeconds = DEFAULT_MESSAGE_PROOF_MAX_LIFETIME_SECONDS, runtime = defaultRuntime() } = options
  const destinations = typeof options.destinations === 'string' ? [options.destinations] : options.destinations
  if (!Array.isArray(destinations) || destinations.length === 0 || !destinations.every(isDestination)) throw invalid('destinations')
  if (!(tolerance >= 0 && tolerance <= MAX_CLOCK_TOLERANCE_SECONDS)) throw invalid('clockToleranceSeconds')
  // A limit that is no number would limit nothing.
  if (!(maxLifetimeSeconds > 0)) throw invalid('maxLifetimeSeconds')
  if (!(maxPayloadBytes >= 0)) throw invalid('maxPayloadBytes')
  if (!(maxTokenBytes > 0)) throw invalid('maxTokenBytes')
  const maxAgeSeconds = brokerTime?.maxAgeSeconds
  // Kept that long in the store, so it has to end.
  if (brokerTime !== undefined && !(brokerTime.trusted === true && Number.isFinite(maxAgeSeconds) && Number(maxAgeSeconds) > 0)) {
    throw invalid('brokerTime')
  }
  return {
    verifyWit,
    destinations: new Set(destinations),
    declared: readBoundFieldNames(options.boundFields),
    deliveries,
    maxAgeSeconds,
    tolerance,
    maxPayloadBytes,
    maxLifetimeSeconds,
    maxTokenBytes,
    runtime,
  }
}

function invalid(detail: string): WimseError {
  return new WimseError('ERR_OPTIONS_INVALID', { detail })
}
