import { create, toBinary } from '@bufbuild/protobuf'
import { formatBase64url, isWimseError, utf8 } from '@wimse/core'
import { generateSigner, type Signer, signCompactJws } from '@wimse/keys'
import type { VerifiedWit, WitCredential } from '@wimse/wit'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProvedMessageSchema } from '../src/generated/proved_message_pb.ts'
import { createStreamProver, createStreamVerifier, type StreamName, type StreamVerifier } from '../src/stream-proof.ts'
import { CLIENT, createWorld, type World } from './support/world.ts'

const name: StreamName = { id: 'a'.repeat(43), direction: 'request' }
const message = utf8('a message')
let world: World
let credential: WitCredential
let wit: VerifiedWit
let hash: string
beforeAll(async () => {
  world = await createWorld()
  credential = await world.issue(CLIENT)
  wit = await world.verifyWit(credential.token)
  hash = formatBase64url(await world.runtime.crypto.digest('sha-256', message))
})
afterAll(() => world.close())

const verifier = (): StreamVerifier => createStreamVerifier(name, wit, world.runtime)
const framed = (proof: string, octets: Uint8Array = message): Uint8Array =>
  toBinary(ProvedMessageSchema, create(ProvedMessageSchema, { message: octets, proof }))

async function codeOf(step: Promise<unknown>): Promise<string> {
  return step.then(
    () => 'ok',
    (error: unknown) => (isWimseError(error) ? error.code : `uncoded: ${String(error)}`),
  )
}

type Members = Readonly<Record<string, unknown>>

/** A proof without fault but for what is told. */
async function forge(changes: {
  readonly header?: Members
  readonly claims?: Members
  readonly stream?: Members
  readonly signer?: Signer
}): Promise<string> {
  const stream = { ...name, sequence: 0, payload: hash, ...changes.stream }
  const claims = { wth: wit.hash, wimse_ts_stream: stream, ...changes.claims }
  const defined = JSON.parse(JSON.stringify({ header: { typ: 'wimse-ts-stream-proof+jwt', ...changes.header }, claims }))
  return signCompactJws(defined.header, defined.claims, changes.signer ?? credential.signer)
}

describe('a message of a stream', () => {
  it('without fault is taken', async () => {
    expect(await verifier()(framed(await forge({})))).toEqual({ kind: 'message', message })
  })

  const rows: readonly (readonly [title: string, code: string, changes: Parameters<typeof forge>[0], octets?: Uint8Array])[] = [
    ['without typ', 'ERR_MESSAGE_PROOF_TYP', { header: { typ: undefined } }],
    ['with the typ of a call', 'ERR_MESSAGE_PROOF_TYP', { header: { typ: 'wimse-ts-message-proof+jwt' } }],
    ['with crit', 'ERR_MESSAGE_PROOF_MALFORMED', { header: { crit: ['a'] } }],
    ['with another WIT', 'ERR_MESSAGE_PROOF_WTH', { claims: { wth: 'x' } }],
    ['without a WIT', 'ERR_MESSAGE_PROOF_WTH', { claims: { wth: undefined } }],
    ['without a stream', 'ERR_MESSAGE_PROOF_CLAIM', { claims: { wimse_ts_stream: undefined } }],
    ['with a list as stream', 'ERR_MESSAGE_PROOF_CLAIM', { claims: { wimse_ts_stream: [] } }],
    ['with a member that nobody understands', 'ERR_MESSAGE_PROOF_CLAIM', { stream: { compressed: true } }],
    ['of another stream', 'ERR_MESSAGE_PROOF_STREAM', { stream: { id: 'b'.repeat(43) } }],
    ['of the other direction', 'ERR_MESSAGE_PROOF_STREAM', { stream: { direction: 'response' } }],
    ['without a direction', 'ERR_MESSAGE_PROOF_STREAM', { stream: { direction: undefined } }],
    ['of another place', 'ERR_MESSAGE_PROOF_SEQUENCE', { stream: { sequence: 1 } }],
    ['with its place as text', 'ERR_MESSAGE_PROOF_SEQUENCE', { stream: { sequence: '0' } }],
    ['without a place', 'ERR_MESSAGE_PROOF_SEQUENCE', { stream: { sequence: undefined } }],
    ['without a hash', 'ERR_MESSAGE_PROOF_CLAIM', { stream: { payload: undefined } }],
    ['with another hash', 'ERR_MESSAGE_PROOF_PAYLOAD', { stream: { payload: 'x' } }],
    ['with other octets', 'ERR_MESSAGE_PROOF_PAYLOAD', {}, utf8('another')],
    ['with a status', 'ERR_MESSAGE_PROOF_CLAIM', { stream: { status: 'x' } }],
    ['that is an end, too', 'ERR_MESSAGE_PROOF_CLAIM', { stream: { end: true } }],
    ['that is no end', 'ERR_MESSAGE_PROOF_CLAIM', { stream: { end: false } }],
    ['that is an end with octets', 'ERR_MESSAGE_PROOF_PAYLOAD', { stream: { end: true, payload: undefined } }],
    ['that is an end with a status that is no text', 'ERR_MESSAGE_PROOF_CLAIM', { stream: { end: true, payload: undefined, status: 0 } }],
  ]
  it.each(rows.map(([title, code, changes, octets = message]) => [title, code, changes, octets] as const))(
    '%s is refused: %s',
    async (_title, code, changes, octets) => {
      expect(await codeOf(verifier()(framed(await forge(changes), octets)))).toBe(code)
    },
  )

  it('that another key has signed is refused, and so is another algorithm', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    expect(await codeOf(verifier()(framed(await forge({ signer }))))).toBe('ERR_MESSAGE_PROOF_SIGNATURE')
    const { signer: larger } = await generateSigner('ES384', world.runtime)
    expect(await codeOf(verifier()(framed(await forge({ signer: larger }))))).toBe('ERR_MESSAGE_PROOF_ALG_MISMATCH')
  })

  it('is refused with a field that nobody knows, or one twice', async () => {
    const whole = framed(await forge({}))
    for (const more of [
      [0x1a, 0x01, 0x61],
      [0x0a, 0x01, 0x61, ...whole],
    ]) {
      expect(await codeOf(verifier()(new Uint8Array([...whole, ...more])))).toBe('ERR_MESSAGE_PROOF_MALFORMED')
    }
  })
})

it('any messages come back in their order, and after the end none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array(), { maxLength: 5 }), fc.option(fc.string(), { nil: undefined }), async (messages, status) => {
      const prover = createStreamProver(name, credential, world.runtime)
      const verify = verifier()
      for (const sent of messages) expect(await verify(await prover.message(sent))).toEqual({ kind: 'message', message: sent })
      expect(await verify(await prover.end(status))).toMatchObject({
        kind: 'end',
        status: status === undefined ? undefined : expect.any(String),
      })
      expect(await codeOf(verify(await prover.message(message)))).toBe('ERR_MESSAGE_PROOF_SEQUENCE')
      expect(await codeOf(verify(await prover.end()))).toBe('ERR_MESSAGE_PROOF_SEQUENCE')
    }),
    { numRuns: 30 },
  )
})

it('arbitrary octets end in a coded error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.string({ unit: 'binary' }), fc.json(), async (octets, proof, json) => {
      expect(await codeOf(verifier()(octets))).toMatch(/^ERR_MESSAGE_PROOF_/)
      expect(await codeOf(verifier()(framed(proof.toWellFormed())))).toMatch(/^ERR_MESSAGE_PROOF_/)
      const shaped = [json, json, 'a'].map((part) => formatBase64url(utf8(part))).join('.')
      expect(await codeOf(verifier()(framed(shaped)))).toMatch(/^ERR_MESSAGE_PROOF_/)
    }),
  )
})
