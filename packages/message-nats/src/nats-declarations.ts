import { AckPolicy, type ConsumerConfig, jetstreamManager, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import { type NatsConnection, nanos } from '@nats-io/transport-node'
import { coded } from './nats-failure.ts'

/** A stream that keeps messages on disk. */
export interface StreamDeclaration {
  readonly name: string
  /** Those that it takes messages of; `*` and `>` as NATS has them. */
  readonly subjects: readonly string[]
  /** Messages leave when they are acknowledged or ended, and not only with age. */
  readonly workQueue?: boolean
  /** Without it messages stay until they are done, or for ever. */
  readonly maxAgeSeconds?: number
  /** For how long the broker knows the `id` of a message again; 120 unless told. */
  readonly duplicateWindowSeconds?: number
  readonly replicas?: number
}

/** A consumer that outlives those who pull from it, each message with an explicit end. */
export interface ConsumerDeclaration {
  readonly stream: string
  readonly name: string
  /** Of the stream's messages those under this subject; all unless told. */
  readonly subject?: string
  /** After this a message that isn't settled comes again; 30 unless told. */
  readonly ackWaitSeconds?: number
  /** Messages that are out and not settled, over all who pull; 1000 unless told. */
  readonly maxAckPending?: number
}

const DEFAULT_DUPLICATE_WINDOW_SECONDS = 120
const DEFAULT_ACK_WAIT_SECONDS = 30
const DEFAULT_MAX_ACK_PENDING = 1000

/**
 * Makes a stream, or finds it as it should be.
 *
 * @throws WimseError `ERR_MESSAGE_BROKER_REFUSED` when it is there and different, `ERR_MESSAGE_BROKER_UNAVAILABLE`
 */
export async function declareStream(
  connection: NatsConnection,
  { name, subjects, workQueue = false, maxAgeSeconds = 0, replicas = 1, duplicateWindowSeconds }: StreamDeclaration,
): Promise<void> {
  const window = duplicateWindowSeconds ?? DEFAULT_DUPLICATE_WINDOW_SECONDS
  const config: Partial<StreamConfig> & { readonly name: string } = {
    name,
    subjects: [...subjects],
    storage: StorageType.File,
    retention: workQueue ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    max_age: nanos(maxAgeSeconds * 1000),
    // The broker takes no window that is longer than messages stay.
    duplicate_window: nanos(1000 * (maxAgeSeconds === 0 ? window : Math.min(window, maxAgeSeconds))),
    num_replicas: replicas,
  }
  await coded(async () => {
    const manager = await jetstreamManager(connection)
    await manager.streams.add(config)
  })
}

/**
 * Makes a durable pull consumer, or finds it as it should be.
 *
 * @throws WimseError as {@link declareStream}
 */
export async function declareConsumer(
  connection: NatsConnection,
  { stream, name, subject, ackWaitSeconds, maxAckPending }: ConsumerDeclaration,
): Promise<void> {
  const config: Partial<ConsumerConfig> = {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(1000 * (ackWaitSeconds ?? DEFAULT_ACK_WAIT_SECONDS)),
    max_ack_pending: maxAckPending ?? DEFAULT_MAX_ACK_PENDING,
    ...(subject !== undefined && { filter_subject: subject }),
  }
  await coded(async () => {
    const manager = await jetstreamManager(connection)
    await manager.consumers.add(stream, config)
  })
}
