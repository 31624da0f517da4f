import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { type FieldLines, WimseError } from '@wimse/core'
import { type ConsumerDeclaration, declareConsumer, declareStream, type StreamDeclaration } from './nats-declarations.ts'
import { isNatsSubject } from './nats-destination.ts'
import { coded } from './nats-failure.ts'
import { natsHeadersOf } from './nats-fields.ts'
import { type DeliverySource, type NatsDeliveries, openDeliveries } from './open-deliveries.ts'

/** A message to a subject. */
export interface NatsMessage {
  /** Visible ASCII, without wildcards. */
  readonly subject: string
  /** None of NATS itself (`Nats-…`). */
  readonly fields: FieldLines
  readonly payload: Uint8Array
  /**
   * `Nats-Msg-Id`: a second message with it is dropped while the stream knows it. Whoever may publish can take an id before its time: it
   * spares duplicates, and protects nothing.
   */
  readonly id?: string
}

/** What the broker made of a message. */
export interface StoredMessage {
  /** `<stream>:<sequence>` */
  readonly position: string
  /** One with its id was there already, and stays; this one was dropped. */
  readonly duplicate: boolean
}

/** JetStream, with failures that have codes. */
export interface NatsBroker {
  /**
   * Sends a message and waits until the stream has it.
   *
   * @throws WimseError `ERR_MESSAGE_BROKER_UNAVAILABLE` when there is no answer: it may be stored all the same, now or when the connection is
   *   back; `ERR_MESSAGE_BROKER_REFUSED`, `ERR_OPTIONS_INVALID` for a message that can't be sent
   */
  publish(message: NatsMessage): Promise<StoredMessage>
  /** See {@link openDeliveries}. */
  deliveries(source: DeliverySource): Promise<NatsDeliveries>
  /** See {@link declareStream}. */
  declareStream(stream: StreamDeclaration): Promise<void>
  /** See {@link declareConsumer}. */
  declareConsumer(consumer: ConsumerDeclaration): Promise<void>
  /** Sends what is to be sent, and ends the connection. */
  close(): Promise<void>
}

export const DEFAULT_NATS_TIMEOUT_MS = 5000

/**
 * JetStream over a connection of `@nats-io/transport-node` that is open.
 *
 * @param options `timeoutMs`: how long an answer may take; 5000 unless told
 */
export function natsBroker(
  connection: NatsConnection,
  { timeoutMs = DEFAULT_NATS_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
): NatsBroker {
  const client = jetstream(connection, { timeout: timeoutMs })
  const publish = async ({ subject, fields, payload, id }: NatsMessage): Promise<StoredMessage> => {
    if (!isNatsSubject(subject)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the subject of a message' })
    const headers = natsHeadersOf(fields)
    const stored = await coded(() => client.publish(subject, payload, { headers, ...(id !== undefined && { msgID: id }) }))
    return { position: `${stored.stream}:${stored.seq}`, duplicate: stored.duplicate }
  }
  return {
    publish,
    deliveries(source) {
      const { deadLetterSubject: subject } = source
      return openDeliveries(client, source, subject === undefined ? undefined : (letter) => publish({ ...letter, subject }))
    },
    declareStream: (stream) => declareStream(connection, stream),
    declareConsumer: (consumer) => declareConsumer(connection, consumer),
    async close() {
      const late = setTimeout(() => void connection.close(), timeoutMs)
      connection.drain().catch(() => connection.close())
      await connection.closed()
      clearTimeout(late)
    },
  }
}
