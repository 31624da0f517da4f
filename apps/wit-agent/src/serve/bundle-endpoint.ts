import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BundlePublication } from '../spire/bundle-publication.ts'
import { type HttpAnswer, pathOf, problemAnswer, routeAnswer, sendAnswer } from './http-answer.ts'

export const BUNDLE_PATH = '/bundle'

/**
 * Answers `GET /bundle` with the newest bundle (FED-5.2.2.3-03) in UTF-8 (FED-5.2.2.3-05) as `application/json` (FED-5.2.2.3-06),
 * to anyone who asks: clients are not authenticated (FED-5.2.2.3-02).
 */
export function bundleHandler(publication: () => BundlePublication): (request: IncomingMessage, response: ServerResponse) => void {
  const answer = (request: IncomingMessage): HttpAnswer => {
    if (pathOf(request) !== BUNDLE_PATH) return routeAnswer(404)
    if (request.method !== 'GET' && request.method !== 'HEAD') return routeAnswer(405, 'GET, HEAD')
    const { document } = publication()
    if (document === undefined) return problemAnswer('ERR_WIT_AGENT_UPSTREAM')
    return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'no-cache' }, body: document }
  }
  return (request, response) => sendAnswer(request, response, answer(request))
}
