import { type EnvelopedMessage, encodeEnvelope, transformSplitEnvelope } from '@connectrpc/connect/protocol'
import { type MaybePromise, WimseError } from '@wimse/core'
import type { StreamItem, StreamProver, StreamVerifier } from './stream-proof.ts'

/** Octets of a message that are taken unless told otherwise: 1 MiB. */
export const DEFAULT_MAX_MESSAGE_BYTES = 1_048_576
/** What a proof and two tags add to a message at most. */
const PROOF_BYTES = 8192 + 64

type Octets = AsyncIterable<Uint8Array>
type StreamEnd = Extract<StreamItem, { readonly kind: 'end' }>

/** The messages of a body, each with the five octets that gRPC puts before it, exactly as they came. */
async function* messagesOf(body: Octets, maxBytes: number): AsyncIterable<{ readonly whole: Uint8Array; readonly data: Uint8Array }> {
  const split: AsyncIterable<EnvelopedMessage> = transformSplitEnvelope(maxBytes)(body)
  for await (const { flags, data } of split) yield { whole: encodeEnvelope(flags, data), data }
}

/**
 * The one message of a body, with what gRPC puts before it.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` when there is none, or more than one; a ConnectError for what is no body of gRPC or beyond the limit
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
 * @throws WimseError what the verifier throws, and `ERR_MESSAGE_PROOF_MALFORMED`
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
