import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTrustDomain, type Runtime, WimseError } from '@wimse/core'
import { connectMutualTls } from '@wimse/mutual-tls'
import type { EventFields } from '@wimse/program'
import { createTestRuntime } from '@wimse/testing'
import type { TrustStore } from '@wimse/trust'
import type { X509Credential } from '@wimse/workload-api'
import { parseWitAgentConfig } from '../src/config/wit-agent-config.ts'
import { startWitAgent, type WitAgent } from '../src/wit-agent.ts'
import { type FakeSpireServer, startFakeSpireServer } from './fake-spire-server.ts'

export const TRUST_DOMAIN = 'shop.example'
export const AGENT = `spiffe://${TRUST_DOMAIN}/wit-agent`
const SYNC_SECONDS = 5
/** Connections that were replaced linger longer than any wait of the synchronization. */
const LONGEST_SYNC_WAIT_MS = 15_000

export interface LoggedEvent extends EventFields {
  readonly event: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

export type Harness = Awaited<ReturnType<typeof createHarness>>

/** Resolves as soon as the condition holds; asks at each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** A SPIRE server, what a WIT agent needs to know of it, and a clock. */
export async function createHarness({ entries = true, now = undefined as number | undefined } = {}) {
  const clock = createTestRuntime(now === undefined ? {} : { now })
  const server: FakeSpireServer = await startFakeSpireServer(TRUST_DOMAIN, clock)
  if (entries) {
    server.entries = [
      { id: 'e-agent', path: '/wit-agent' },
      { id: 'e-orders', path: '/orders', ttlSeconds: 120 },
    ]
  }
  server.addJoinToken('token-1')
  const directory = await mkdtemp(join(tmpdir(), 'wit-agent-'))
  const path = (name: string): string => join(directory, name)
  await writeFile(path('bootstrap.pem'), server.bootstrapPem)
  await writeFile(path('token'), 'token-1\n')

  const events: LoggedEvent[] = []
  let waiting = 0
  let begun = 0
  const runtime: Runtime = {
    ...clock,
    async delay(milliseconds, signal) {
      if (milliseconds > LONGEST_SYNC_WAIT_MS) return clock.delay(milliseconds, signal)
      waiting += 1
      begun += 1
      await clock.delay(milliseconds, signal)
      waiting -= 1
    },
  }
  const config = parseWitAgentConfig({
    trustDomain: TRUST_DOMAIN,
    server: { host: '127.0.0.1', port: server.port },
    bootstrapBundleFile: path('bootstrap.pem'),
    joinTokenFile: path('token'),
    dataDirectory: path('data'),
    witEndpoint: { host: '127.0.0.1', port: 0 },
    bundleEndpoint: { host: '127.0.0.1', port: 0 },
    health: { port: 0 },
    syncIntervalSeconds: SYNC_SECONDS,
  })
  const agents: WitAgent[] = []
  const trust: TrustStore = {
    bundle(trustDomain) {
      if (trustDomain !== TRUST_DOMAIN) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      return { trustDomain: parseTrustDomain(TRUST_DOMAIN), x509Authorities: server.roots, jwtAuthorities: [], witAuthorities: [] }
    },
    refresh: async () => false,
  }

  return {
    clock,
    server,
    config,
    trust,
    events,
    path,
    named: (event: string): readonly LoggedEvent[] => events.filter((candidate) => candidate.event === event),
    async start(change: Partial<typeof config> = {}): Promise<WitAgent> {
      const log = { event: (event: string, fields: EventFields = {}) => void events.push({ event, ...fields }) }
      const agent = await startWitAgent({ ...config, ...change }, { log, runtime })
      agents.push(agent)
      return agent
    },
    /** Lets the time of one wait of the synchronization pass, and the round after it. */
    async round(seconds = SYNC_SECONDS): Promise<void> {
      await until(() => waiting === 1)
      const before = begun
      clock.advance(seconds)
      await until(() => waiting === 1 && begun > before)
    },
    /** Until the round under way has ended. */
    idle: (): Promise<void> => until(() => waiting === 1),
    /** A request over TLS, with the workload's certificate where one is given, to an agent that is authenticated. */
    async call(
      port: number,
      {
        method = 'POST',
        path: target = '/v1/wit-svid',
        body,
        credential,
        contentType = 'application/json',
      }: { method?: string; path?: string; body?: string | Uint8Array; credential?: X509Credential; contentType?: string } = {},
    ): Promise<Answer> {
      const socket = await connectMutualTls({
        host: '127.0.0.1',
        port,
        trust,
        profile: 'x509-svid',
        expectedPeer: AGENT,
        verifyHostName: false,
        runtime: clock,
        ...(credential && { source: { current: () => credential } }),
      })
      return new Promise((resolve, reject) => {
        const headers = body === undefined ? {} : { 'content-type': contentType }
        const request = httpsRequest({ createConnection: () => socket, method, path: target, headers }, (response) => {
          const chunks: Uint8Array[] = []
          response.on('data', (chunk: Uint8Array) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            socket.destroy()
            const text = Buffer.concat(chunks).toString('utf8')
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
          })
        })
        request.on('error', reject)
        request.end(body)
      })
    },
    async health(agent: WitAgent): Promise<{ readonly status: number; readonly report: Record<string, unknown> }> {
      const response = await fetch(`http://127.0.0.1:${agent.healthPort}/healthz`)
      return { status: response.status, report: (await response.json()) as Record<string, unknown> }
    },
    async close(): Promise<void> {
      await Promise.all(agents.map((agent) => agent.close()))
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
