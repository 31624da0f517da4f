import { connect as connectNats } from '@nats-io/transport-node'
import { utf8 } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { natsBroker } from '../src/index.ts'
import { codeOf, connect, DEAD, later, message, missing, nats, next, publishRaw, SOURCE, SUBJECT, settlement, text } from './support.ts'

describe.skipIf(missing !== undefined)(`messages of JetStream${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('come with what the broker says of them, and with repeated fields apart', async () => {
    const { broker } = await settlement()
    const before = Date.now() / 1000
    const fields = [
      ['content-type', 'text/plain'],
      ['note', 'one'],
      ['Note', 'two'],
      ['note', 'three'],
      ['empty', ''],
      ['wide', 'ü €'],
    ] as const
    const payload = Uint8Array.from({ length: 256 }, (_, index) => index)
    expect(await broker.publish({ subject: SUBJECT, fields, payload })).toEqual({ position: 'SETTLEMENT:1', duplicate: false })
    const delivery = await next(broker)
    expect(delivery).toMatchObject({ subject: SUBJECT, stream: 'SETTLEMENT', sequence: 1, position: 'SETTLEMENT:1', deliveries: 1 })
    expect(delivery.payload).toEqual(payload)
    // Grouped by name as it is written: NATS keeps the case of names.
    expect(delivery.fields?.toSorted()).toEqual(fields.toSorted())
    expect(delivery.fields?.filter(([name]) => name === 'note')).toEqual([
      ['note', 'one'],
      ['note', 'three'],
    ])
    // One machine, one clock.
    expect(delivery.takenAt).toBeGreaterThan(before - 1)
    expect(delivery.takenAt).toBeLessThan(Date.now() / 1000 + 1)
    await delivery.acknowledge()
  })

  it('without any field have none', async () => {
    const { broker, server } = await settlement()
    const raw = await connectNats({ servers: `127.0.0.1:${server.port}` })
    later(() => raw.close())
    raw.publish(SUBJECT, utf8('bare'))
    await raw.flush()
    expect(await next(broker)).toMatchObject({ fields: [], payload: utf8('bare') })
  })

  it('that are acknowledged don’t come again, and those that aren’t do', async () => {
    const { broker } = await settlement({ consumer: { ackWaitSeconds: 0.2 } })
    await broker.publish(message('first'))
    await broker.publish(message('second'))
    const first = await next(broker)
    await first.acknowledge()
    const second = await next(broker)
    expect([first, second].map(({ payload }) => text(payload))).toEqual(['first', 'second'])
    const again = await next(broker)
    expect(again).toMatchObject({ position: second.position, deliveries: 2, takenAt: second.takenAt })
    await again.acknowledge()
  })

  it('come again after a pause where told, those behind them meanwhile', async () => {
    const { broker } = await settlement()
    await broker.publish(message('later'))
    await broker.publish(message('now'))
    const first = await next(broker)
    first.retryAfter(100)
    const second = await next(broker)
    expect(text(second.payload)).toBe('now')
    await second.acknowledge()
    const retried = await next(broker)
    expect(retried).toMatchObject({ position: first.position, deliveries: 2 })
  })

  it('are settled once: the first one counts', async () => {
    const { broker } = await settlement()
    await broker.publish(message())
    const delivery = await next(broker)
    delivery.retryAfter(50)
    await delivery.acknowledge()
    const again = await next(broker)
    expect(again.position).toBe(delivery.position)
    await again.acknowledge()
  })

  it('stay with who says that it is still at it', async () => {
    const { broker } = await settlement({ consumer: { ackWaitSeconds: 0.3 } })
    await broker.publish(message('long'))
    const delivery = await next(broker)
    const beat = setInterval(() => delivery.stillWorking(), 100)
    later(() => clearInterval(beat))
    const other = next(broker)
    const elapsed = new Promise((resolve) => setTimeout(resolve, 600, 'nobody'))
    expect(await Promise.race([other, elapsed])).toBe('nobody')
    await delivery.acknowledge()
    await broker.publish(message('next'))
    expect(text((await other).payload)).toBe('next')
  })

  it('of one id are stored once', async () => {
    const { broker } = await settlement()
    expect(await broker.publish(message('a', 'job-1'))).toEqual({ position: 'SETTLEMENT:1', duplicate: false })
    expect(await broker.publish(message('b', 'job-1'))).toEqual({ position: 'SETTLEMENT:1', duplicate: true })
    expect(await broker.publish(message('c', 'job-2'))).toEqual({ position: 'SETTLEMENT:2', duplicate: false })
    expect((await next(broker)).fields).toEqual([['Nats-Msg-Id', 'job-1']])
  })

  it('that nobody can handle are buried with the reason, without tokens, and block nobody', async () => {
    const { broker } = await settlement()
    await broker.publish({
      subject: SUBJECT,
      id: 'job-1',
      fields: [
        ['Content-Type', 'application/json'],
        ['ce-id', '1'],
        ['workload-identity-token', 'secret'],
        ['deferred-grant', 'secret'],
        ['wimse-ts-reason', 'ERR_FORGED'],
      ],
      payload: utf8('poison'),
    })
    await broker.publish(message('next'))
    await (await next(broker)).bury('ERR_MESSAGE_MALFORMED')
    expect(text((await next(broker)).payload)).toBe('next')
    const letter = await next(broker, { stream: 'DEAD', consumer: 'reader' })
    expect(letter.subject).toBe(DEAD)
    expect(text(letter.payload)).toBe('poison')
    expect(letter.fields).toEqual([
      ['Content-Type', 'application/json'],
      ['ce-id', '1'],
      ['wimse-ts-reason', 'ERR_MESSAGE_MALFORMED'],
      ['wimse-ts-subject', SUBJECT],
      ['wimse-ts-position', 'SETTLEMENT:1'],
      ['wimse-ts-deliveries', '1'],
      ['Nats-Msg-Id', 'dead:SETTLEMENT:1'],
    ])
  })

  it('that are buried twice leave one dead letter', async () => {
    const { broker } = await settlement({ consumer: { ackWaitSeconds: 0.2 } })
    await broker.publish(message('poison'))
    const first = await next(broker)
    const second = await next(broker)
    await second.bury('ERR_A')
    await first.bury('ERR_B')
    await broker.publish({ ...message('marker'), subject: DEAD })
    const source = { stream: 'DEAD', consumer: 'reader' }
    const letters = [await next(broker, source), await next(broker, source)]
    expect(letters.map(({ payload }) => text(payload))).toEqual(['poison', 'marker'])
  })

  it('are not ended when the dead letter isn’t taken', async () => {
    const { broker } = await settlement({ consumer: { ackWaitSeconds: 0.2 } })
    await broker.publish(message('poison'))
    for await (const delivery of await broker.deliveries({ ...SOURCE, deadLetterSubject: 'nobody.stores' })) {
      expect(await codeOf(delivery.bury('ERR_A'))).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
      break
    }
    expect((await next(broker)).position).toBe('SETTLEMENT:1')
  })

  it('a reason that is no code isn’t passed on', async () => {
    const { broker } = await settlement()
    await broker.publish(message('poison'))
    await (await next(broker)).bury('a token\r\nnats-rollup: all')
    expect((await next(broker, { stream: 'DEAD', consumer: 'reader' })).fields?.[0]).toEqual(['wimse-ts-reason', 'unknown'])
  })

  it.each([
    ['a subject with a wildcard', { subject: 'settlement.*' }, 'ERR_OPTIONS_INVALID'],
    ['a subject with an empty token', { subject: 'settlement..jobs' }, 'ERR_OPTIONS_INVALID'],
    ['a subject with a line end', { subject: 'settlement.jobs 1\r\nPUB x' }, 'ERR_OPTIONS_INVALID'],
    ['no subject', { subject: '' }, 'ERR_OPTIONS_INVALID'],
    ['a field of NATS', { fields: [['nats-rollup', 'all']] }, 'ERR_OPTIONS_INVALID'],
    ['a value with a line end', { fields: [['note', 'a\r\nNats-Rollup: all']] }, 'ERR_OPTIONS_INVALID'],
    ['a name with a colon', { fields: [['note:', 'a']] }, 'ERR_OPTIONS_INVALID'],
    ['a subject that no stream takes', { subject: 'nobody.stores' }, 'ERR_MESSAGE_BROKER_UNAVAILABLE'],
    ['more than the server takes', { payload: new Uint8Array(1_100_000) }, 'ERR_OPTIONS_INVALID'],
  ] as const)('are not sent: %s', async (_title, change, code) => {
    const { broker } = await settlement()
    expect(await codeOf(broker.publish({ ...message(), ...change }))).toBe(code)
    // The connection is still of use.
    expect(await broker.publish(message())).toMatchObject({ duplicate: false })
  })

  it('in streams and consumers that are declared again are the same ones, and a different declaration is refused', async () => {
    const { broker } = await settlement()
    await broker.publish(message())
    await broker.declareStream({ name: 'SETTLEMENT', subjects: [SUBJECT], workQueue: true })
    await broker.declareConsumer({ stream: 'SETTLEMENT', name: 'worker' })
    expect((await next(broker)).position).toBe('SETTLEMENT:1')
    expect(await codeOf(broker.declareStream({ name: 'SETTLEMENT', subjects: ['other'] }))).toBe('ERR_MESSAGE_BROKER_REFUSED')
    expect(await codeOf(broker.declareConsumer({ stream: 'NONE', name: 'worker' }))).toBe('ERR_MESSAGE_BROKER_REFUSED')
    expect(await codeOf(broker.deliveries({ stream: 'SETTLEMENT', consumer: 'none' }))).toBe('ERR_MESSAGE_BROKER_REFUSED')
    expect(await codeOf(broker.deliveries({ ...SOURCE, prefetch: 0 }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('aren’t given out beyond what may be unsettled', async () => {
    const { broker } = await settlement({ consumer: { maxAckPending: 1 } })
    await broker.publish(message('first'))
    await broker.publish(message('second'))
    const first = await next(broker)
    const second = next(broker)
    const elapsed = new Promise((resolve) => setTimeout(resolve, 300, 'nobody'))
    expect(await Promise.race([second, elapsed])).toBe('nobody')
    await first.acknowledge()
    expect(text((await second).payload)).toBe('second')
  })

  it('survive a server that is killed, and so does whoever waits for them', async () => {
    const { server, broker } = await settlement({ consumer: { ackWaitSeconds: 0.2 }, options: { timeoutMs: 300 } })
    await broker.publish(message('before'))
    const seen: string[] = []
    const deliveries = await broker.deliveries(SOURCE)
    for await (const delivery of deliveries) {
      seen.push(text(delivery.payload))
      await delivery.acknowledge()
      if (seen.length === 2) break
      await server.kill()
      await server.start()
      await settleOnce(() => broker.publish(message('after')))
    }
    expect(seen).toEqual(['before', 'after'])
  })

  it('end with an error when their consumer or the connection is gone, and without one when stopped', async () => {
    const { server, broker } = await settlement()
    const other = await connect(server)
    const ended = codeOf(drain(await other.deliveries(SOURCE)))
    await other.close()
    expect(await ended).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
    const deliveries = await broker.deliveries(SOURCE)
    const stopped = codeOf(drain(deliveries))
    deliveries.stop()
    expect(await stopped).toBeUndefined()
  })

  it.each([
    ['stopped', false],
    ['left', true],
  ])('that were fetched and not taken go back when their loop is %s', async (_title, leave) => {
    const { broker } = await settlement()
    for (const payload of ['first', 'second', 'third']) await broker.publish(message(payload))
    const deliveries = await broker.deliveries(SOURCE)
    for await (const delivery of deliveries) {
      await delivery.acknowledge()
      if (leave) break
      deliveries.stop()
    }
    const rest = [await next(broker), await next(broker)]
    expect(rest.map(({ payload }) => text(payload)).toSorted()).toEqual(['second', 'third'])
  })

  it('a header block that is malformed is told, and the message can be buried', async () => {
    const { broker, server } = await settlement()
    await publishRaw(server.port, SUBJECT, 'NATS/1.0\r\nnote : a\r\n\r\n', 'poison')
    const delivery = await next(broker)
    expect(delivery.fields).toBeUndefined()
    await delivery.bury('ERR_MESSAGE_MALFORMED')
    expect(text((await next(broker, { stream: 'DEAD', consumer: 'reader' })).payload)).toBe('poison')
  })

  it('a server without JetStream is unavailable', async () => {
    const connection = await connectNats({ servers: `127.0.0.1:${(await nats()).port}` })
    later(() => connection.close())
    const broker = natsBroker(connection, { timeoutMs: 500 })
    expect(await codeOf(broker.publish(message()))).toBe('ERR_MESSAGE_BROKER_UNAVAILABLE')
  })
})

async function drain(deliveries: AsyncIterable<unknown>): Promise<void> {
  for await (const _delivery of deliveries);
}

/** Asks until the broker is there again. */
async function settleOnce(step: () => Promise<unknown>): Promise<void> {
  while ((await codeOf(step())) === 'ERR_MESSAGE_BROKER_UNAVAILABLE') await new Promise((resolve) => setImmediate(resolve))
}
