import type { OutgoingHttpHeaders } from 'node:http2'
import { toBinary } from '@bufbuild/protobuf'
import { StringValueSchema } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Tampering } from './support/proxy.ts'
import { createWorld, outcome, sending, type World, wordsOf } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

type Messages = NonNullable<Tampering['messages']>

/** A change of the messages of a request, all of which are there before the first is passed on. */
function rearranged(change: (messages: Uint8Array[]) => readonly Uint8Array[]): Messages {
  return async function* (messages) {
    const all: Uint8Array[] = []
    for await (const message of messages) all.push(message)
    yield* change(all)
  }
}

const withField =
  (name: string, value: string | readonly string[] | undefined): NonNullable<Tampering['request']> =>
  (headers) => ({ ...headers, [name]: typeof value === 'object' ? [...value] : value })
const doubled =
  (name: string): NonNullable<Tampering['request']> =>
  (headers) => ({ ...headers, [name]: [String(headers[name]), String(headers[name])] })
const without =
  (name: string): NonNullable<Tampering['request']> =>
  (headers) =>
    Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name))
const other = new Uint8Array(toBinary(StringValueSchema, { $typeName: 'google.protobuf.StringValue', value: 'pay mallory' }))

describe('a call of one message is refused, and reaches nobody', () => {
  const rows: readonly (readonly [title: string, code: string, tampering: Tampering])[] = [
    ['with another message', 'ERR_MESSAGE_PROOF_PAYLOAD', { messages: rearranged(() => [other]) }],
    ['with a changed octet', 'ERR_MESSAGE_PROOF_PAYLOAD', { messages: rearranged(([first = other]) => [first.with(-1, 1)]) }],
    ['with a second message', 'ERR_MESSAGE_MALFORMED', { messages: rearranged((all) => [...all, other]) }],
    ['without its message', 'ERR_MESSAGE_MALFORMED', { messages: rearranged(() => []) }],
    ['at another method', 'ERR_MESSAGE_PROOF_DESTINATION', { request: withField(':path', '/shop.echo.Echo/Whisper') }],
    ['at a method that takes a stream', 'ERR_MESSAGE_PROOF_DESTINATION', { request: withField(':path', '/shop.echo.Echo/Collect') }],
    ['without its proof', 'ERR_MESSAGE_PROOF_COUNT', { request: without('wimse-ts-message-proof') }],
    ['without its WIT', 'ERR_WIT_MISSING', { request: without('workload-identity-token') }],
    ['with its proof twice', 'ERR_MESSAGE_PROOF_COUNT', { request: doubled('wimse-ts-message-proof') }],
    ['with its WIT twice', 'ERR_WIT_HEADER_COUNT', { request: doubled('workload-identity-token') }],
    ['with another content type', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', { request: withField('content-type', 'application/grpc') }],
    ['with a transaction token', 'ERR_MESSAGE_PROOF_TTH_MISSING', { request: withField('txn-token', 'a.b.c') }],
    ['asking for a proved response', 'ERR_MESSAGE_PROOF_FIELD_MISSING', { request: withField('wimse-ts-prove-response', '1') }],
  ]
  it.each(rows)('%s', async (_title, code, tampering) => {
    world.proxy.tampering = tampering
    expect(await outcome(world.client.say({ value: 'hello' }))).toBe(code)
    expect(world.calls).toHaveLength(0)
    expect(world.refusals).toMatchObject([{ code }])
  })

  it('under another host name it is the same call: only the configuration decides', async () => {
    world.proxy.tampering = { request: withField(':authority', 'mallory.example') }
    expect(await outcome(world.client.say({ value: 'hello' }))).toBe('hello')
  })

  it('a second time, as it was', async () => {
    let seen: OutgoingHttpHeaders | undefined
    world.proxy.tampering = { request: (headers) => (seen ??= headers) }
    expect(await outcome(world.client.say({ value: 'hello' }))).toBe('hello')
    expect(await outcome(world.client.say({ value: 'hello' }))).toBe('ERR_MESSAGE_PROOF_REPLAYED')
    expect(world.calls).toHaveLength(1)
  })

  it('later than its proof lives', async () => {
    world.proxy.tampering = {
      request: (headers) => {
        world.runtime.advance(91)
        return headers
      },
    }
    expect(await outcome(world.client.say({ value: 'hello' }))).toBe('ERR_MESSAGE_PROOF_EXPIRED')
  })

  it.each(['/shop.echo.Echo/Nothing', '/shop.echo.Echo/Say?a=1', '/'])('at %s, where nothing is served', async (path) => {
    world.proxy.tampering = { request: withField(':path', path) }
    expect(await outcome(world.client.say({ value: 'hello' }))).toMatch(/unimplemented/)
    expect(world.calls).toHaveLength(0)
  })

  it('by another protocol than gRPC', async () => {
    for (const type of ['application/json', 'application/proto', 'application/grpc-web+proto', 'application/connect+proto']) {
      world.proxy.tampering = { request: withField('content-type', type) }
      expect(await outcome(world.client.say({ value: 'hello' }))).toMatch(/unknown|ERR_/)
    }
    expect(world.calls).toHaveLength(0)
  })
})

describe('metadata', () => {
  it('that is declared is bound, and nothing of it can be changed', async () => {
    await world.close()
    world = await createWorld({ server: { boundFields: ['x-tenant'] } })
    const client = world.connect({ boundFields: ['X-Tenant'] })
    const say = (): Promise<string> => outcome(client.say({ value: 'hello' }, { headers: { 'x-tenant': 'shop' } }))
    expect(await say()).toBe('hello')
    expect(world.calls[0]?.boundFields).toHaveProperty('x-tenant')
    const rows: readonly (readonly [code: string, request: NonNullable<Tampering['request']>])[] = [
      ['ERR_MESSAGE_PROOF_FIELD', withField('x-tenant', 'bank')],
      ['ERR_MESSAGE_PROOF_FIELD', without('x-tenant')],
      ['ERR_MESSAGE_PROOF_FIELD_REPEATED', doubled('x-tenant')],
    ]
    for (const [code, request] of rows) {
      world.proxy.tampering = { request }
      expect(await say()).toBe(code)
    }
    world.proxy.tampering = { request: withField('x-tenant', 'bank') }
    expect(await outcome(client.say({ value: 'hello' }))).toBe('ERR_MESSAGE_PROOF_FIELD_MISSING')
  })
})

describe('a stream of requests is refused', () => {
  const words = ['a', 'b', 'c']
  const swapped = ([first = other, second = other, ...rest]: readonly Uint8Array[]): readonly Uint8Array[] => [second, first, ...rest]
  const rows: readonly (readonly [title: string, code: string, read: readonly string[], tampering: Tampering])[] = [
    ['without its first message', 'ERR_MESSAGE_PROOF_SEQUENCE', [], { messages: rearranged((all) => all.slice(1)) }],
    ['without one in the middle', 'ERR_MESSAGE_PROOF_SEQUENCE', ['a'], { messages: rearranged((all) => all.toSpliced(1, 1)) }],
    ['without the last one', 'ERR_MESSAGE_PROOF_SEQUENCE', ['a', 'b'], { messages: rearranged((all) => all.toSpliced(2, 1)) }],
    ['without its end', 'ERR_MESSAGE_PROOF_TRUNCATED', words, { messages: rearranged((all) => all.slice(0, -1)) }],
    ['cut off after a message', 'ERR_MESSAGE_PROOF_TRUNCATED', ['a'], { messages: rearranged((all) => all.slice(0, 1)) }],
    ['cut off before any message', 'ERR_MESSAGE_PROOF_TRUNCATED', [], { messages: rearranged(() => []) }],
    ['in another order', 'ERR_MESSAGE_PROOF_SEQUENCE', [], { messages: rearranged(swapped) }],
    [
      'with a message twice',
      'ERR_MESSAGE_PROOF_SEQUENCE',
      ['a'],
      { messages: rearranged((all) => all.toSpliced(1, 0, ...all.slice(0, 1))) },
    ],
    ['with a message after the end', 'ERR_MESSAGE_PROOF_SEQUENCE', words, { messages: rearranged((all) => [...all, ...all.slice(2, 3)]) }],
    ['with its end twice', 'ERR_MESSAGE_PROOF_SEQUENCE', words, { messages: rearranged((all) => [...all, ...all.slice(-1)]) }],
    ['with a message without a proof', 'ERR_MESSAGE_PROOF_MALFORMED', ['a'], { messages: rearranged((all) => all.toSpliced(1, 0, other)) }],
    ['with messages without proofs', 'ERR_MESSAGE_PROOF_MALFORMED', [], { messages: rearranged(() => [other]) }],
    ['at another method', 'ERR_MESSAGE_PROOF_DESTINATION', [], { request: withField(':path', '/shop.echo.Echo/Chat') }],
    ['at a method of one message', 'ERR_MESSAGE_MALFORMED', [], { request: withField(':path', '/shop.echo.Echo/Say') }],
    ['without the proof of its opening', 'ERR_MESSAGE_PROOF_COUNT', [], { request: without('wimse-ts-message-proof') }],
  ]
  it.each(rows)('%s: %s', async (_title, code, read, tampering) => {
    world.proxy.tampering = tampering
    expect(await outcome(world.client.collect(sending(words)))).toBe(code)
    expect(world.read).toEqual(read)
    expect(world.refusals).toMatchObject([{ code }])
  })

  it('with one octet of a message changed, whichever it is', async () => {
    const codes = new Set<string>()
    let length = 1
    for (let at = 0; at < length; at += 7) {
      world.proxy.tampering = {
        messages: rearranged(([first = other, ...rest]) => {
          length = first.length
          return [first.with(at, (first[at] ?? 0) ^ 1), ...rest]
        }),
      }
      codes.add(await outcome(world.client.collect(sending(['a']))))
    }
    expect(world.read).toEqual([])
    expect([...codes].filter((code) => !code.startsWith('ERR_MESSAGE_PROOF_'))).toEqual([])
  })

  it('a second time, as it was', async () => {
    let seen: OutgoingHttpHeaders | undefined
    let recorded: Uint8Array[] | undefined
    world.proxy.tampering = { request: (headers) => (seen ??= headers), messages: rearranged((all) => (recorded ??= all)) }
    expect(await outcome(world.client.collect(sending(words)))).toBe('a b c')
    expect(await outcome(world.client.collect(sending(words)))).toBe('ERR_MESSAGE_PROOF_REPLAYED')
    expect(world.calls).toHaveLength(1)
  })

  it('with messages of another stream of the same workload', async () => {
    let recorded: Uint8Array[] | undefined
    world.proxy.tampering = { messages: rearranged((all) => (recorded ??= all)) }
    expect(await outcome(world.client.collect(sending(['pay', 'mallory'])))).toBe('pay mallory')
    world.read.length = 0
    expect(await outcome(world.client.collect(sending(['pay', 'alice'])))).toBe('ERR_MESSAGE_PROOF_STREAM')
    expect(world.read).toEqual([])
  })

  it('with messages of a workload that has another key', async () => {
    const mallory = await world.issue('spiffe://shop.example/mallory')
    let recorded: Uint8Array[] | undefined
    world.proxy.tampering = { messages: rearranged((all) => (recorded ??= all)) }
    expect(await outcome(world.connect({ credential: () => mallory }).collect(sending(['pay', 'mallory'])))).toBe('pay mallory')
    expect(await outcome(world.client.collect(sending(['pay', 'alice'])))).toBe('ERR_MESSAGE_PROOF_SIGNATURE')
  })

  it('once the WIT of its sender has expired', async () => {
    world.proxy.tampering = {
      async *messages(messages) {
        let count = 0
        for await (const message of messages) {
          if (count === 1) {
            await expect.poll(() => world.read).toEqual(['a'])
            world.runtime.advance(3630)
          }
          count += 1
          yield message
        }
      },
    }
    expect(await outcome(world.client.collect(sending(words)))).toBe('ERR_WIT_EXPIRED')
    expect(world.read).toEqual(['a'])
  })

  it('although the implementation would go on without what it could not read', async () => {
    await world.close()
    world = await createWorld({
      implementation: {
        async collect(messages) {
          try {
            for await (const { value } of messages) world.read.push(value)
          } catch {
            // It takes what it has.
          }
          return { value: 'done' }
        },
        async *chat(messages) {
          try {
            for await (const { value } of messages) yield { value }
          } catch {
            yield { value: 'more' }
          }
        },
      },
    })
    world.proxy.tampering = { messages: rearranged((all) => all.slice(0, 1)) }
    expect(await outcome(world.client.collect(sending(words)))).toBe('ERR_MESSAGE_PROOF_TRUNCATED')
    expect(await outcome(wordsOf(world.client.chat(sending(words))))).toBe('ERR_MESSAGE_PROOF_TRUNCATED')
  })

  it('both ways as well', async () => {
    world.proxy.tampering = { messages: rearranged((all) => all.toSpliced(1, 1)) }
    expect(await outcome(wordsOf(world.client.chat(sending(words))))).toBe('ERR_MESSAGE_PROOF_SEQUENCE')
    expect(world.read).toEqual(['a'])
  })
})
