import { encodeEnvelope } from '@connectrpc/connect/protocol'
import { type MaybePromise, WimseError } from '@wimse/core'
import type { StreamItem, StreamProver, StreamVerifier } from './stream-proof.ts'

/** Octets of a message that are taken unless told otherwise: 1 MiB. */
export const DEFAULT_MAX_MESSAGE_BYTES = 1_048_576
/** What a proof and two tags add to a message at most. */
const PROOF_BYTES = 8192 + 64

type Octets = AsyncIterable<Uint8Array>
type StreamEnd = Extract<StreamItem, { readonly kind: 'end' }>

/** Flag and length, which gRPC puts before a message. */
const HEAD_BYTES = 5

/**
 * The messages of a body, each with the five octets that gRPC puts before it, exactly as they came. Room is made for what has come, never for what a
 * length announces, and octets that come one by one cost no more than others.
 */
async function* messagesOf(body: Octets, maxBytes: number): AsyncIterable<{ readonly whole: Uint8Array; readonly data: Uint8Array }> {
  let held = new Uint8Array(HEAD_BYTES)
  let filled = 0
  let wanted = HEAD_BYTES
  for await (const chunk of body) {
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest.subarray(0, wanted - filled)
      rest = rest.subarray(part.length)
      if (filled + part.length > held.length) held = grown(held, Math.min(wanted, Math.max(2 * held.length, filled + part.length)))
      held.set(part, filled)
      filled += part.length
      if (filled === HEAD_BYTES) {
        const length = new DataView(held.buffer).getUint32(1)
        if (length > maxBytes) throw new WimseError('ERR_MESSAGE_BODY_TOO_LARGE')
        wanted = HEAD_BYTES + length
      }
      if (filled < wanted) continue
      yield { whole: held, data: held.subarray(HEAD_BYTES) }
      held = new Uint8Array(HEAD_BYTES)
      filled = 0
      wanted = HEAD_BYTES
    }
  }
  if (filled > 0) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'an incomplete message' })
}

function grown(octets: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(size)
  more.set(octets)
  return more
}

/**
 * The one message of a body, with what gRPC puts before it.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` when there is none, or more than one, or what is no body of gRPC; `ERR_MESSAGE_BODY_TOO_LARGE`
 */
export async function onlyMessage(body: Octets, maxBytes: number): Promise<Uint8Array> {
  let only: Uint8Array | undefined
  for await (const { whole } of messagesOf(body, maxBytes)) {
    if (only !== undefined) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'several messages in a call of one' })
    only = whole
  }
  if (only === undefined) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'no message' })
  return only
}

/**
 * A body whose messages are proved, each in an envelope of its own, and one more for the end.
 *
 * @param status gives what the end says of the call, once everything before it has been read
 */
export async function* proveBody(body: Octets, prover: StreamProver, maxBytes: number, status?: () => string): Octets {
  for await (const { whole } of messagesOf(body, maxBytes)) yield encodeEnvelope(0, await prover.message(whole))
  yield encodeEnvelope(0, await prover.end(status?.()))
}

/**
 * The body that was proved, message by message as each is verified; what `proveBody` made comes back as it was.
 *
 * @param ended is told how the body ended: with the end, or without
 * @throws WimseError what the verifier throws, `ERR_MESSAGE_PROOF_MALFORMED`, `ERR_MESSAGE_MALFORMED`, `ERR_MESSAGE_BODY_TOO_LARGE`
 */
export async function* verifyBody(
  body: Octets,
  verify: StreamVerifier,
  maxBytes: number,
  ended: (end: StreamEnd | undefined) => MaybePromise<void>,
): Octets {
  let end: StreamEnd | undefined
  for await (const { whole, data } of messagesOf(body, maxBytes + PROOF_BYTES)) {
    if (whole[0] !== 0) throw new WimseError('ERR_MESSAGE_PROOF_MALFORMED', { detail: 'compressed' })
    const item = await verify(data)
    if (item.kind === 'end') end = item
    else yield item.message
  }
  await ended(end)
}
