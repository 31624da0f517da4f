import { generateSigner } from '@wimse/keys'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProvingTransport, createVerifyingHandler, grpcDestination } from '../src/index.ts'
import { Echo } from './support/echo-service.ts'
import { AUTHORITY, CLIENT, codeOf, createWorld, outcome, sending, type World, type WorldOptions, wordsOf } from './support/world.ts'

const kinds: readonly (readonly [title: string, options: WorldOptions])[] = [
  ['requests proved', {}],
  ['requests and responses proved', { proveResponses: true }],
]

describe.each(kinds)('%s', (_title, options) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(options)
  })
  afterAll(() => world.close())

  it('a call of one message', async () => {
    expect(await outcome(world.client.say({ value: 'hello' }))).toBe('hello')
    expect(world.calls.at(-1)).toMatchObject({
      kind: 'message-proof',
      identifier: CLIENT,
      destination: 'grpc://echo.shop.example/shop.echo.Echo/Say',
      delivery: 'new',
      contentType: 'application/grpc+proto',
    })
  })

  it('a call of no octets', async () => {
    expect(await outcome(world.client.say({}))).toBe('')
  })

  it('a stream of requests, of several messages and of none', async () => {
    expect(await outcome(world.client.collect(sending(['a', 'b', 'c'])))).toBe('a b c')
    expect(await outcome(world.client.collect(sending([])))).toBe('')
  })

  it('a stream of responses, of several messages', async () => {
    expect(await outcome(wordsOf(world.client.repeat({ value: 'a b c' })))).toBe('a b c')
  })

  it('a stream both ways, in turn', async () => {
    const turns: string[] = []
    let answered = Promise.withResolvers<void>()
    async function* asking(): AsyncIterable<{ value: string }> {
      for (const value of ['a', 'b', 'c']) {
        answered = Promise.withResolvers()
        turns.push(value)
        yield { value }
        await answered.promise
      }
    }
    for await (const { value } of world.client.chat(asking())) {
      turns.push(value)
      answered.resolve()
    }
    expect(turns).toEqual(['a', 'A', 'b', 'B', 'c', 'C'])
  })

  it('many at the same time, over one connection', async () => {
    const words = Array.from({ length: 20 }, (_, index) => `w${index}`)
    const calls = words.flatMap((word) => [
      outcome(world.client.say({ value: word })),
      outcome(world.client.collect(sending([word, word]))),
      outcome(wordsOf(world.client.chat(sending([word])))),
    ])
    expect(await Promise.all(calls)).toEqual(words.flatMap((word) => [word, `${word} ${word}`, word.toUpperCase()]))
  })

  it('large messages', async () => {
    const value = 'x'.repeat(500_000)
    expect(await outcome(world.client.say({ value }))).toBe(value)
    expect(await outcome(world.client.collect(sending([value, 'y'])))).toBe(`${value} y`)
  })

  it('a stream of responses that the client leaves early', async () => {
    for await (const { value } of world.client.repeat({ value: 'a b c' })) {
      expect(value).toBe('a')
      break
    }
    expect(await outcome(world.client.say({ value: 'after' }))).toBe('after')
  })
})

describe('options', () => {
  it('name destinations that no host name decides', async () => {
    expect(grpcDestination('echo.shop.example:443', Echo.method.chat)).toBe('grpc://echo.shop.example:443/shop.echo.Echo/Chat')
    for (const authority of ['', 'Echo.example', 'a b', 'a/b', 'user@a', 'a?', '-a', 'a:123456']) {
      expect(await codeOf(() => grpcDestination(authority, Echo.method.chat))).toBe('ERR_OPTIONS_INVALID')
    }
  })

  it('are refused where they limit nothing, or name nobody', async () => {
    const world = await createWorld()
    try {
      const { verifyWit, runtime } = world
      const credential = await world.issue(CLIENT)
      const transport = { baseUrl: world.proxy.url, authority: AUTHORITY, credential: () => credential, runtime }
      for (const wrong of [{ maxMessageBytes: Number.NaN }, { responses: { verifyWit, server: [] } }]) {
        expect(await codeOf(() => createProvingTransport({ ...transport, ...wrong }))).toBe('ERR_OPTIONS_INVALID')
      }
      expect(await codeOf(() => createProvingTransport({ ...transport, responses: { verifyWit, server: 'x' } }))).toBe(
        'ERR_IDENTIFIER_PATTERN',
      )
      const handler = { routes: () => undefined, authority: AUTHORITY, verifyWit, deliveries: { claim: () => 'new' as const }, runtime }
      for (const wrong of [{ maxMessageBytes: 0 }, {}]) {
        expect(await codeOf(() => createVerifyingHandler({ ...handler, ...wrong }))).toBe('ERR_OPTIONS_INVALID')
      }
    } finally {
      await world.close()
    }
  })

  it('a call is not made with an expired credential, nor to a server of another name', async () => {
    const world = await createWorld()
    try {
      const { signer } = await generateSigner('ES256', world.runtime)
      const short = await world.issue(CLIENT, signer, 10)
      const client = world.connect({ credential: () => short })
      expect(await outcome(world.connect({ authority: 'other.shop.example' }).say({ value: 'a' }))).toBe('ERR_MESSAGE_PROOF_DESTINATION')
      world.runtime.advance(20)
      expect(await outcome(client.say({ value: 'a' }))).toBe('ERR_CREDENTIAL_EXPIRED')
      expect(world.calls).toHaveLength(0)
    } finally {
      await world.close()
    }
  })

  it('a message beyond the limit is not sent, and not taken', async () => {
    const world = await createWorld({ server: { maxMessageBytes: 100 } })
    try {
      const small = world.connect({ maxMessageBytes: 10 })
      expect(await outcome(small.say({ value: 'x'.repeat(20) }))).toMatch(/resource_exhausted/)
      expect(await outcome(world.client.say({ value: 'x'.repeat(200) }))).toMatch(/resource_exhausted/)
      expect(await outcome(world.client.collect(sending(['x'.repeat(20_000)])))).toMatch(/resource_exhausted/)
      expect(world.read).toEqual([])
    } finally {
      await world.close()
    }
  })
})
