import { concatOctets } from '../encoding/octets.ts'
import { WimseError } from '../errors/wimse-error.ts'
import type { MessageBody } from './message-view.ts'

/** Octets of a body that are read unless told otherwise: 1 MiB. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576

/**
 * Reads a body whole, up to a limit; a stream that goes beyond it is cancelled at once.
 *
 * @throws WimseError `ERR_MESSAGE_BODY_TOO_LARGE`, `ERR_MESSAGE_MALFORMED` when the stream breaks, was read before or holds no octets
 */
export async function readBody(body: MessageBody, maxBytes: number = DEFAULT_MAX_BODY_BYTES): Promise<Uint8Array> {
  if (body === null) return new Uint8Array()
  if (body instanceof Uint8Array) {
    // Not `>`: a limit that is no number lets nothing through.
    if (!(body.length <= maxBytes)) throw new WimseError('ERR_MESSAGE_BODY_TOO_LARGE')
    return body
  }
  if (body.locked) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'the body was read before' })
  const parts: Uint8Array[] = []
  let length = 0
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'the body broke off', cause })
    })
    if (done) return parts.length === 1 ? (parts[0] ?? new Uint8Array()) : concatOctets(parts)
    if (!(value instanceof Uint8Array)) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'the body is no stream of octets' })
    length += value.length
    if (!(length <= maxBytes)) {
      // Not waited for: one half of a stream that was teed ends only with the other.
      void reader.cancel().catch(() => undefined)
      throw new WimseError('ERR_MESSAGE_BODY_TOO_LARGE')
    }
    parts.push(value)
  }
}
