import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { parseWorkloadIdentifier } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { authorizeTrustDomain, createMutualTlsServer } from '@wimse/mutual-tls'
import { createTestAuthority, createTestRuntime, trustAuthorities } from '@wimse/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { requestWit } from '../src/client/request-wit.ts'
import { AGENT } from './harness.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

describe('an agent whose answer is none', () => {
  it.each([
    ['another protocol', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n', 'ERR_MTLS_CONNECTION'],
    ['no HTTP', '\u0016\u0003\u0001 what?\r\n\r\n', 'ERR_MTLS_CONNECTION'],
    ['no JSON', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{', 'ERR_WORKLOAD_API_RESPONSE'],
  ])('%s: the request fails and does not wait for ever', async (_title, answer, code) => {
    const runtime = createTestRuntime()
    const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
    const trust = trustAuthorities([authority])
    const agent = await authority.issueX509Svid(AGENT)
    const credential = await authority.issueX509Svid('spiffe://shop.example/orders')
    const server = createMutualTlsServer(
      { source: { current: () => agent }, trust, profile: 'x509-svid', authorize: authorizeTrustDomain('shop.example'), runtime },
      (socket) => {
        closers.push(() => socket.destroy())
        socket.on('error', () => undefined)
        socket.once('data', () => socket.write(answer))
      },
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => server.close())
    const endpoint = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const peer = { endpoint, identifier: parseWorkloadIdentifier(AGENT), trust, timeoutMs: 5000 }
    const { signer } = await generateSigner('ES256', runtime)
    await expect(requestWit(peer, { credential, signer, hint: undefined, runtime })).rejects.toMatchObject({ code })
  })
})
