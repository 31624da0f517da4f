import { type CreateMessageProofOptions, createMessageProof } from '@wimse/message-proof'
import type { NatsBroker, NatsMessage, StoredMessage } from './nats-broker.ts'
import { natsDestination } from './nats-destination.ts'

/** Options of {@link publishWithProof}. */
export interface PublishWithProofOptions extends CreateMessageProofOptions {
  /** What sender and recipient call the account of the broker. */
  readonly namespace: string
}

/**
 * Sends a message with a proof for its subject in that namespace, and waits until the stream has it. Bound are the payload, the content type,
 * a transaction token, and those of `boundFields` that it has; not the id, which is the broker's.
 *
 * After a failure call it again: each time it makes a new proof, and with an `id` the stream keeps one of them.
 *
 * @throws WimseError as `createMessageProof` and {@link NatsBroker.publish}
 */
export async function publishWithProof(
  broker: Pick<NatsBroker, 'publish'>,
  message: NatsMessage,
  { namespace, ...options }: PublishWithProofOptions,
): Promise<StoredMessage> {
  const { subject, fields, payload } = message
  const proof = await createMessageProof({ kind: 'message', destination: natsDestination(namespace, subject), fields, payload }, options)
  return broker.publish({ ...message, fields: [...fields, ...proof] })
}
