import type { IncomingMessage, ServerResponse } from 'node:http'
import { isWimseError, type ReplayStore, type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { describeFailure, type OperatorLog } from '@wimse/program'
import { type AuthenticatedWorkload, MAX_WIT_REQUEST_BYTES, processWitRequest } from '../request/process-wit-request.ts'
import { formatWitAnswer, WIT_REQUEST_PATH } from '../request/wit-request.ts'
import type { Upstream } from '../spire/upstream.ts'
import { type HttpAnswer, jsonAnswer, pathOf, problemAnswer, readRequestBody, routeAnswer, sendAnswer } from './http-answer.ts'
import { issueProvenWit } from './issue-wit-svid.ts'

export interface WitEndpointOptions {
  readonly identifier: WorkloadIdentifier
  readonly upstream: Upstream
  readonly replay: ReplayStore
  readonly runtime: Runtime
  readonly log: OperatorLog
}

const JSON_TYPE = /^application\/json(?:\s*;|$)/i

/**
 * Answers `POST /v1/wit-svid` of a workload that mutual TLS has authenticated: reads the body, has {@link processWitRequest} judge it
 * and SPIRE issue the WIT-SVID. Every answer leaves one line for the operator; a refusal goes to the workload as problem details.
 */
export function witHandler(
  options: WitEndpointOptions,
): (request: IncomingMessage, response: ServerResponse, peer: AuthenticatedWorkload) => Promise<void> {
  const { log } = options
  return async (request, response, peer) => {
    sendAnswer(
      request,
      response,
      await answer(request, peer, options).catch((error: unknown) => {
        if (!isWimseError(error)) {
          log.event('request.failed', { peer: peer.identifier, ...describeFailure(error) })
          return problemAnswer('ERR_WIT_AGENT_UPSTREAM')
        }
        log.event('wit.refused', { peer: peer.identifier, ...describeFailure(error) })
        return problemAnswer(error.code)
      }),
    )
  }
}

async function answer(
  request: IncomingMessage,
  peer: AuthenticatedWorkload,
  { identifier, upstream, replay, runtime, log }: WitEndpointOptions,
): Promise<HttpAnswer> {
  if (pathOf(request) !== WIT_REQUEST_PATH) return routeAnswer(404)
  if (request.method !== 'POST') return routeAnswer(405, 'POST')
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) throw new WimseError('ERR_WIT_AGENT_REQUEST', { detail: 'content-type' })
  const body = await readRequestBody(request, MAX_WIT_REQUEST_BYTES)
  const proven = await processWitRequest(body, { peer, audience: identifier, replay, runtime })
  const { answer: granted, entry } = await issueProvenWit(proven, upstream, runtime)
  log.event('wit.issued', {
    peer: peer.identifier,
    entry: entry.id,
    algorithm: proven.publicJwk.alg,
    thumbprint: proven.thumbprint,
    expiresAt: granted.expires_at,
  })
  return jsonAnswer(200, formatWitAnswer(granted))
}
