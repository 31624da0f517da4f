import { toBinary } from '@bufbuild/protobuf'
import { StringValueSchema } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorCodeOf } from '../src/index.ts'
import type { Tampering } from './support/proxy.ts'
import { CLIENT, createWorld, outcome, SERVER, sending, type World, wordsOf } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({
    proveResponses: true,
    implementation: {
      async whisper({ value }) {
        throw new ConnectError(`not found: ${value}`, Code.NotFound, undefined, [{ desc: StringValueSchema, value: { value: 'details' } }])
      },
    },
  })
})
afterEach(() => world.close())

type Messages = NonNullable<Tampering['responses']>

function rearranged(change: (messages: Uint8Array[]) => readonly Uint8Array[]): Messages {
  return async function* (messages) {
    const all: Uint8Array[] = []
    for await (const message of messages) all.push(message)
    yield* change(all)
  }
}

const withHeader =
  (name: string, value: string | undefined): NonNullable<Tampering['response']> =>
  (headers) => ({ ...headers, [name]: value })
const other = new Uint8Array(toBinary(StringValueSchema, { $typeName: 'google.protobuf.StringValue', value: 'mallory' }))
/** A google.rpc.Status that says that all is well. */
const WELL = Buffer.from([0x12, 0x01, 0x61]).toString('base64')

describe('a proved response is refused', () => {
  const rows: readonly (readonly [title: string, code: string, tampering: Tampering])[] = [
    ['with another message', 'ERR_MESSAGE_PROOF_MALFORMED', { responses: rearranged((all) => [other, ...all.slice(1)]) }],
    ['without a message', 'ERR_MESSAGE_PROOF_SEQUENCE', { responses: rearranged((all) => all.slice(1)) }],
    ['without one in the middle', 'ERR_MESSAGE_PROOF_SEQUENCE', { responses: rearranged((all) => all.toSpliced(1, 1)) }],
    ['without its end', 'ERR_MESSAGE_PROOF_TRUNCATED', { responses: rearranged((all) => all.slice(0, -1)) }],
    ['of nothing', 'ERR_MESSAGE_PROOF_TRUNCATED', { responses: rearranged(() => []) }],
    ['with a message twice', 'ERR_MESSAGE_PROOF_SEQUENCE', { responses: rearranged((all) => [...all.slice(0, 1), ...all]) }],
    ['with a message after the end', 'ERR_MESSAGE_PROOF_SEQUENCE', { responses: rearranged((all) => [...all, ...all.slice(0, 1)]) }],
    ['in another order', 'ERR_MESSAGE_PROOF_SEQUENCE', { responses: rearranged((all) => all.toReversed()) }],
    ['without the WIT', 'ERR_MESSAGE_PROOF_RESPONSE', { response: ({ 'workload-identity-token': _, ...headers }) => headers }],
    ['with a WIT that is none', 'ERR_WIT_MALFORMED', { response: withHeader('workload-identity-token', 'x') }],
    ['with a failure of another making', 'ERR_MESSAGE_PROOF_RESPONSE_STATUS', { trailers: () => ({ 'grpc-status': '13' }) }],
    ['without a status', 'ERR_MESSAGE_PROOF_RESPONSE_STATUS', { trailers: () => ({}) }],
    ['with a status in the header', 'ERR_MESSAGE_PROOF_RESPONSE_STATUS', { response: withHeader('grpc-status', '0') }],
    ['with details', 'ERR_MESSAGE_PROOF_RESPONSE_STATUS', { trailers: (t) => ({ ...t, 'grpc-status-details-bin': WELL }) }],
  ]
  it.each(rows)('%s: %s', async (_title, code, tampering) => {
    world.proxy.tampering = tampering
    expect(await outcome(wordsOf(world.client.repeat({ value: 'a b c' })))).toBe(code)
  })

  it.each(rows.filter(([title]) => !/middle|order/.test(title)))('of one message, %s: %s', async (_title, code, tampering) => {
    world.proxy.tampering = tampering
    expect(await outcome(world.client.say({ value: 'a' }))).toBe(code)
  })

  it('with that of another call', async () => {
    let recorded: Uint8Array[] | undefined
    world.proxy.tampering = { responses: rearranged((all) => (recorded ??= all)) }
    expect(await outcome(world.client.say({ value: 'mallory' }))).toBe('mallory')
    expect(await outcome(world.client.say({ value: 'alice' }))).toBe('ERR_MESSAGE_PROOF_STREAM')
  })

  it('with what the client itself sent', async () => {
    const own = await world.issue(SERVER)
    const client = world.connect({ credential: () => own })
    let sent: Uint8Array[] | undefined
    world.proxy.tampering = {
      messages: rearranged((all) => (sent = all)),
      response: withHeader('workload-identity-token', own.token),
      responses: rearranged(() => sent ?? []),
    }
    expect(await outcome(client.collect(sending(['a'])))).toBe('ERR_MESSAGE_PROOF_STREAM')
  })

  it('from another workload', async () => {
    const client = world.connect({ responses: { verifyWit: world.verifyWit, server: [CLIENT, 'spiffe://shop.example/echoes/*'] } })
    expect(await outcome(client.say({ value: 'a' }))).toBe('ERR_MESSAGE_PROOF_RESPONSE_PEER')
  })
})

describe('a failure', () => {
  it('that the server proves comes through with its details', async () => {
    const failure = await world.client.whisper({ value: 'x' }).catch(ConnectError.from)
    expect(failure).toMatchObject({ code: Code.NotFound, rawMessage: 'not found: x' })
    expect((failure as ConnectError).findDetails(StringValueSchema)).toMatchObject([{ value: 'details' }])
  })

  it.each<readonly [title: string, tampering: Tampering]>([
    ['the status', { trailers: (t) => ({ ...t, 'grpc-status': '0' }) }],
    ['the message', { trailers: (t) => ({ ...t, 'grpc-message': 'all%20is%20well' }) }],
    ['the details', { trailers: (t) => ({ ...t, 'grpc-status-details-bin': WELL }) }],
    ['the details, which are gone', { trailers: ({ 'grpc-status-details-bin': _, ...t }) => t }],
  ])('that the server proves is no other one: %s', async (_title, tampering) => {
    world.proxy.tampering = tampering
    expect(await outcome(world.client.whisper({ value: 'x' }))).toBe('ERR_MESSAGE_PROOF_RESPONSE_STATUS')
  })

  it('that nobody proves is a failure, and never a success', async () => {
    const unproved: Tampering = { response: ({ 'workload-identity-token': _, ...headers }) => headers, responses: rearranged(() => []) }
    world.proxy.tampering = { ...unproved, trailers: () => ({ 'grpc-status': '14' }) }
    expect(await outcome(world.client.say({ value: 'a' }))).toMatch(/unavailable/)
    const rows: readonly Tampering[] = [
      { trailers: () => ({ 'grpc-status': '0' }) },
      { trailers: () => ({ 'grpc-status': 'x' }) },
      { trailers: () => ({ 'grpc-status': '13', 'grpc-status-details-bin': WELL }) },
      {
        trailers: () => ({ 'grpc-status': '13' }),
        response: ({ 'workload-identity-token': _, ...headers }) => ({ ...headers, 'grpc-status': '0' }),
      },
    ]
    for (const tampering of rows) {
      world.proxy.tampering = { ...unproved, ...tampering }
      expect(await outcome(wordsOf(world.client.repeat({ value: 'a b' })))).toBe('ERR_MESSAGE_PROOF_RESPONSE')
    }
  })

  it('cut off after some messages is a failure', async () => {
    world.proxy.tampering = { responses: rearranged((all) => all.slice(0, 1)), trailers: () => ({ 'grpc-status': '14' }) }
    expect(await outcome(wordsOf(world.client.repeat({ value: 'a b' })))).toMatch(/unavailable/)
  })

  it('that is a refusal has its code', async () => {
    world.proxy.tampering = { request: (headers) => ({ ...headers, 'txn-token': 'a.b.c' }) }
    expect(await outcome(world.client.say({ value: 'a' }))).toBe('ERR_MESSAGE_PROOF_TTH_MISSING')
    expect(errorCodeOf(new ConnectError('x', Code.Unknown, { 'wimse-ts-error-code': 'ERR_NOTHING' }))).toBeUndefined()
    expect(errorCodeOf('x')).toBeUndefined()
  })
})

it('of a server that proves no responses nobody gets one that asks for it, before anything is done', async () => {
  const plain = await createWorld()
  try {
    const client = plain.connect({ responses: { verifyWit: plain.verifyWit, server: SERVER } })
    expect(await outcome(client.say({ value: 'a' }))).toBe('ERR_PROOF_NOT_ACCEPTED')
    expect(plain.calls).toHaveLength(0)
  } finally {
    await plain.close()
  }
})

it('who asks for no proof gets none', async () => {
  const plain = await createWorld({ server: { responses: { credential: () => Promise.reject(new Error('not asked')) } } })
  try {
    expect(await outcome(plain.client.say({ value: 'a' }))).toBe('a')
  } finally {
    await plain.close()
  }
})
