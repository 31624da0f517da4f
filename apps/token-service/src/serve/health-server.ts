import { createServer } from 'node:http'
import { type ListenAddress, type Listening, listen } from '@wimse/program'
import { REQUEST_LIMITS } from './request-limits.ts'

/** What readiness says, without secrets. */
export interface HealthReport {
  readonly ready: boolean
  /** End of the X.509-SVID that is shown to clients, in seconds since the epoch. */
  readonly svidExpiresAt: number | null
  /** Whether there are anchors of the own trust domain. */
  readonly trust: boolean
  /** The key that signs now. */
  readonly keyId: string
  /** Where proofs, used grants and revocations are remembered, and whether it answers: without it nothing is issued. */
  readonly state: 'memory' | 'redis'
  readonly stateReachable: boolean
  readonly memory: MemoryReport
}

/** What the process has taken. */
export interface MemoryReport {
  /** Octets of the heap that are in use. */
  readonly heapUsedBytes: number
  /** Octets of the process that are in the machine's memory. */
  readonly residentBytes: number
}

/**
 * Serves liveness and readiness in the clear, on the loopback interface: `GET /livez` is 200 as long as the process answers, `GET /readyz` is 200 when
 * tokens can be issued and 503 otherwise.
 */
export function serveHealth(address: ListenAddress, report: () => Promise<HealthReport>): Promise<Listening> {
  const server = createServer(REQUEST_LIMITS, async (request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(request.method === 'HEAD' ? undefined : JSON.stringify(body))
    }
    const known = request.url === '/livez' || request.url === '/readyz'
    if (!known) return answer(404, {})
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, {})
    if (request.url === '/livez') return answer(200, { live: true })
    const health = await report()
    return answer(health.ready ? 200 : 503, health)
  })
  return listen(server, address)
}
