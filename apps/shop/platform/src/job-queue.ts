import type { JsonObject } from '@wimse/core'
import { type NatsBroker, type NatsDeliveries, openNats, publishWithProof } from '@wimse/message-nats'
import type { WitCredential } from '@wimse/wit'
import type { BrokerConfig } from './service-config.ts'

/** Work that is done later. Its proof covers all of it, and the grant beside it. */
export interface Job {
  /** What its sender calls it: the same name is the same work. */
  readonly job: string
  readonly action: 'settle' | 'restock'
  readonly parameters: JsonObject
  /** The name of the use, where the grant has several. */
  readonly use?: string
}

/** The field of a message that carries the grant. */
export const GRANT_FIELD = 'deferred-grant'

/** Where jobs wait. */
export interface JobQueue {
  /** Puts a job into the queue; resolves when the broker has it. @throws WimseError `ERR_CREDENTIAL_…`, `ERR_MESSAGE_BROKER_…` */
  send(job: Job, grant: string): Promise<void>
  /** Jobs for a worker: all workers share them. `waiting` are held ready at most. @throws WimseError `ERR_MESSAGE_BROKER_…` */
  deliveries(waiting: number): Promise<NatsDeliveries>
  close(): Promise<void>
}

const STREAM = 'SETTLEMENT'
const CONSUMER = 'settlement'
const SUBJECTS = 'settlement.jobs'
const DEAD_LETTERS = 'settlement.dead'
const DEAD_LETTER_SECONDS = 30 * 86_400
/** How long the broker waits for a worker; no shorter than what a job takes when everything that it calls is away. */
const ACK_WAIT_SECONDS = 15
const START_TIMEOUT_MS = 60_000

/** The subject for an action. */
export function jobSubject(action: Job['action']): string {
  return `${SUBJECTS}.${action}`
}

/** Opens the queue, and makes its streams where they are not there yet. @throws WimseError `ERR_MESSAGE_BROKER_…`, `ERR_INSECURE_CHANNEL` */
export async function openJobQueue({
  broker: address,
  trustDomain,
  credential,
}: {
  readonly broker: BrokerConfig
  readonly trustDomain: string
  readonly credential: () => WitCredential
}): Promise<JobQueue> {
  const { url, private: isPrivate } = address
  const broker = await openNats({ url, allowInsecureConnection: isPrivate, startTimeoutMs: START_TIMEOUT_MS })
  await declare(broker)
  return {
    async send(job, grant) {
      const subject = jobSubject(job.action)
      const payload = new TextEncoder().encode(JSON.stringify(job))
      const fields = [['content-type', 'application/json'] as const, [GRANT_FIELD, grant] as const]
      // The trust domain is the name that sender and worker have for the broker: a message that is moved to another one is for nobody there.
      const options = { namespace: trustDomain, credential: credential(), boundFields: [GRANT_FIELD] }
      await publishWithProof(broker, { subject, payload, fields }, options)
    },
    deliveries: (prefetch) => broker.deliveries({ stream: STREAM, consumer: CONSUMER, deadLetterSubject: DEAD_LETTERS, prefetch }),
    close: () => broker.close(),
  }
}

async function declare(broker: NatsBroker): Promise<void> {
  await broker.declareStream({ name: STREAM, subjects: [`${SUBJECTS}.*`], workQueue: true })
  await broker.declareStream({ name: `${STREAM}_DEAD`, subjects: [DEAD_LETTERS], maxAgeSeconds: DEAD_LETTER_SECONDS })
  await broker.declareConsumer({ stream: STREAM, name: CONSUMER, ackWaitSeconds: ACK_WAIT_SECONDS })
}
