import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { FieldLines } from '@wimse/core'
import { fieldLinesOfNats, natsHeadersOf } from '../nats-fields.ts'

/** A message as it lies in a stream. */
export interface LyingMessage {
  readonly subject: string
  readonly sequence: number
  /** When the stream took it, in seconds since 1970. */
  readonly takenAt: number
  readonly fields: FieldLines
  readonly payload: Uint8Array
}

/** Somebody who is in the broker: sees everything that lies there, takes it away, and puts other things there. For attacks. */
export interface NatsInsider {
  /** What lies in a stream now, in its order, from a sequence on where one is given. A stream that isn't there has nothing. */
  look(stream: string, from?: number): Promise<readonly LyingMessage[]>
  /** Takes a message away before anybody gets it. */
  take(stream: string, sequence: number): Promise<void>
  /** Puts a message into the stream of its subject. @returns its sequence there */
  put(message: Pick<LyingMessage, 'subject' | 'fields' | 'payload'>): Promise<number>
  /** How many messages a stream has taken so far. */
  taken(stream: string): Promise<number>
  /** How many messages wait for a consumer, those that are out included. */
  waiting(stream: string, consumer: string): Promise<number>
  close(): Promise<void>
}

/** Lets somebody in. @param url `nats://127.0.0.1:…` */
export async function openNatsInsider(url: string): Promise<NatsInsider> {
  const connection = await connect({ servers: new URL(url).host, maxReconnectAttempts: -1, reconnectTimeWait: 250 })
  const manager = await jetstreamManager(connection)
  const client = jetstream(connection)
  return {
    async look(stream, from = 1) {
      const state = await manager.streams.info(stream).then(
        (info) => info.state,
        () => undefined,
      )
      const found: LyingMessage[] = []
      for (let sequence = Math.max(state?.first_seq ?? 1, from); sequence <= (state?.last_seq ?? 0); sequence += 1) {
        // One that is done by now leaves a gap.
        const message = await manager.streams.getMessage(stream, { seq: sequence }).catch(() => null)
        if (message === null) continue
        const { subject, data: payload, time } = message
        const fields = fieldLinesOfNats(() => message.header) ?? []
        found.push({ subject, sequence: message.seq, takenAt: time.getTime() / 1000, fields, payload })
      }
      return found
    },
    async take(stream, sequence) {
      await manager.streams.deleteMessage(stream, sequence)
    },
    put: async ({ subject, fields, payload }) => (await client.publish(subject, payload, { headers: natsHeadersOf(fields) })).seq,
    taken: async (stream) => (await manager.streams.info(stream)).state.last_seq,
    async waiting(stream, consumer) {
      const { num_pending: pending, num_ack_pending: out } = await manager.consumers.info(stream, consumer)
      return pending + out
    },
    close: () => connection.close(),
  }
}
