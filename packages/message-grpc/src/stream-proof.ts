import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { formatBase64url, isJsonObject, isWimseError, type JsonObject, type Runtime, recode, sameOctets, WimseError } from '@wimse/core'
import { decodeUnverifiedJws, isSignatureAlgorithm, signCompactJws, type UnverifiedJws } from '@wimse/keys'
import type { VerifiedWit, WitCredential } from '@wimse/wit'
import { type ProvedMessage, ProvedMessageSchema } from './generated/proved_message_pb.ts'

/** Which stream of messages: what one side of one call sends. */
export interface StreamName {
  /** SHA-256, in base64url, of the proof that opened the call: it has the client's signature, and no other call has it. */
  readonly id: string
  readonly direction: 'request' | 'response'
}

/** What a proved message was. */
export type StreamItem =
  | { readonly kind: 'message'; readonly message: Uint8Array }
  /** With the hash of the status, where the stream is a response. */
  | { readonly kind: 'end'; readonly status: string | undefined }

/** Proves the messages of a stream in their order. */
export interface StreamProver {
  /** @param message as gRPC frames it */
  message(message: Uint8Array): Promise<Uint8Array>
  /** The end. @param status what says how the call ended, where the stream is a response */
  end(status?: string): Promise<Uint8Array>
}

const TYP = 'wimse-ts-stream-proof+jwt'
const CLAIM = 'wimse_ts_stream'
const MEMBERS = ['id', 'direction', 'sequence', 'payload', 'end', 'status']

/**
 * A prover for one stream. Each message is bound to the stream, its direction and its place in it, and so is the end, so that nothing can be
 * left out, put in, moved or cut off without being noticed.
 */
export function createStreamProver({ id, direction }: StreamName, credential: WitCredential, runtime: Runtime): StreamProver {
  let sequence = 0
  const prove = async (message: Uint8Array, what: JsonObject): Promise<Uint8Array> => {
    const wth = await runtime.crypto.digestText('sha-256', credential.token)
    const claims = { wth, [CLAIM]: { id, direction, sequence, ...what } }
    sequence += 1
    return format(message, await signCompactJws({ typ: TYP }, claims, credential.signer))
  }
  return {
    message: async (message) => prove(message, { payload: formatBase64url(await runtime.crypto.digest('sha-256', message)) }),
    async end(status) {
      const bound = status === undefined ? {} : { status: await runtime.crypto.digestText('sha-256', status) }
      return prove(new Uint8Array(), { end: true, ...bound })
    },
  }
}

/** Verifies the messages of a stream in the order in which they come. */
export type StreamVerifier = (octets: Uint8Array) => Promise<StreamItem>

/**
 * A verifier for one stream of the workload whose WIT was verified when the call was opened. Of each message, in order: its form, the WIT,
 * should it have expired since, `typ`, `alg`, signature, `wth`, the stream and its direction, the place, and the message itself. After the
 * end nothing is taken. That there was an end is for the caller to see.
 *
 * @throws WimseError the verifier throws `ERR_MESSAGE_PROOF_…`, `ERR_WIT_EXPIRED`
 */
export function createStreamVerifier({ id, direction }: StreamName, wit: VerifiedWit, runtime: Runtime): StreamVerifier {
  let next = 0
  return async (octets) => {
    const { message, proof } = parse(octets)
    const jws = decode(proof)
    if (runtime.now() / 1000 >= wit.refusedFrom) throw new WimseError('ERR_WIT_EXPIRED')
    const { typ, alg } = jws.header
    if (typ !== TYP) throw new WimseError('ERR_MESSAGE_PROOF_TYP')
    if (!isSignatureAlgorithm(alg)) throw new WimseError('ERR_MESSAGE_PROOF_ALG')
    if (alg !== wit.confirmation.algorithm) throw new WimseError('ERR_MESSAGE_PROOF_ALG_MISMATCH')
    if (!(await wit.confirmation.verify(jws.signingInput, jws.signature))) throw new WimseError('ERR_MESSAGE_PROOF_SIGNATURE')
    if (jws.payload['wth'] !== wit.hash) throw new WimseError('ERR_MESSAGE_PROOF_WTH')
    const claim = jws.payload[CLAIM]
    if (!isJsonObject(claim) || !Object.keys(claim).every((name) => MEMBERS.includes(name))) {
      throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: CLAIM })
    }
    if (claim['id'] !== id || claim['direction'] !== direction) throw new WimseError('ERR_MESSAGE_PROOF_STREAM')
    if (claim['sequence'] !== next) throw new WimseError('ERR_MESSAGE_PROOF_SEQUENCE')
    const item = await readItem(claim, message, runtime)
    // Nothing is the next one after the end.
    next = item.kind === 'end' ? Number.NaN : next + 1
    return item
  }
}

async function readItem({ payload, end, status }: JsonObject, message: Uint8Array, runtime: Runtime): Promise<StreamItem> {
  if (end !== undefined) {
    const known = end === true && payload === undefined && (status === undefined || typeof status === 'string')
    if (!known) throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: 'end' })
    if (message.length > 0) throw new WimseError('ERR_MESSAGE_PROOF_PAYLOAD')
    return { kind: 'end', status }
  }
  if (typeof payload !== 'string' || status !== undefined) throw new WimseError('ERR_MESSAGE_PROOF_CLAIM', { detail: 'payload' })
  if (payload !== formatBase64url(await runtime.crypto.digest('sha-256', message))) throw new WimseError('ERR_MESSAGE_PROOF_PAYLOAD')
  return { kind: 'message', message }
}

/** In the one form that a prover gives it: readers of protobuf take more than one, and what else is in there isn't covered by the proof. */
function parse(octets: Uint8Array): { readonly message: Uint8Array; readonly proof: string } {
  const { message, proof } = parseAny(octets)
  if (!sameOctets(format(message, proof), octets)) throw new WimseError('ERR_MESSAGE_PROOF_MALFORMED', { detail: 'another form' })
  return { message, proof }
}

function parseAny(octets: Uint8Array): ProvedMessage {
  try {
    return fromBinary(ProvedMessageSchema, octets)
  } catch (cause) {
    throw new WimseError('ERR_MESSAGE_PROOF_MALFORMED', { detail: 'no proved message', cause })
  }
}

function format(message: Uint8Array, proof: string): Uint8Array {
  return toBinary(ProvedMessageSchema, create(ProvedMessageSchema, { message, proof }))
}

function decode(token: string): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token)
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_MESSAGE_PROOF_MALFORMED', error) : error
  }
}
