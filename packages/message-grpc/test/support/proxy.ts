import { once } from 'node:events'
import { type ClientHttp2Session, connect, createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type EnvelopedMessage, encodeEnvelope, transformSplitEnvelope } from '@connectrpc/connect/protocol'

/** What somebody on the path does with a call. */
export interface Tampering {
  readonly request?: (headers: OutgoingHttpHeaders) => OutgoingHttpHeaders
  /** Messages of the request, in place of what came. */
  readonly messages?: (messages: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  readonly response?: (headers: OutgoingHttpHeaders) => OutgoingHttpHeaders
  readonly responses?: (messages: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  readonly trailers?: (trailers: OutgoingHttpHeaders) => OutgoingHttpHeaders
}

/** A real proxy between client and server, over HTTP/2. */
export interface Interceptor {
  readonly url: string
  tampering: Tampering
  close(): Promise<void>
}

const same = <T>(value: T): T => value

async function* messagesOf(octets: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const split: AsyncIterable<EnvelopedMessage> = transformSplitEnvelope(0x7fffffff)(octets)
  for await (const { data } of split) yield data
}

export async function startProxy(target: string): Promise<Interceptor> {
  const sessions: { close(): void }[] = []
  const upstream: ClientHttp2Session = connect(target)
  upstream.on('error', () => undefined)
  const proxy = { tampering: {} as Tampering }
  const server = createServer()
  server.on('session', (session) => sessions.push(session))
  server.on('stream', (client, headers) => {
    const { request = same, messages = same, response = same, responses = same, trailers = same } = proxy.tampering
    client.on('error', () => undefined)
    const call = upstream.request(request(headersOf(headers)), { endStream: false })
    call.on('error', () => client.close())
    client.on('close', () => call.close())
    const send = async (): Promise<void> => {
      for await (const data of messages(messagesOf(client))) call.write(encodeEnvelope(0, data))
      call.end()
    }
    const answer = async (): Promise<void> => {
      const [head] = (await once(call, 'response')) as [IncomingHttpHeaders]
      let last: OutgoingHttpHeaders = {}
      call.on('trailers', (came: IncomingHttpHeaders) => {
        last = headersOf(came)
      })
      client.respond(response(headersOf(head)), { waitForTrailers: true })
      client.on('wantTrailers', () => client.sendTrailers(trailers(last)))
      for await (const data of responses(messagesOf(call))) client.write(encodeEnvelope(0, data))
      client.end()
    }
    send().catch(() => call.close())
    answer().catch(() => client.close())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const session of sessions) session.close()
      upstream.close()
      server.close()
    },
  })
}

function headersOf(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return { ...headers }
}
