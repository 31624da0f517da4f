import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { fieldLinesOfRawHeaders, type RequestView, type ResponseView, requestViewOfParts } from '@wimse/core'

/**
 * The view of a request of node:http, with repeated header fields apart. The authority is what the sender named and decides nothing.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED`
 */
export function requestViewOfIncoming(incoming: IncomingMessage): RequestView {
  const { method = '', url = '', rawHeaders, headers, socket } = incoming
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return requestViewOfParts({
    method,
    scheme: 'encrypted' in socket ? 'https' : 'http',
    authority: headers.host ?? '',
    target: url,
    fields: fieldLinesOfRawHeaders(rawHeaders),
    body: hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null,
  })
}

/** Sends a response. A body that breaks off ends the connection, so that nobody takes a part for the whole. */
export async function sendResponse(response: ResponseView, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, response.fields.flat())
  const { body } = response
  if (body === null || body instanceof Uint8Array) {
    outgoing.end(body ?? undefined)
    return
  }
  try {
    for await (const chunk of body) {
      if (!outgoing.write(chunk)) await new Promise((resolve) => outgoing.once('drain', resolve))
    }
    outgoing.end()
  } catch {
    outgoing.destroy()
  }
}
