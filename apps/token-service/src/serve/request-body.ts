import type { IncomingMessage } from 'node:http'

/**
 * The body of a request as octets, where its length is told and within the limit; undefined where it isn't, or where the body breaks off: the stream
 * of the request then tells. Nearly every request has a small one, and a stream for it would cost more than all that is done with its form.
 */
export async function readSmallBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  // Node refuses a length beside a transfer coding, several lengths, and a body of another length.
  const length = Number(incoming.headers['content-length'])
  if (!(length > 0 && length <= maxBytes)) return undefined
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const breakOff = (): void => resolve(undefined)
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    incoming.on('error', breakOff)
    incoming.on('close', breakOff)
  })
}
