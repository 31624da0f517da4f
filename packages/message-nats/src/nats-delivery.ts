import type { JsMsg } from '@nats-io/jetstream'
import type { FieldLines } from '@wimse/core'
import { coded } from './nats-failure.ts'
import { fieldLinesOfNats } from './nats-fields.ts'

/**
 * A message as the broker delivered it, and what can be done with it then. Of the four that settle it the first one counts; a message that
 * isn't settled comes again when the consumer's time for it is over.
 */
export interface NatsDelivery {
  /** The one that the broker has it under; not what the message says of itself. */
  readonly subject: string
  readonly stream: string
  /** In that stream, from 1. */
  readonly sequence: number
  /** `<stream>:<sequence>`: the same each time that this stored message is delivered, another one for a copy. */
  readonly position: string
  /** When the stream took it, by the broker's clock, in seconds since 1970. */
  readonly takenAt: number
  /** How often it was delivered, this time included. */
  readonly deliveries: number
  /** Repeated ones apart. Undefined when the block of fields is malformed. */
  readonly fields: FieldLines | undefined
  readonly payload: Uint8Array
  /**
   * It is done: the broker forgets it, and has confirmed that.
   *
   * @throws WimseError `ERR_MESSAGE_BROKER_UNAVAILABLE` without a confirmation: the message may come again
   */
  acknowledge(): Promise<void>
  /** Not now: it comes again after that pause, to whoever asks then. */
  retryAfter(milliseconds: number): void
  /**
   * Never: what is left of it goes to the subject for dead letters, then it is ended. Without such a subject it is only ended. Kept are the
   * payload, the content type and `ce-` fields; not kept are proofs, tokens and what else it carried. `wimse-ts-reason`,
   * `wimse-ts-subject`, `wimse-ts-position` and `wimse-ts-deliveries` say what it was.
   *
   * @param reason a code, such as `ERR_MESSAGE_PROOF_REPLAYED`; anyone who may read dead letters reads it
   * @throws WimseError `ERR_MESSAGE_BROKER_UNAVAILABLE`, `ERR_MESSAGE_BROKER_REFUSED` when the dead letter wasn't taken: the message comes again
   */
  bury(reason: string): Promise<void>
  /** Still at it: the consumer's time for it begins anew. */
  stillWorking(): void
}

/** What {@link deliveryOf} buries by. */
export type PublishDeadLetter = (letter: {
  readonly fields: FieldLines
  readonly payload: Uint8Array
  /** The same for each attempt to bury the same message. */
  readonly id: string
}) => Promise<unknown>

/** Fields that a dead letter keeps. */
const KEPT = /^(?:content-type|ce-.*)$/i
const REASON = /^[A-Za-z0-9_.:-]{1,100}$/

/** Reads a message of JetStream. What is in it is not verified. */
export function deliveryOf(message: JsMsg, publishDeadLetter: PublishDeadLetter | undefined): NatsDelivery {
  const { stream, streamSequence: sequence, deliveryCount: deliveries, timestampNanos } = message.info
  const { subject, data } = message
  // The client gives a Buffer, whose `slice` isn't the one of the type that is promised.
  const payload = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const fields = fieldLinesOfNats(() => message.headers)
  const position = `${stream}:${sequence}`
  return {
    subject,
    stream,
    sequence,
    position,
    takenAt: timestampNanos / 1e9,
    deliveries,
    fields,
    payload,
    async acknowledge() {
      await coded(() => message.ackAck())
    },
    retryAfter: (milliseconds) => message.nak(milliseconds),
    async bury(reason) {
      const described: FieldLines = [
        ...(fields ?? []).filter(([name]) => KEPT.test(name)),
        ['wimse-ts-reason', REASON.test(reason) ? reason : 'unknown'],
        ['wimse-ts-subject', subject],
        ['wimse-ts-position', position],
        ['wimse-ts-deliveries', String(deliveries)],
      ]
      await publishDeadLetter?.({ fields: described, payload, id: `dead:${position}` })
      message.term()
    },
    stillWorking: () => message.working(),
  }
}
