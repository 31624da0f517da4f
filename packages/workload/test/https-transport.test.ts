import type { Server } from 'node:net'
import { requestViewOfParts, utf8 } from '@wimse/core'
import { authorizeTrustDomain, createMutualTlsAgent, createMutualTlsServer } from '@wimse/mutual-tls'
import { describe, expect, it } from 'vitest'
import { createHttpsTransport } from '../src/node.ts'
import { closeLater, codeOf, listen, makeWorld, ORDERS, PAYMENTS } from './world.ts'

/** What a call ends with whose peer, a workload as it should be, answers every request with these octets. */
async function callAnsweredWith(answer: string): Promise<string> {
  const { shop, trust, runtime } = await makeWorld()
  const server = await shop.issueX509Svid(PAYMENTS)
  const client = await shop.issueX509Svid(ORDERS)
  const common = { trust, profile: 'x509-svid', runtime } as const
  const options = { ...common, source: { current: () => server }, authorize: authorizeTrustDomain('shop.example') }
  const port = await listen(
    createMutualTlsServer(options, (socket) => {
      closeLater(() => socket.destroy())
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(answer))
    }) as Server,
  )
  const agent = createMutualTlsAgent({ ...common, source: { current: () => client }, peers: () => PAYMENTS })
  closeLater(() => agent.destroy())
  const request = requestViewOfParts({
    method: 'POST',
    scheme: 'https',
    authority: `127.0.0.1:${port}`,
    target: '/charges',
    fields: [],
    body: utf8('{}'),
  })
  return codeOf(createHttpsTransport(agent)(request))
}

describe('answers that are none', () => {
  it.each([
    ['another protocol that nobody asked for', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
    ['no HTTP', '\u0016\u0003\u0001 what?\r\n\r\n'],
    ['a header section without an end', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(100_000)}\r\n`],
  ])('%s: the call fails and does not wait for ever', async (_title, answer) => {
    expect(await callAnsweredWith(answer)).toBe('ERR_MTLS_CONNECTION')
  })
})
