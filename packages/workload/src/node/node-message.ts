import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fieldLinesOfRawHeaders, fieldValues, type RequestView, type ResponseView, requestViewOfParts } from '@wimse/core'

/**
 * The view of a request of node:http, with repeated header fields apart. The authority is what the sender named and decides nothing. The
 * body is not touched before someone reads it, unless it was read already and is given.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED`
 */
export function requestViewOfIncoming(incoming: IncomingMessage, octets?: Uint8Array): RequestView {
  const { method = '', url = '', rawHeaders, headers, socket } = incoming
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return requestViewOfParts({
    method,
    scheme: 'encrypted' in socket ? 'https' : 'http',
    authority: headers.host ?? '',
    target: url,
    fields: fieldLinesOfRawHeaders(rawHeaders),
    body: octets ?? (hasBody ? bodyOf(incoming) : null),
  })
}

/** A body that nobody reads is left to node, which drains it after the response so that the connection can go on. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        incoming.resume()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Octets of a body that is sent as one text with its header section: as many as one write of node:http takes without a copy in between. */
const ONE_WRITE_BYTES = 8192

/** Sends a response. Never rejects: a body that breaks off, or a response that can't be written, ends the connection, so that nobody takes a part for the whole. */
export async function sendResponse({ status, fields, body }: ResponseView, outgoing: ServerResponse): Promise<void> {
  try {
    const lines = fields.flat()
    if (body instanceof Uint8Array && fieldValues(fields, 'content-length').length === 0) lines.push('content-length', String(body.length))
    outgoing.writeHead(status, lines)
    if (body === null) outgoing.end()
    // A character for an octet: node:http joins texts with the header section, and writes octets apart from it.
    else if (!(body instanceof Uint8Array)) await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), outgoing)
    else if (body.length <= ONE_WRITE_BYTES) outgoing.end(latin1(body), 'latin1')
    else outgoing.end(body)
  } catch {
    outgoing.destroy()
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
