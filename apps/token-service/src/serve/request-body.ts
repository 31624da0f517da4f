import type { IncomingMessage } from 'node:http'
import type { RequestView } from '@wimse/core'

/**
 * The request with its body as octets, where its length is told and within the limit; else as it is, with a stream that is read up to the limit
 * later. Nearly every request is of the first kind, and a stream for it would cost more than all that is done with its form.
 */
export async function withSmallBody(view: RequestView, incoming: IncomingMessage, maxBytes: number): Promise<RequestView> {
  const length = incoming.headers['content-length']
  // Node refuses a length beside a transfer coding, several lengths, and a body of another length.
  if (length === undefined || view.body === null || !(Number(length) <= maxBytes)) return view
  const body = await octetsOf(incoming)
  // One that broke off is told by whoever reads the stream.
  return body === undefined ? view : { ...view, body }
}

function octetsOf(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const breakOff = (): void => resolve(undefined)
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    incoming.once('error', breakOff)
    incoming.once('close', breakOff)
  })
}
