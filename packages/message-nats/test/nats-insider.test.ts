import { describe, expect, it } from 'vitest'
import { openNatsInsider } from '../src/testing.ts'
import { DEAD, later, message, missing, next, SOURCE, SUBJECT, settlement, text } from './support.ts'

describe.skipIf(missing !== undefined)(`somebody who is in the broker${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('sees what lies there, takes it away, and puts other things there', async () => {
    const { broker, server } = await settlement()
    const insider = await openNatsInsider(server.url)
    later(() => insider.close())
    expect([await insider.look('SETTLEMENT'), await insider.look('NONE')]).toEqual([[], []])

    await broker.publish({ ...message('first'), fields: [['note', 'one']] })
    await broker.publish(message('second'))
    const lying = await insider.look('SETTLEMENT')
    expect(lying.map(({ subject, sequence, fields, payload }) => [subject, sequence, fields, text(payload)])).toEqual([
      [SUBJECT, 1, [['note', 'one']], 'first'],
      [SUBJECT, 2, [], 'second'],
    ])
    expect((await insider.look('SETTLEMENT', 2)).map(({ sequence }) => sequence)).toEqual([2])
    expect(await insider.look('SETTLEMENT', 3)).toEqual([])
    expect(await insider.waiting(SOURCE.stream, SOURCE.consumer)).toBe(2)

    await insider.take('SETTLEMENT', 1)
    expect(await insider.put({ ...message('third'), subject: DEAD })).toBe(1)
    const delivery = await next(broker)
    expect(text(delivery.payload)).toBe('second')
    expect(await insider.waiting(SOURCE.stream, SOURCE.consumer)).toBe(1)
    await delivery.acknowledge()
    expect(await insider.waiting(SOURCE.stream, SOURCE.consumer)).toBe(0)
    expect(await insider.taken('SETTLEMENT')).toBe(2)
    expect((await insider.look('DEAD')).map(({ payload }) => text(payload))).toEqual(['third'])
  })
})
