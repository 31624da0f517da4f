import { type MsgHdrs, headers as natsHeaders } from '@nats-io/transport-node'
import { type FieldLines, WimseError } from '@wimse/core'

/** Names that the broker reads commands in (`Nats-Rollup`, `Nats-Expected-…`) or writes itself. */
const OF_NATS = /^nats-/i

/**
 * Header lines of NATS, in order.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a field of NATS itself: publishing has options for those; and for a name or value that is none
 */
export function natsHeadersOf(fields: FieldLines): MsgHdrs {
  const headers = natsHeaders()
  for (const [name, value] of fields) {
    if (OF_NATS.test(name)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a field of NATS in a message' })
    try {
      headers.append(name, value)
    } catch {
      throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a header field of a message' })
    }
  }
  return headers
}

/**
 * The lines of a header block with repeated ones apart, grouped by name as it is written. NATS keeps the case of names, whoever reads
 * them here doesn't: `Content-Type` beside `content-type` is one field twice.
 *
 * @returns undefined for a block that is malformed
 */
export function fieldLinesOfNats(read: () => MsgHdrs | undefined): FieldLines | undefined {
  try {
    return [...(read() ?? [])].flatMap(([name, values]) => values.map((value) => [name, value] as const))
  } catch {
    return undefined
  }
}
