import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MessageBody } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { sendResponse } from '../src/node/node-message.ts'

interface Answer {
  readonly length: string | undefined
  readonly octets: Uint8Array
}

/** What comes over the wire of a response with this body. */
async function answerWith(body: MessageBody, method = 'GET'): Promise<Answer> {
  const server = createServer((_incoming, outgoing) => {
    void sendResponse({ kind: 'response', status: 200, fields: [['cache-control', 'no-store']], body }, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, method, agent: false }, resolve).on('error', reject).end()
    })
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return { length: response.headers['content-length'], octets: new Uint8Array(Buffer.concat(chunks)) }
  } finally {
    server.close()
  }
}

/** Every octet there is, over and over. */
const octetsOf = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_none, index) => index & 255)

describe('sendResponse', () => {
  it.each([0, 1, 256, 8192, 8193, 100_000])('sends %i octets as they are, with their length', async (length) => {
    expect(await answerWith(octetsOf(length))).toEqual({ length: String(length), octets: octetsOf(length) })
  })

  it('sends the part of a memory that a view shows, and nothing beside it', async () => {
    expect((await answerWith(octetsOf(1000).subarray(100, 300))).octets).toEqual(octetsOf(1000).slice(100, 300))
  })

  it('sends no octet where the request was a HEAD', async () => {
    expect(await answerWith(octetsOf(256), 'HEAD')).toEqual({ length: '256', octets: new Uint8Array() })
  })

  it('sends a stream, and nothing at all', async () => {
    expect((await answerWith(new Blob([octetsOf(256)]).stream())).octets).toEqual(octetsOf(256))
    expect((await answerWith(null)).octets).toEqual(new Uint8Array())
  })
})
