import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ErrorCode, errorAnswer, utf8, WimseError } from '@wimse/core'

/** An answer that is ready to be sent. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** An answer in JSON that nobody may keep. */
export function jsonAnswer(status: number, value: object | Uint8Array): HttpAnswer {
  const body = value instanceof Uint8Array ? value : utf8(JSON.stringify(value))
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body }
}

/** Problem details of a refusal (RFC 9457). */
export function problemAnswer(code: ErrorCode): HttpAnswer {
  const { status, headers, problem } = errorAnswer(code, { takesWpt: false })
  return { status, headers: Object.fromEntries(headers), body: utf8(JSON.stringify(problem)) }
}

/** There is no such resource here, or it takes another method. */
export function routeAnswer(status: 404 | 405, allow?: string): HttpAnswer {
  const headers = { 'content-type': 'application/problem+json', ...(allow !== undefined && { allow }) }
  return { status, headers, body: utf8(JSON.stringify({ type: 'about:blank', status })) }
}

/** Sends an answer with its length; the body is left out for HEAD. */
export function sendAnswer(request: IncomingMessage, response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  // What was not read of the request would be taken for the next one.
  if (!request.complete) response.setHeader('connection', 'close')
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The path of a request without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? ''
}

/** Reads a body. @throws WimseError `ERR_MESSAGE_BODY_TOO_LARGE`, `ERR_MESSAGE_MALFORMED` when it breaks off */
export async function readRequestBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request) {
      size += chunk.length
      if (size > maxBytes) throw new WimseError('ERR_MESSAGE_BODY_TOO_LARGE')
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof WimseError ? error : new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'the body breaks off' })
  }
  return Buffer.concat(chunks)
}
