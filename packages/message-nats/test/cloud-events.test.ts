import { utf8 } from '@wimse/core'
import { binaryCloudEvent, type CloudEvent, cloudEventFields, cloudEventOf, structuredCloudEvent } from '@wimse/message-proof'
import { describe, expect, it } from 'vitest'
import { natsDestination } from '../src/index.ts'
import { copyOf, NAMESPACE, proofWorld, withField, withoutNats } from './proof-world.ts'
import { codeOf, missing, next, SUBJECT } from './support.ts'

const destination = natsDestination(NAMESPACE, SUBJECT)
const boundFields = cloudEventFields(['tenant'])
const event: CloudEvent = {
  attributes: {
    id: '1',
    source: '/orders',
    type: 'example.shop.settle',
    specversion: '1.0',
    subject: 'order 4711 über €',
    time: '2030-01-01T00:00:00Z',
    tenant: 'a',
    datacontenttype: 'application/json',
  },
  data: utf8('{"amount":10}'),
}

describe.skipIf(missing !== undefined)(`CloudEvents over JetStream${missing === undefined ? '' : ` (${missing})`}`, () => {
  it('in binary mode come as they were sent, attributes authenticated', async () => {
    const world = await proofWorld()
    const { fields, payload } = binaryCloudEvent(event, destination)
    await world.publish({ fields, payload }, { boundFields })
    const received = cloudEventOf(await world.verify(await next(world.broker), { boundFields }))
    expect(received.attributes).toEqual(event.attributes)
    expect(received.data).toEqual(event.data)
  })

  it('in structured mode come whole', async () => {
    const world = await proofWorld()
    const { fields, payload } = structuredCloudEvent(utf8(JSON.stringify({ ...event.attributes, data: { amount: 10 } })), destination)
    await world.publish({ fields, payload }, { boundFields })
    const received = cloudEventOf(await world.verify(await next(world.broker), { boundFields }))
    expect(received.attributes).toEqual(event.attributes)
  })

  it.each([
    ['the type changed', 'ERR_MESSAGE_PROOF_FIELD', 'ce-type', ['example.shop.refund']],
    ['the source removed', 'ERR_MESSAGE_PROOF_FIELD', 'ce-source', []],
    ['the id doubled', 'ERR_MESSAGE_PROOF_FIELD_REPEATED', 'ce-id', ['1', '1']],
    ['an attribute added', 'ERR_MESSAGE_PROOF_FIELD_MISSING', 'ce-dataschema', ['https://shop.example/other']],
    ['an extension that is used, changed', 'ERR_MESSAGE_PROOF_FIELD', 'ce-tenant', ['b']],
    ['turned into structured mode', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', 'content-type', ['application/cloudevents+json']],
  ])('in binary mode are refused with %s', async (_title, code, name, values) => {
    const world = await proofWorld()
    const message = binaryCloudEvent(event, destination)
    await world.publish({ fields: message.fields, payload: message.payload }, { boundFields })
    const delivery = await next(world.broker)
    await world.broker.publish(copyOf(delivery, { fields: withField(withoutNats(delivery.fields ?? []), name, ...values) }))
    expect(await codeOf(world.verify(await next(world.broker), { boundFields }))).toBe(code)
  })
})
