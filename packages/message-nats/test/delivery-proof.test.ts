import { jetstreamManager } from '@nats-io/jetstream'
import { connect as connectNats } from '@nats-io/transport-node'
import { type FieldLines, inMemoryDeliveryStore, isWimseError, utf8 } from '@wimse/core'
import { MESSAGE_PROOF_FIELD } from '@wimse/message-proof'
import { type RedisDeliveryStore, redisDeliveryStore } from '@wimse/replay-redis'
import { findRedis, startRedisServer } from '@wimse/replay-redis/testing'
import { WIT_FIELD } from '@wimse/wit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDeliveryVerifier, type DeliveryVerifierOptions, type NatsDelivery, type NatsMessage, natsDestination } from '../src/index.ts'
import { copyOf, JOB, NAMESPACE, ORDERS, type ProofWorld, proofWorld, withField, withoutNats } from './proof-world.ts'
import { codeOf, connect, later, missing, next, publishRaw, SOURCE, SUBJECT } from './support.ts'

const redis = await findRedis()
const OTHER = 'settlement.refunds'

describe.skipIf(missing !== undefined)(`messages with proofs over JetStream${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('are verified with what the broker says of them', async () => {
    const world = await proofWorld()
    expect(await world.publish({ id: 'job-1' })).toEqual({ position: 'SETTLEMENT:1', duplicate: false })
    const verified = await world.verify(await next(world.broker))
    expect(verified).toMatchObject({
      identifier: ORDERS,
      destination: natsDestination(NAMESPACE, SUBJECT),
      delivery: 'new',
      contentType: 'application/json',
      takenAt: undefined,
    })
    expect(Object.keys(verified.boundFields)).toEqual(['priority'])
    expect(verified.message.payload).toEqual(JOB.payload)
  })

  it('are verified without any other field, with an empty payload, and with a transaction token', async () => {
    const world = await proofWorld()
    await world.publish({ fields: [], payload: new Uint8Array() })
    expect(await world.verify(await next(world.broker))).toMatchObject({ contentType: undefined, boundFields: {} })
    await world.publish({ fields: [['txn-token', 'a.b.c']] })
    expect(Object.keys((await world.verify(await next(world.broker))).boundFields)).toEqual(['txn-token'])
  })

  it('that are delivered again after no answer are taken again, and said to be', async () => {
    const world = await proofWorld({ consumer: { ackWaitSeconds: 0.2 } })
    await world.publish()
    const first = await next(world.broker)
    expect(await world.verify(first)).toMatchObject({ delivery: 'new' })
    const second = await next(world.broker)
    expect(second).toMatchObject({ deliveries: 2, position: first.position })
    expect(await world.verify(second)).toMatchObject({ delivery: 'again' })
    await second.acknowledge()
  })

  it('that were stored under one id twice come once', async () => {
    const world = await proofWorld()
    await world.publish({ id: 'job-1' })
    expect(await world.publish({ id: 'job-1' })).toEqual({ position: 'SETTLEMENT:1', duplicate: true })
    expect(await world.verify(await next(world.broker))).toMatchObject({ delivery: 'new' })
  })

  describe('changed by whoever may publish', () => {
    type Change = (delivery: NatsDelivery, world: ProofWorld) => Partial<NatsMessage> | Promise<Partial<NatsMessage>>
    const fieldsOf = ({ fields }: NatsDelivery): FieldLines => withoutNats(fields ?? [])
    const changed =
      (name: string, ...values: readonly string[]): Change =>
      (delivery) => ({ fields: withField(fieldsOf(delivery), name, ...values) })
    const oneValue = (delivery: NatsDelivery, name: string): string => fieldsOf(delivery).find(([other]) => other === name)?.[1] ?? ''

    it.each<[string, string, Change]>([
      ['the payload', 'ERR_MESSAGE_PROOF_PAYLOAD', () => ({ payload: utf8('{"amount":99}') })],
      ['the payload, gone', 'ERR_MESSAGE_PROOF_PAYLOAD', () => ({ payload: new Uint8Array() })],
      ['the content type', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', changed('content-type', 'text/plain')],
      ['the content type, removed', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', changed('content-type')],
      ['the content type, doubled', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', changed('content-type', 'application/json', 'application/json')],
      ['the content type, doubled in another case', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', changed('Content-Type', 'application/json')],
      ['a field', 'ERR_MESSAGE_PROOF_FIELD', changed('priority', 'high')],
      ['a field, removed', 'ERR_MESSAGE_PROOF_FIELD', changed('priority')],
      ['a field, doubled', 'ERR_MESSAGE_PROOF_FIELD_REPEATED', changed('priority', 'low', 'low')],
      ['a field, doubled in another case', 'ERR_MESSAGE_PROOF_FIELD_REPEATED', changed('Priority', 'high')],
      ['a transaction token, added', 'ERR_MESSAGE_PROOF_TTH_MISSING', changed('txn-token', 'a.b.c')],
      ['the proof, removed', 'ERR_MESSAGE_PROOF_COUNT', changed(MESSAGE_PROOF_FIELD)],
      [
        'the proof, doubled',
        'ERR_MESSAGE_PROOF_COUNT',
        (delivery) => {
          const proof = oneValue(delivery, MESSAGE_PROOF_FIELD)
          return { fields: withField(fieldsOf(delivery), MESSAGE_PROOF_FIELD, proof, proof) }
        },
      ],
      ['the WIT, removed', 'ERR_WIT_MISSING', changed(WIT_FIELD)],
      [
        'the WIT, replaced by that of another workload',
        'ERR_MESSAGE_PROOF_SIGNATURE',
        async (delivery, { authority }) => {
          const { credential } = await authority.issueWit('spiffe://shop.example/storefront')
          return { fields: withField(fieldsOf(delivery), WIT_FIELD, credential.token) }
        },
      ],
      ['nothing', 'ERR_MESSAGE_PROOF_REPLAYED', () => ({})],
      ['nothing but the id', 'ERR_MESSAGE_PROOF_REPLAYED', () => ({ id: 'another' })],
    ])('%s: %s', async (_title, code, change) => {
      const world = await proofWorld()
      await world.publish()
      const delivery = await next(world.broker)
      expect(await world.verify(delivery)).toMatchObject({ delivery: 'new' })
      const attacker = await connect(world.server)
      await attacker.publish(copyOf(delivery, await change(delivery, world)))
      expect(await codeOf(world.verify(await next(world.broker)))).toBe(code)
    })

    it('a field, added where none was', async () => {
      const world = await proofWorld()
      await world.publish({ fields: [] })
      const delivery = await next(world.broker)
      await world.broker.publish(copyOf(delivery, { fields: [...fieldsOf(delivery), ['priority', 'high']] }))
      expect(await codeOf(world.verify(await next(world.broker)))).toBe('ERR_MESSAGE_PROOF_FIELD_MISSING')
    })

    it('a field that nobody declared decides nothing, and is no part of the proof', async () => {
      const world = await proofWorld()
      await world.publish()
      const delivery = await next(world.broker)
      await world.broker.publish(copyOf(delivery, { fields: [...fieldsOf(delivery), ['note', 'hello']] }))
      expect(Object.keys((await world.verify(await next(world.broker))).boundFields)).toEqual(['priority'])
    })

    it('by one octet of the payload', async () => {
      const world = await proofWorld()
      await world.publish()
      const delivery = await next(world.broker)
      const octet = fc.record({ index: fc.nat({ max: JOB.payload.length - 1 }), change: fc.integer({ min: 1, max: 255 }) })
      await fc.assert(
        fc.asyncProperty(octet, async ({ index, change }) => {
          const payload = Uint8Array.from(delivery.payload, (value, at) => (at === index ? value ^ change : value))
          await world.broker.publish(copyOf(delivery, { payload }))
          expect(await codeOf(world.verify(await next(world.broker)))).toBe('ERR_MESSAGE_PROOF_PAYLOAD')
        }),
        { numRuns: 30 },
      )
    })

    it('into whatever ends in a code', async () => {
      const world = await proofWorld()
      const block = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^(?:[a-z: -]{0,8}\r\n){0,4}$/))
      await fc.assert(
        fc.asyncProperty(block, fc.string(), async (lines, payload) => {
          await publishRaw(world.server.port, SUBJECT, `NATS/1.0\r\n${lines}\r\n\r\n`, payload)
          const delivery = await next(world.broker)
          expect(await codeOf(world.verify(delivery))).toMatch(/^ERR_(?:MESSAGE|WIT)_/)
          await delivery.bury('ERR_MESSAGE_MALFORMED')
        }),
        { numRuns: 50 },
      )
    })

    it('a block of fields that is malformed', async () => {
      const world = await proofWorld()
      await world.publish()
      const delivery = await next(world.broker)
      expect(await codeOf(world.verify({ ...delivery, fields: undefined }))).toBe('ERR_MESSAGE_MALFORMED')
    })
  })

  it('moved to another subject are refused there, and by who takes both', async () => {
    const world = await proofWorld({ stream: { subjects: [SUBJECT, OTHER] } })
    await world.publish()
    await world.broker.publish(copyOf(await next(world.broker), { subject: OTHER }))
    const moved = await next(world.broker)
    expect(moved.subject).toBe(OTHER)
    for (const subjects of [OTHER, [SUBJECT, OTHER]]) {
      expect(await codeOf(world.verify(moved, { subjects }))).toBe('ERR_MESSAGE_PROOF_DESTINATION')
    }
  })

  it('of another broker’s namespace, or of a subject that isn’t taken here, are refused', async () => {
    const world = await proofWorld()
    await world.publish()
    const delivery = await next(world.broker)
    expect(await codeOf(world.verify(delivery, { namespace: 'bank.example' }))).toBe('ERR_MESSAGE_PROOF_DESTINATION')
    expect(await codeOf(world.verify(delivery, { subjects: OTHER }))).toBe('ERR_MESSAGE_PROOF_DESTINATION')
  })

  it('that the broker copies into another stream count once over both', async () => {
    const world = await proofWorld({ stream: { workQueue: false } })
    const manager = await managerOf(world.server.port)
    await manager.streams.add({ name: 'MIRROR', mirror: { name: 'SETTLEMENT' } })
    await manager.streams.add({ name: 'SOURCED', sources: [{ name: 'SETTLEMENT' }] })
    for (const stream of ['MIRROR', 'SOURCED']) await world.broker.declareConsumer({ stream, name: 'worker' })
    await world.publish()
    expect(await world.verify(await next(world.broker))).toMatchObject({ delivery: 'new' })
    for (const stream of ['MIRROR', 'SOURCED']) {
      const copy = await next(world.broker, { ...SOURCE, stream })
      expect(copy).toMatchObject({ subject: SUBJECT, position: `${stream}:1` })
      expect(await codeOf(world.verify(copy))).toBe('ERR_MESSAGE_PROOF_REPLAYED')
    }
  })

  it('that the broker republishes under another subject are refused there', async () => {
    const world = await proofWorld()
    const manager = await managerOf(world.server.port)
    await manager.streams.add({ name: 'COPIES', subjects: ['copies.>'] })
    await manager.streams.add({ name: 'ORIGINALS', subjects: ['originals'], republish: { src: 'originals', dest: 'copies.originals' } })
    await world.broker.declareConsumer({ stream: 'COPIES', name: 'worker' })
    await world.publish({ subject: 'originals' })
    const copy = await next(world.broker, { ...SOURCE, stream: 'COPIES' })
    expect(copy.subject).toBe('copies.originals')
    // What the broker adds of its own isn't the message's.
    expect(copy.fields?.map(([name]) => name)).toContain('Nats-Stream')
    expect(await codeOf(world.verify(copy, { subjects: ['originals', 'copies.originals'] }))).toBe('ERR_MESSAGE_PROOF_DESTINATION')
  })

  describe('that waited', () => {
    const brokerTime = { trusted: true, maxAgeSeconds: 7200 } as const

    it('are taken where the broker’s word counts, also when the WIT has ended since', async () => {
      const world = await proofWorld()
      const { credential } = await world.authority.issueWit(ORDERS, { lifetimeSeconds: 60 })
      await world.publish({}, { credential })
      const delivery = await next(world.broker)
      world.runtime.advance(3600)
      const verified = await world.verify(delivery, { brokerTime })
      expect(verified).toMatchObject({ delivery: 'new', takenAt: delivery.takenAt })
    })

    it.each([
      ['the broker’s word doesn’t count', 3600, {}, ['ERR_WIT_EXPIRED', 'ERR_MESSAGE_PROOF_EXPIRED']],
      ['it waited longer than it may', 7300, { brokerTime }, ['ERR_MESSAGE_PROOF_TOO_OLD']],
    ])('are refused: %s', async (_title, seconds, options, codes) => {
      const world = await proofWorld()
      await world.publish()
      const delivery = await next(world.broker)
      world.runtime.advance(seconds)
      expect(codes).toContain(await codeOf(world.verify(delivery, options)))
    })

    it.each([
      ['the proof had expired', 3600, 'ERR_MESSAGE_PROOF_EXPIRED'],
      ['the WIT had ended', 60, 'ERR_WIT_EXPIRED'],
    ])('are refused: %s when the broker took it', async (_title, lifetimeSeconds, code) => {
      // Somebody keeps it back for a while before the broker gets it.
      const world = await proofWorld({ behindSeconds: 200 })
      const { credential } = await world.authority.issueWit(ORDERS, { lifetimeSeconds })
      await world.publish({}, { credential })
      world.runtime.advance(200)
      expect(await codeOf(world.verify(await next(world.broker), { brokerTime }))).toBe(code)
    })

    it('are refused: the broker says that it is to take it only later', async () => {
      const world = await proofWorld({ behindSeconds: 200 })
      await world.publish()
      expect(await codeOf(world.verify(await next(world.broker), { brokerTime }))).toBe('ERR_MESSAGE_PROOF_TAKEN_AT')
    })
  })

  it.skipIf('missing' in redis)('are known again by a consumer that was killed, where instances share what they remember', async () => {
    const shared = await startRedisServer({ options: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    later(() => shared.close())
    const world = await proofWorld({ consumer: { ackWaitSeconds: 0.2 } })
    await world.publish()
    const remembers = async (): Promise<RedisDeliveryStore> => {
      const store = await redisDeliveryStore({ url: shared.url, prefix: 'settlement:' })
      later(() => store.close())
      return store
    }
    const killed = await connect(world.server)
    const before = await next(killed)
    expect(await world.verify(before, { deliveries: await remembers() })).toMatchObject({ delivery: 'new' })
    await killed.close()
    await shared.kill()
    await shared.start()
    await world.server.kill()
    await world.server.start()

    const again = await connect(world.server)
    const deliveries = await remembers()
    const delivery = await next(again)
    expect(delivery.position).toBe(before.position)
    expect(await world.verify(delivery, { deliveries })).toMatchObject({ delivery: 'again' })
    await delivery.acknowledge()
    await again.publish(copyOf(delivery))
    expect(await codeOf(world.verify(await next(again), { deliveries }))).toBe('ERR_MESSAGE_PROOF_REPLAYED')
  })
})

describe('a configuration', () => {
  const verifyWit = (): never => {
    throw new Error('not asked')
  }
  const options: DeliveryVerifierOptions = {
    namespace: NAMESPACE,
    subjects: SUBJECT,
    verifyWit,
    boundFields: [],
    deliveries: inMemoryDeliveryStore({ capacity: 1 }),
  }

  it.each([
    ['a namespace with a path', { namespace: 'shop.example/jobs' }],
    ['an empty namespace', { namespace: '' }],
    ['a namespace in capitals', { namespace: 'Shop' }],
    ['a subject with a wildcard', { subjects: 'settlement.*' }],
    ['a subject with the other wildcard', { subjects: ['settlement.>'] }],
    ['a subject with an empty token', { subjects: 'settlement.' }],
    ['a subject beyond ASCII', { subjects: 'settlément' }],
    ['a subject with a space', { subjects: 'settlement jobs' }],
    ['no subject', { subjects: [] }],
    ['a field of NATS', { boundFields: ['Nats-Msg-Id'] }],
  ])('is refused: %s', async (_title, change) => {
    expect(await codeOf(() => createDeliveryVerifier({ ...options, ...change }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('of any namespace and subjects gives destinations of their own, or is refused', () => {
    const name = fc.oneof(fc.string(), fc.stringMatching(/^[a-z.*>/]{0,6}$/))
    fc.assert(
      fc.property(name, name, name, name, (namespace, subject, otherNamespace, otherSubject) => {
        const [one, other] = [destination(namespace, subject), destination(otherNamespace, otherSubject)]
        if (one !== undefined && one === other) expect([otherNamespace, otherSubject]).toEqual([namespace, subject])
      }),
    )
  })
})

function destination(namespace: string, subject: string): string | undefined {
  try {
    return natsDestination(namespace, subject)
  } catch (error) {
    if (isWimseError(error, 'ERR_OPTIONS_INVALID')) return undefined
    throw error
  }
}

async function managerOf(port: number): Promise<Awaited<ReturnType<typeof jetstreamManager>>> {
  const connection = await connectNats({ servers: `127.0.0.1:${port}` })
  later(() => connection.close())
  return jetstreamManager(connection)
}
