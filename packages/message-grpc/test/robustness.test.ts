import { once } from 'node:events'
import { connect } from 'node:http2'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createWorld, outcome, sending, type World, wordsOf } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ proveResponses: true })
})
afterAll(() => world.close())

it('arbitrary requests are refused, reach nobody, and leave the server as it was', async () => {
  const session = connect(world.direct)
  const status = async (path: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<string> => {
    const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers })
    let found = ''
    call.on('response', (head) => {
      found = head[':status'] === 200 ? String(head['grpc-status'] ?? '') : `HTTP ${head[':status']}`
    })
    call.on('trailers', (trailers) => {
      found = String(trailers['grpc-status'])
    })
    call.end(body)
    call.resume()
    await once(call, 'close')
    return found
  }
  const path = fc.constantFrom('/shop.echo.Echo/Say', '/shop.echo.Echo/Collect', '/shop.echo.Echo/Repeat', '/shop.echo.Echo/Chat')
  const name = fc.constantFrom(
    'workload-identity-token',
    'wimse-ts-message-proof',
    'wimse-ts-prove-response',
    'content-type',
    'grpc-encoding',
    'grpc-timeout',
  )
  const value = fc.stringMatching(/^[!-~]{1,20}$/)
  // Half of the bodies begin like a message of gRPC.
  const body = fc.oneof(
    fc.uint8Array(),
    fc.uint8Array().map((octets) => new Uint8Array([0, 0, 0, 0, octets.length, ...octets])),
  )
  await fc.assert(
    fc.asyncProperty(path, fc.dictionary(name, value), body, async (to, headers, octets) => {
      expect(await status(to, headers, octets)).toMatch(/^(?:[1-9]\d?|HTTP 4\d\d)$/)
    }),
    { numRuns: 200 },
  )
  session.close()
  expect(world.calls).toHaveLength(0)
  expect(await outcome(world.client.say({ value: 'still there' }))).toBe('still there')
})

it('a client that goes away in the middle of a stream ends it for the server, which goes on', async () => {
  const before = world.calls.length
  const leaving = new AbortController()
  async function* endless(): AsyncIterable<{ value: string }> {
    yield { value: 'a' }
    await once(leaving.signal, 'abort')
    yield { value: 'b' }
  }
  const answers = world.client.chat(endless(), { signal: leaving.signal })
  const call = (async () => {
    for await (const { value } of answers) {
      expect(value).toBe('A')
      leaving.abort()
    }
    return 'done'
  })()
  expect(await outcome(call)).toMatch(/cancel/)
  expect(world.calls).toHaveLength(before + 1)
  expect(await outcome(wordsOf(world.client.chat(sending(['b']))))).toBe('B')
})

it('a server that goes away is an error at the client', async () => {
  const other = await createWorld()
  await other.close()
  expect(await outcome(other.client.say({ value: 'a' }))).toMatch(/^uncoded: ConnectError/)
})
