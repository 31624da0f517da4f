import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Runtime } from '@wimse/core'
import type { Upstream } from '../spire/upstream.ts'
import { type HttpAnswer, jsonAnswer, pathOf, routeAnswer, sendAnswer } from './http-answer.ts'

/** What the health endpoint says. Times are seconds since the epoch. */
export interface HealthReport {
  /** `ok`: the last round with the server went well. `degraded`: it did not, what is live is served. `down`: nothing can be served. */
  readonly status: 'ok' | 'degraded' | 'down'
  readonly server: {
    readonly reachable: boolean
    readonly lastSync: number | null
    readonly lastError: { readonly code: string; readonly at: number } | null
  }
  readonly node: { readonly identifier: string; readonly expiresAt: number } | null
  readonly serving: { readonly identifier: string; readonly expiresAt: number } | null
  readonly entries: number
  readonly bundle: { readonly sequence: number; readonly x509: number; readonly jwt: number; readonly wit: number }
}

export const HEALTH_PATH = '/healthz'

/** The state of a WIT agent, in one object without secrets. */
export function reportHealth(upstream: Upstream, runtime: Pick<Runtime, 'now'>): HealthReport {
  const { node, serving, entries, publication, status } = upstream
  const live = (svid: { readonly notAfter: number } | undefined): boolean => svid !== undefined && runtime.now() / 1000 < svid.notAfter
  const shown = attempt(() => serving.current())
  const serves = live(shown) && publication.document !== undefined
  return {
    status: !serves ? 'down' : status.synchronized && live(node.svid) ? 'ok' : 'degraded',
    server: { reachable: status.reachable, lastSync: status.lastSync ?? null, lastError: status.lastError ?? null },
    node: node.svid ? { identifier: node.svid.identifier, expiresAt: node.svid.notAfter } : null,
    serving: shown ? { identifier: shown.identifier, expiresAt: shown.notAfter } : null,
    entries: entries.size,
    bundle: { sequence: publication.sequence, ...publication.counts },
  }
}

/** Answers `GET /healthz`: 200 when all is well, 503 otherwise. */
export function healthHandler(
  upstream: Upstream,
  runtime: Pick<Runtime, 'now'>,
): (request: IncomingMessage, response: ServerResponse) => void {
  const answer = (request: IncomingMessage): HttpAnswer => {
    if (pathOf(request) !== HEALTH_PATH) return routeAnswer(404)
    if (request.method !== 'GET' && request.method !== 'HEAD') return routeAnswer(405, 'GET, HEAD')
    const report = reportHealth(upstream, runtime)
    return jsonAnswer(report.status === 'ok' ? 200 : 503, report)
  }
  return (request, response) => sendAnswer(request, response, answer(request))
}

function attempt<T>(step: () => T): T | undefined {
  try {
    return step()
  } catch {
    return undefined
  }
}
