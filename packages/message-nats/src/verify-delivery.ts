import { WimseError } from '@wimse/core'
import { createMessageVerifier, type MessageVerifierOptions, type VerifiedMessage } from '@wimse/message-proof'
import type { NatsDelivery } from './nats-delivery.ts'
import { natsDestination } from './nats-destination.ts'

/** Options of {@link createDeliveryVerifier}: those of `createMessageVerifier` with subjects in place of destinations. */
export interface DeliveryVerifierOptions extends Omit<MessageVerifierOptions, 'destinations'> {
  /** What sender and recipient call the account of the broker. */
  readonly namespace: string
  /** Those that this recipient takes messages of, each as it is. */
  readonly subjects: string | readonly string[]
}

/** Verifies deliveries under one configuration. */
export type DeliveryVerifier = (
  delivery: Pick<NatsDelivery, 'subject' | 'position' | 'takenAt' | 'fields' | 'payload'>,
) => Promise<VerifiedMessage>

/**
 * A verifier of what JetStream delivers. The destination is the configured namespace and the subject that the broker has the message under;
 * position and time are the broker's, and its time counts with `brokerTime` only. Then it is as `createMessageVerifier` says.
 *
 * Not covered are the fields of NATS itself, `Nats-…`: the broker adds some, and they can't be declared.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`; the verifier throws what that of `createMessageVerifier` does, and `ERR_MESSAGE_MALFORMED` for a
 *   block of fields that is malformed
 */
export function createDeliveryVerifier({ namespace, subjects, ...options }: DeliveryVerifierOptions): DeliveryVerifier {
  const taken = (typeof subjects === 'string' ? [subjects] : subjects).map((subject) => natsDestination(namespace, subject))
  if (options.boundFields.some((name) => /^nats-/i.test(name))) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a field of NATS can not be bound' })
  }
  const verify = createMessageVerifier({ ...options, destinations: taken })
  return async ({ subject, position, takenAt, fields, payload }) => {
    if (fields === undefined) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'header fields' })
    // Not `natsDestination`: whatever the broker delivered gets a destination, and is refused by it where it isn't one of the configured ones.
    return verify({ kind: 'message', destination: `nats://${namespace}/${subject}`, fields, payload }, { position, takenAt })
  }
}
