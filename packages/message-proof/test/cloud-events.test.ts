import { utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  binaryCloudEvent,
  type CloudEvent,
  cloudEventFields,
  cloudEventOf,
  createMessageProof,
  type MessageView,
  structuredCloudEvent,
  type VerifiedMessage,
} from '../src/index.ts'
import { codeOf, createWorld, DESTINATION, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const attributes = { id: '1', source: '/orders', type: 'shop.order.settled', specversion: '1.0' }
const event: CloudEvent = {
  attributes: {
    ...attributes,
    subject: 'order 4711 – "new" 100 %',
    time: '2026-11-30T12:00:00Z',
    datacontenttype: 'application/json',
    priority: 'high',
  },
  data: utf8('{"order":"4711"}'),
}
const boundFields = cloudEventFields(['priority'])

async function send(message: MessageView): Promise<MessageView> {
  const lines = await createMessageProof(message, { credential: world.credential, boundFields, runtime: world.runtime })
  return { ...message, fields: [...message.fields, ...lines] }
}

describe('an event in binary mode', () => {
  it('is what the bindings for HTTP and NATS say', () => {
    expect(binaryCloudEvent(event, DESTINATION)).toEqual({
      kind: 'message',
      destination: DESTINATION,
      fields: [
        ['content-type', 'application/json'],
        ['ce-id', '1'],
        ['ce-source', '/orders'],
        ['ce-type', 'shop.order.settled'],
        ['ce-specversion', '1.0'],
        ['ce-subject', 'order%204711%20%E2%80%93%20%22new%22%20100%20%25'],
        ['ce-time', '2026-11-30T12:00:00Z'],
        ['ce-priority', 'high'],
      ],
      payload: event.data,
    })
  })

  it('comes back as it was sent', async () => {
    const verified = await world.verify(await send(binaryCloudEvent(event, DESTINATION)), { boundFields })
    expect(cloudEventOf(verified)).toEqual(event)
  })

  it('attributes that nobody declared are not in it', async () => {
    const sent = await send(binaryCloudEvent(event, DESTINATION))
    const verified = await world.verify({ ...sent, fields: [...sent.fields, ['ce-approved', 'true']] }, { boundFields })
    expect(cloudEventOf(verified)).toEqual(event)
  })

  const attacks: readonly (readonly [title: string, code: string, change: (message: MessageView) => MessageView])[] = [
    ['another id', 'ERR_MESSAGE_PROOF_FIELD', (m) => ({ ...m, fields: m.fields.map(([n, v]) => [n, n === 'ce-id' ? '2' : v]) })],
    ['no subject any more', 'ERR_MESSAGE_PROOF_FIELD', (m) => ({ ...m, fields: m.fields.filter(([n]) => n !== 'ce-subject') })],
    ['a schema that was added', 'ERR_MESSAGE_PROOF_FIELD_MISSING', (m) => ({ ...m, fields: [...m.fields, ['ce-dataschema', 'a:b']] })],
    ['a second type', 'ERR_MESSAGE_PROOF_FIELD_REPEATED', (m) => ({ ...m, fields: [...m.fields, ['CE-Type', 'shop.order.settled']] })],
    [
      'another mode',
      'ERR_MESSAGE_PROOF_CONTENT_TYPE',
      (m) => ({ ...m, fields: m.fields.map(([n, v]) => [n, n === 'content-type' ? 'application/cloudevents+json' : v]) }),
    ],
    ['other data', 'ERR_MESSAGE_PROOF_PAYLOAD', (m) => ({ ...m, payload: utf8('{}') })],
  ]
  it.each(attacks)('is refused with %s', async (_title, code, change) => {
    expect(await codeOf(world.verify(change(await send(binaryCloudEvent(event, DESTINATION))), { boundFields }))).toBe(code)
  })

  it.each([
    ['without id', { ...attributes, id: '' }],
    ['without source', { id: '1', type: 'a', specversion: '1.0' }],
    ['of another version', { ...attributes, specversion: '0.3' }],
    ['with a name that is none', { ...attributes, 'x-y': 'a' }],
    ['with half a character', { ...attributes, subject: '\ud800' }],
  ])('is not made %s', async (_title, wrong) => {
    expect(await codeOf(() => binaryCloudEvent({ attributes: wrong, data: event.data }, DESTINATION))).toBe('ERR_OPTIONS_INVALID')
  })

  it('names of extensions are names of attributes', async () => {
    expect(cloudEventFields()).not.toContain('ce-priority')
    expect(await codeOf(() => cloudEventFields(['ce-priority']))).toBe('ERR_OPTIONS_INVALID')
  })

  it('any attribute comes back as it was sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.uint8Array(), async (subject, data) => {
        fc.pre(subject.isWellFormed())
        const made = { attributes: { ...attributes, subject }, data }
        const verified = await world.verify(await send(binaryCloudEvent(made, DESTINATION)), { boundFields })
        expect(cloudEventOf(verified)).toEqual(made)
      }),
      { numRuns: 50 },
    )
  })
})

describe('an event in structured mode', () => {
  async function receive(json: string): Promise<VerifiedMessage> {
    return world.verify(await send(structuredCloudEvent(utf8(json), DESTINATION)), { boundFields })
  }

  const data: readonly (readonly [title: string, members: Record<string, unknown>, data: string])[] = [
    ['JSON', { data: { order: '4711' } }, '{"order":"4711"}'],
    ['a text that is JSON', { data: 'a' }, '"a"'],
    ['a text that is none', { datacontenttype: 'text/plain', data: 'a' }, 'a'],
    ['a text of a type that is JSON', { datacontenttype: 'application/a+json; a=b', data: 'a' }, '"a"'],
    ['Base64', { data_base64: '/+8=' }, '\u00ff\u00ef'],
    ['nothing', {}, ''],
    ['null', { data: null }, 'null'],
  ]
  it.each(data)('has data: %s', async (_title, members, expected) => {
    const { attributes: found, data: octets } = cloudEventOf(await receive(JSON.stringify({ ...attributes, ...members })))
    const isBase64 = 'data_base64' in members
    expect(isBase64 ? Buffer.from(octets).toString('latin1') : new TextDecoder().decode(octets)).toBe(expected)
    expect(found).toMatchObject(attributes)
  })

  it('has attributes as text, and takes none from the fields', async () => {
    const sent = await send(
      structuredCloudEvent(utf8(JSON.stringify({ ...attributes, count: 3, urgent: true, subject: null })), DESTINATION),
    )
    const verified = await world.verify({ ...sent, fields: [...sent.fields, ['ce-approved', 'true']] }, { boundFields })
    expect(cloudEventOf(verified).attributes).toEqual({ ...attributes, count: '3', urgent: 'true' })
  })

  it.each([
    ['what is no JSON', 'x'],
    ['a list', '[]'],
    ['a member twice', '{"id":"1","id":"2","source":"/a","type":"a","specversion":"1.0"}'],
    ['no id', JSON.stringify({ ...attributes, id: undefined })],
    ['another version', JSON.stringify({ ...attributes, specversion: '0.3' })],
    ['an attribute that is an object', JSON.stringify({ ...attributes, subject: {} })],
    ['a name that is none', JSON.stringify({ ...attributes, 'x-y': 'a' })],
    ['two kinds of data', JSON.stringify({ ...attributes, data: 1, data_base64: '' })],
    ['Base64 that is none', JSON.stringify({ ...attributes, data_base64: 'a' })],
  ])('is refused: %s', async (_title, json) => {
    const verified = await receive(json)
    expect(await codeOf(() => cloudEventOf(verified))).toBe('ERR_MESSAGE_MALFORMED')
  })

  it.each(['application/cloudevents-batch+json', 'application/cloudevents+avro', 'application/cloudevents'])(
    'is refused as %s',
    async (type) => {
      const message = { ...structuredCloudEvent(utf8(JSON.stringify(attributes)), DESTINATION), fields: [['content-type', type]] as const }
      const verified = await world.verify(await send(message), { boundFields })
      expect(await codeOf(() => cloudEventOf(verified))).toBe('ERR_MESSAGE_MALFORMED')
    },
  )

  it('is refused with one octet changed', async () => {
    const sent = await send(structuredCloudEvent(utf8(JSON.stringify(attributes)), DESTINATION))
    for (let at = 0; at < sent.payload.length; at += 1) {
      const payload = sent.payload.map((octet, index) => (index === at ? octet ^ 1 : octet))
      expect(await codeOf(world.verify({ ...sent, payload }, { boundFields }))).toBe('ERR_MESSAGE_PROOF_PAYLOAD')
    }
  })
})
