import type { JetStreamClient } from '@nats-io/jetstream'
import { WimseError } from '@wimse/core'
import { deliveryOf, type NatsDelivery, type PublishDeadLetter } from './nats-delivery.ts'
import { coded } from './nats-failure.ts'

/** Messages as they come. It can be read once. */
export interface NatsDeliveries extends AsyncIterable<NatsDelivery> {
  /** Asks for no more, and ends the iteration, as leaving its loop does; what was fetched and not taken goes back. */
  stop(): void
}

/** Where messages come from. */
export interface DeliverySource {
  readonly stream: string
  /** A durable pull consumer of it. */
  readonly consumer: string
  /** Where dead letters go. Some stream has to take it. */
  readonly deadLetterSubject?: string
  /**
   * Messages that wait here at most, 16 unless told. Their time with the consumer passes while they wait: keep it small where handling one
   * takes long.
   */
  readonly prefetch?: number
}

const DEFAULT_PREFETCH = 16
/** Not at once: the server would give it to the request that is being ended, and then wait for its time to be over. */
const GIVEN_BACK_AFTER_MS = 50

/**
 * Pulls messages for as long as it isn't stopped, through reconnections.
 *
 * @throws WimseError `ERR_MESSAGE_BROKER_REFUSED` without that consumer, `ERR_MESSAGE_BROKER_UNAVAILABLE`; the iteration throws the same when
 *   the consumer is gone, or the connection closed
 */
export async function openDeliveries(
  client: JetStreamClient,
  { stream, consumer, prefetch = DEFAULT_PREFETCH }: DeliverySource,
  publishDeadLetter: PublishDeadLetter | undefined,
): Promise<NatsDeliveries> {
  if (!Number.isSafeInteger(prefetch) || prefetch < 1) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'prefetch' })
  const messages = await coded(async () => {
    const source = await client.consumers.get(stream, consumer)
    return source.consume({ max_messages: prefetch, abort_on_missing_resource: true })
  })
  let stopped = false
  const stop = (): void => {
    stopped = true
    messages.stop()
  }
  const read = async function* (): AsyncGenerator<NatsDelivery, void, undefined> {
    const fetched = messages[Symbol.asyncIterator]()
    try {
      while (!stopped) {
        const { done, value: message } = await coded(() => fetched.next())
        // The client ends it quietly when the connection closes.
        if (done && !stopped) throw new WimseError('ERR_MESSAGE_BROKER_UNAVAILABLE', { detail: 'closed' })
        if (!done && stopped) message.nak(GIVEN_BACK_AFTER_MS)
        else if (!done) yield deliveryOf(message, publishDeadLetter)
      }
    } finally {
      stop()
      for (let step = await fetched.next(); !step.done; step = await fetched.next()) step.value.nak(GIVEN_BACK_AFTER_MS)
    }
  }
  return { [Symbol.asyncIterator]: read, stop }
}
