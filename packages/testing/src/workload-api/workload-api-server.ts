import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError, type ConnectRouter, type HandlerContext, type Interceptor } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { SpiffeWorkloadAPI, type WITSVIDRequest, type WITSVIDResponseSchema } from '@wimse/workload-api/protocol'
import { type Answer, messageOf, NO_ANSWERS, type WorkloadApiAnswers, type WorkloadApiMethod } from './answers.ts'

/** Where a {@link WorkloadApiServer} listens. */
export type WorkloadApiListen = 'unix' | 'tcp' | { readonly path: string }

type WitSvids = MessageInitShape<typeof WITSVIDResponseSchema>

/** A real gRPC server of the Workload API that answers what it is told. It attests nobody: everyone who connects is the workload. */
export interface WorkloadApiServer {
  /** As `SPIFFE_ENDPOINT_SOCKET` has it. */
  readonly address: string
  /** How often each method was called, refused calls included. */
  readonly calls: Readonly<Record<WorkloadApiMethod, number>>
  /** Changes answers; open streams get what changed (WLAPI-4.3-02) or end with the status. */
  answer(answers: Partial<WorkloadApiAnswers>): void
  /** Ends all connections at once; the server goes on listening. */
  disconnect(): void
  close(): Promise<void>
}

/** Starts a {@link WorkloadApiServer}: on a socket in the temporary directory, on one with a path, or on a loopback port. */
export async function startWorkloadApiServer(listen: WorkloadApiListen = 'unix'): Promise<WorkloadApiServer> {
  const calls = { ...noCalls }
  const sessions = new Set<ServerHttp2Session>()
  const changed = new EventTarget()
  // One for each open stream.
  setMaxListeners(0, changed)
  let answers = NO_ANSWERS

  const count: Interceptor = (next) => (request) => {
    const method = request.method.localName
    if (isMethod(method)) calls[method] += 1
    // WLEP-3-07, WLEP-6-01
    if (request.header.get('workload.spiffe.io') !== 'true') throw new ConnectError('security header missing', Code.InvalidArgument)
    return next(request)
  }

  async function* stream<M extends object>(read: () => Answer<M>, { signal }: HandlerContext): AsyncGenerator<M> {
    let sent: Answer<M> | undefined
    while (!signal.aborted) {
      const change = nextChange(changed, signal)
      const answer = read()
      if (answer !== sent) yield messageOf(answer)
      sent = answer
      await change
    }
  }
  async function* witSvids({ spiffeId }: WITSVIDRequest, context: HandlerContext): AsyncGenerator<WitSvids> {
    for await (const { svids = [] } of stream(() => answers.fetchWITSVID, context)) {
      const asked = spiffeId === '' ? svids : svids.filter((svid) => svid.spiffeId === spiffeId)
      yield messageOf<WitSvids>(asked.length === 0 && svids.length > 0 ? 'PermissionDenied' : { svids: asked })
    }
  }
  const routes = (router: ConnectRouter): void => {
    router.service(SpiffeWorkloadAPI, {
      fetchX509SVID: (_request, context) => stream(() => answers.fetchX509SVID, context),
      fetchX509Bundles: (_request, context) => stream(() => answers.fetchX509Bundles, context),
      fetchJWTBundles: (_request, context) => stream(() => answers.fetchJWTBundles, context),
      fetchWITBundles: (_request, context) => stream(() => answers.fetchWITBundles, context),
      fetchWITSVID: witSvids,
      fetchJWTSVID: async (request) => messageOf(await answers.fetchJWTSVID(request)),
      validateJWTSVID: async (request) => messageOf(await answers.validateJWTSVID(request)),
    })
  }

  const server = createServer(connectNodeAdapter({ routes, interceptors: [count], connect: false, grpcWeb: false }))
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  const path = listen === 'unix' ? join(tmpdir(), `wimse-${randomUUID()}.sock`) : listen === 'tcp' ? undefined : listen.path
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (path === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(path, resolve)
  })
  if (path !== undefined) await chmod(path, 0o600)

  const disconnect = (): void => {
    for (const session of sessions) session.destroy()
  }
  return {
    address: path === undefined ? `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix://${path}`,
    calls,
    answer(next): void {
      answers = { ...answers, ...next }
      changed.dispatchEvent(new Event('change'))
    },
    disconnect,
    async close(): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      disconnect()
      await closed
      if (path !== undefined) await rm(path, { force: true })
    },
  }
}

const noCalls: Record<WorkloadApiMethod, number> = {
  fetchX509SVID: 0,
  fetchX509Bundles: 0,
  fetchJWTBundles: 0,
  fetchWITBundles: 0,
  fetchWITSVID: 0,
  fetchJWTSVID: 0,
  validateJWTSVID: 0,
}

function isMethod(name: string): name is WorkloadApiMethod {
  return Object.hasOwn(noCalls, name)
}

function nextChange(changed: EventTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      changed.removeEventListener('change', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    changed.addEventListener('change', done)
    signal.addEventListener('abort', done)
  })
}
