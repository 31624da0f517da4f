import { type FieldLines, formatBase64url, inMemoryDeliveryStore, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMessageProof, type MessageView } from '../src/index.ts'
import { codeOf, createWorld, DESTINATION, forgeJws, messageWith, PAYLOAD, proved, type World } from './support/world.ts'

const CODED = /^ERR_[A-Z0-9_]+$/
let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** Each attempt has a store of its own, so that nothing is refused merely as seen before. */
async function outcome(message: MessageView): Promise<string> {
  return codeOf(world.verify(message, { deliveries: inMemoryDeliveryStore({ capacity: 1 }), boundFields: ['x-bound'] }))
}

async function accepted(): Promise<MessageView> {
  const fields: FieldLines = [
    ['content-type', 'application/json'],
    ['txn-token', 'header.claims.signature'],
    ['x-bound', 'Bearer abc'],
  ]
  const message = messageWith(fields)
  const options = { credential: world.credential, boundFields: ['x-bound'], runtime: world.runtime }
  return { ...message, fields: [...fields, ...(await createMessageProof(message, options))] }
}

describe('a change of an accepted message is refused', () => {
  it('of each character of the WIT and of the proof', async () => {
    const message = await accepted()
    expect(await outcome(message)).toBe('ok')
    for (const [name, value] of message.fields.slice(3)) {
      for (let at = 0; at < value.length; at += 1) {
        const changed = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
        const fields = message.fields.map((line) => (line[0] === name ? ([name, changed] as const) : line))
        expect(await outcome({ ...message, fields }), `${name} at ${at}`).toMatch(CODED)
      }
    }
  })

  it('of each octet of the payload, and of its length', async () => {
    const message = await accepted()
    for (let at = 0; at < PAYLOAD.length; at += 1) {
      const payload = PAYLOAD.map((octet, index) => (index === at ? octet ^ 0x20 : octet))
      expect(await outcome({ ...message, payload })).toBe('ERR_MESSAGE_PROOF_PAYLOAD')
    }
    for (const payload of [PAYLOAD.subarray(1), PAYLOAD.subarray(0, -1), new Uint8Array([...PAYLOAD, 0])]) {
      expect(await outcome({ ...message, payload })).toBe('ERR_MESSAGE_PROOF_PAYLOAD')
    }
  })

  it('of any character of a bound field, and of the destination', async () => {
    const message = await accepted()
    const places = fc.constantFrom('content-type', 'txn-token', 'x-bound', 'destination')
    await fc.assert(
      fc.asyncProperty(places, fc.nat(), fc.integer({ min: 0x21, max: 0xff }), async (place, at, code) => {
        const change = (text: string): string =>
          text.slice(0, at % text.length) + String.fromCharCode(code) + text.slice((at % text.length) + 1)
        const destination = place === 'destination' ? change(DESTINATION) : DESTINATION
        const fields = message.fields.map(([name, value]) => [name, name === place ? change(value) : value] as const)
        fc.pre(JSON.stringify([destination, fields]) !== JSON.stringify([DESTINATION, message.fields]))
        expect(await outcome({ ...message, destination, fields })).toMatch(CODED)
      }),
      { numRuns: 300 },
    )
  })

  it('of which lines there are: each one removed, or there twice', async () => {
    const message = await accepted()
    for (const [index, line] of message.fields.entries()) {
      expect(await outcome({ ...message, fields: message.fields.toSpliced(index, 1) })).toMatch(CODED)
      expect(await outcome({ ...message, fields: [...message.fields, line] })).toMatch(CODED)
      expect(await outcome({ ...message, fields: [...message.fields, [line[0].toUpperCase(), line[1]]] })).toMatch(CODED)
    }
  })
})

describe('arbitrary input ends in a coded error', () => {
  it('as fields, destination and payload', async () => {
    const name = fc.constantFrom('wimse-ts-message-proof', 'workload-identity-token', 'Txn-Token', 'content-type', 'x-bound', 'x')
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(world.credential.token))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value)), fc.string(), fc.uint8Array(), async (fields, destination, payload) => {
        expect(await outcome(messageWith(fields, { destination, payload }))).toMatch(CODED)
      }),
      { numRuns: 300 },
    )
  })

  it('as three parts', async () => {
    const shaped = fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map((part) => formatBase64url(utf8(part))).join('.'))
    await fc.assert(
      fc.asyncProperty(shaped, async (token) => {
        expect(await outcome(proved(world, token))).toMatch(CODED)
      }),
    )
  })

  it('as any one member of a proof that is signed by the right key', async () => {
    const members = ['typ', 'alg', 'kid'].map((name) => `header.${name}`)
    members.push(...['aud', 'iat', 'exp', 'jti', 'wth', 'tth', 'wimse_ts_msg'].map((name) => `claims.${name}`))
    members.push(...['payload', 'content_type', 'fields', 'other'].map((name) => `message.${name}`))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...members),
        fc.jsonValue(),
        fc.dictionary(fc.string(), fc.jsonValue()),
        async (path, value, claims) => {
          const [place = '', member = ''] = path.split('.')
          expect(await outcome(proved(world, await world.forge({ [place]: { [member]: value } })))).toMatch(/^(?:ok|ERR_[A-Z0-9_]+)$/)
          const other = await forgeJws({ typ: 'wimse-ts-message-proof+jwt', alg: 'ES256' }, claims, world.credential.signer)
          expect(await outcome(proved(world, other))).toMatch(CODED)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('as a message of a sender', async () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.constantFrom('content-type', 'txn-token', 'x-bound'))
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.tuple(text, text)), fc.array(text), async (destination, fields, boundFields) => {
        const made = createMessageProof(messageWith(fields, { destination }), {
          credential: world.credential,
          boundFields,
          runtime: world.runtime,
        })
        expect(await codeOf(made)).toMatch(/^(?:ok|ERR_OPTIONS_INVALID)$/)
      }),
    )
  })
})

it('what is created verifies to what was asked for', async () => {
  const visible = fc.stringMatching(/^[!-~](?:[ -~]{0,30}[!-~])?$/)
  const name = fc.stringMatching(/^x-[a-z0-9]{1,10}$/)
  const destination = fc.stringMatching(/^[a-z]{1,8}:[!-~]{1,40}$/)
  await fc.assert(
    fc.asyncProperty(destination, fc.dictionary(name, visible), visible, fc.uint8Array(), async (to, bound, type, payload) => {
      const fields: FieldLines = [['content-type', type], ...Object.entries(bound)]
      const boundFields = Object.keys(bound)
      const message = messageWith(fields, { destination: to, payload })
      const lines = await createMessageProof(message, { credential: world.credential, boundFields, runtime: world.runtime })
      const verified = await world.verify({ ...message, fields: [...fields, ...lines] }, { destinations: to, boundFields })
      expect(verified).toMatchObject({ destination: to, contentType: type, identifier: world.credential.identifier })
      expect(Object.keys(verified.boundFields).toSorted()).toEqual(boundFields.toSorted())
    }),
  )
})
