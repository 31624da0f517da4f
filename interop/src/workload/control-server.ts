import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { CallSpec, LentJwtSvid, LentWit, MessageSpec, PeerStatus, StreamReport, StreamSpec } from '../world/control-protocol.ts'
import type { Caller } from './caller.ts'
import type { RunningStream } from './stream.ts'

/** What the suite can ask of a workload. */
export interface Controlled {
  readonly caller: Caller
  status(): PeerStatus
  lendWit(): LentWit
  lendJwtSvid(audience: string): Promise<LentJwtSvid>
  proveMessage(spec: MessageSpec): Promise<unknown>
  startStream(spec: StreamSpec): RunningStream
}

/** The port by which the suite drives a workload. It is no part of the product: it lends tokens to attackers. */
export async function startControlServer(
  address: { readonly host: string; readonly port: number },
  controlled: Controlled,
): Promise<Server> {
  let stream: RunningStream | undefined
  const routes: Readonly<Record<string, (body: unknown) => Promise<unknown> | unknown>> = {
    '/status': () => controlled.status(),
    '/call': (body) => controlled.caller.call(body as CallSpec),
    '/lend-wit': () => controlled.lendWit(),
    '/lend-jwt-svid': (body) => controlled.lendJwtSvid((body as { readonly audience: string }).audience),
    '/prove-message': (body) => controlled.proveMessage(body as MessageSpec),
    '/stream/start': (body) => {
      stream = controlled.startStream(body as StreamSpec)
      return {}
    },
    '/stream/stop': async (): Promise<StreamReport> => {
      if (stream === undefined) throw new Error('no stream runs')
      return stream.stop()
    },
  }
  const server = createServer((incoming, outgoing) => {
    const route = routes[incoming.url ?? '']
    const answer = async (): Promise<unknown> => {
      if (route === undefined) throw new Error('no such route')
      return route(await readJson(incoming))
    }
    answer().then(
      (value) => outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value)),
      (error: unknown) =>
        outgoing.writeHead(500).end(JSON.stringify({ error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' })),
    )
  })
  await new Promise<void>((resolve) => server.listen(address.port, address.host, resolve))
  return server
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  return text === '' ? undefined : JSON.parse(text)
}
