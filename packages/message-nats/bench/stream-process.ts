import { randomBytes } from 'node:crypto'
import { type FieldLines, inMemoryDeliveryStore } from '@wimse/core'
import { createSigner, defaultRuntime } from '@wimse/keys'
import { createDeliveryVerifier, type NatsDelivery, openNats, publishWithProof } from '@wimse/message-nats'
import { staticTrust } from '@wimse/trust'
import { createWitCredential, createWitVerifier } from '@wimse/wit'
import {
  BOUND_FIELDS as boundFields,
  CONSUMER,
  NAMESPACE as namespace,
  STREAM,
  type StreamRun,
  type StreamSetup,
  SUBJECT,
} from './stream-protocol.ts'

const PREFETCH = 64
const AT_A_TIME = 4
const FIELDS: FieldLines = [
  ['content-type', 'application/json'],
  ['priority', 'low'],
]

/** Sends one message after the other, each when the stream has the one before. */
async function producer({ url, token, privateJwk }: StreamSetup): Promise<(run: StreamRun) => Promise<void>> {
  const broker = await openNats({ url })
  const credential = createWitCredential(token, await createSigner(privateJwk, { algorithm: 'ES256', runtime: defaultRuntime() }))
  const payload = randomBytes(1024)
  return async ({ count, proofs }) => {
    for (let index = 0; index < count; index += 1) {
      const message = { subject: SUBJECT, fields: FIELDS, payload }
      if (proofs) await publishWithProof(broker, message, { namespace, credential, boundFields })
      else await broker.publish(message)
    }
  }
}

/** Takes a few messages at a time; each is done when the broker has confirmed its acknowledgement. */
async function consumer({ url, bundle }: StreamSetup): Promise<(run: StreamRun) => Promise<void>> {
  const broker = await openNats({ url })
  const verify = createDeliveryVerifier({
    namespace,
    subjects: SUBJECT,
    verifyWit: createWitVerifier({ trust: staticTrust({ 'shop.example': JSON.parse(bundle) }), profile: 'wit-svid' }),
    boundFields,
    deliveries: inMemoryDeliveryStore({ capacity: 200_000, capacityPerScope: 200_000 }),
    brokerTime: { trusted: true, maxAgeSeconds: 60 },
  })
  const deliveries = (await broker.deliveries({ stream: STREAM, consumer: CONSUMER, prefetch: PREFETCH }))[Symbol.asyncIterator]()
  const handle = async (delivery: NatsDelivery, proofs: boolean): Promise<void> => {
    if (proofs && (await verify(delivery)).delivery !== 'new') throw new Error('delivered twice')
    if (delivery.payload.length !== 1024 || delivery.fields === undefined) throw new Error('another message')
    await delivery.acknowledge()
  }
  return async ({ count, proofs }) => {
    const underWay = new Set<Promise<void>>()
    for (let index = 0; index < count; index += 1) {
      const { value: delivery } = await deliveries.next()
      const step = handle(delivery, proofs).finally(() => underWay.delete(step))
      underWay.add(step)
      if (underWay.size >= AT_A_TIME) await Promise.race(underWay)
    }
    await Promise.all(underWay)
  }
}

let run: ((run: StreamRun) => Promise<void>) | undefined
process.on('message', async (message: StreamSetup | StreamRun) => {
  if ('role' in message) run = await (message.role === 'producer' ? producer(message) : consumer(message))
  else await run?.(message)
  process.send?.('done')
})
process.on('disconnect', () => process.exit())
