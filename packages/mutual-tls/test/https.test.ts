import type { IncomingMessage, RequestListener } from 'node:http'
import { Agent, request } from 'node:https'
import { createPeerLookup } from '@wimse/core'
import type { CertificateAuthority } from '@wimse/x509'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  authorizeIdentifier,
  authorizeTrustDomain,
  createMutualTlsAgent,
  createMutualTlsHttpsServer,
  type ExpectedPeer,
  peerOf,
  recheckPeer,
  type X509Credential,
} from '../src/index.ts'
import {
  authority,
  BANK,
  closeLater,
  credential,
  listen,
  type MovableSource,
  type MovableTrust,
  NOW,
  ORDERS,
  PAYMENTS,
  runtimeOf,
  SHOP,
  sourceOf,
  trustOf,
} from './world.ts'

let shop: CertificateAuthority
let orders: X509Credential
let payments: X509Credential
beforeAll(async () => {
  shop = await authority(SHOP)
  orders = await credential(shop, ORDERS)
  payments = await credential(shop, PAYMENTS)
})

let trust: MovableTrust
let client: MovableSource
let port: number
let connections: Set<object>
const runtime = runtimeOf({ seconds: NOW })

const answer: RequestListener = (incoming, response) => {
  connections.add(incoming.socket)
  recheckPeer(incoming.socket).then(
    (peer) => response.end(peer?.identifier ?? 'anonymous'),
    () => response.writeHead(403).end(),
  )
}

beforeEach(async () => {
  trust = await trustOf({ [SHOP]: [shop] })
  client = sourceOf(orders)
  connections = new Set()
  const server = createMutualTlsHttpsServer(
    { source: sourceOf(payments), trust: trust.store, profile: 'x509-svid', authorize: authorizeTrustDomain(SHOP), runtime },
    answer,
  )
  port = await listen(server)
  closeLater(() => server.closeAllConnections())
})

function agentFor(expected: string = PAYMENTS): Agent {
  const peers = createPeerLookup({ [`https://127.0.0.1:${port}`]: expected })
  const agent = createMutualTlsAgent({ source: client, trust: trust.store, profile: 'x509-svid', peers, runtime })
  closeLater(() => agent.destroy())
  return agent
}

interface Answer {
  readonly status: number | undefined
  readonly text: string
  readonly peer: string | undefined
}

function get(agent: Agent, url = `https://127.0.0.1:${port}/`, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers }, (incoming: IncomingMessage) => {
      const peer = peerOf(incoming.socket)?.identifier
      let text = ''
      incoming.on('data', (part: Buffer) => {
        text += part.toString()
      })
      incoming.on('end', () => setImmediate(() => resolve({ status: incoming.statusCode, text, peer })))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('requests of node:https', () => {
  it('MTLS-3.3-01, MTLS-5-15: both sides are authenticated, headers change nothing', async () => {
    const headers = { 'x-forwarded-client-cert': 'URI=spiffe://shop.example/admin' }
    expect(await get(agentFor(), undefined, headers)).toEqual({ status: 200, text: ORDERS, peer: PAYMENTS })
  })

  it('connections are used again', async () => {
    const agent = agentFor()
    for (let round = 0; round < 3; round += 1) await get(agent)
    expect(connections.size).toBe(1)
  })

  it('connections that are idle end a second before their server ends them, and none that is in use', async () => {
    const agent = agentFor()
    await get(agent)
    const [idle] = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])
    // `Keep-Alive: timeout=5`, which node:http says by itself.
    expect(idle?.timeout).toBe(4000)
    const again = get(agent)
    idle?.emit('timeout')
    expect((await again).status).toBe(200)
    idle?.emit('timeout')
    expect(idle?.destroyed).toBe(true)
    expect(connections.size).toBe(1)
  })

  it('MTLS-5-10: after a rotation the next request goes out under the new certificate', async () => {
    const agent = agentFor()
    await get(agent)
    client.credential = await credential(shop, 'spiffe://shop.example/orders-2')
    expect(await get(agent)).toMatchObject({ text: 'spiffe://shop.example/orders-2' })
    expect(connections.size).toBe(2)
  })

  it('MTLS-5-10: a connection that was in use during a rotation is not kept', async () => {
    const agent = agentFor()
    const next = await credential(shop, ORDERS)
    const call = get(agent)
    client.credential = next
    await call
    const kept = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])
    expect(kept.filter((socket) => !socket.destroyed)).toEqual([])
  })

  it('MTLS-5-10: under a stream of requests no one fails while both sides rotate', async () => {
    const agent = agentFor()
    const rounds = Array.from({ length: 8 }, () => credential(shop, ORDERS))
    for (const next of rounds) {
      const calls = Array.from({ length: 4 }, () => get(agent))
      client.credential = await next
      for (const { status, text } of await Promise.all(calls)) expect([status, text]).toEqual([200, ORDERS])
    }
  })

  it('FED-6.3-01: anchors that are gone end idle connections and those that the server has', async () => {
    const agent = agentFor()
    await get(agent)
    trust.set({ [BANK]: [shop] })
    await expect(get(agent)).rejects.toMatchObject({ code: 'ERR_TRUST_DOMAIN_UNKNOWN' })
  })

  it.each([
    ['an identifier', (identifier: string) => identifier],
    ['an authorizer', authorizeIdentifier],
  ])('MTLS-3.2.1-04: %s that is expected from now on is expected of idle connections as well', async (_title, expecting) => {
    let expected = PAYMENTS
    const peers = (): ExpectedPeer => expecting(expected)
    const agent = createMutualTlsAgent({ source: client, trust: trust.store, profile: 'x509-svid', peers, runtime })
    closeLater(() => agent.destroy())
    await get(agent)
    await get(agent)
    expect(connections.size).toBe(1)
    expected = 'spiffe://shop.example/payments-2'
    await expect(get(agent)).rejects.toMatchObject({ code: 'ERR_MTLS_PEER' })
  })

  it('MTLS-3.2.1-03, MTLS-3.2.1-04: failures reach the request as coded errors', async () => {
    await expect(get(agentFor('spiffe://shop.example/fraud'))).rejects.toMatchObject({ code: 'ERR_MTLS_PEER' })
    await expect(get(agentFor(), `https://localhost:${port}/`)).rejects.toMatchObject({ code: 'ERR_IDENTIFIER_UNMAPPED' })
    await expect(get(agentFor(), 'https://127.0.0.1:1/')).rejects.toMatchObject({ code: 'ERR_IDENTIFIER_UNMAPPED' })
  })

  it('MTLS-3.2-04: a client without a certificate gets no answer', async () => {
    const bare = new Agent({ rejectUnauthorized: false })
    await expect(get(bare)).rejects.toThrow()
    expect(connections.size).toBe(0)
  })
})
