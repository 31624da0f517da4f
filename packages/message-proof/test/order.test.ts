import type { CryptoEngine, DeliveryEntry, ErrorCode, FieldLines, Runtime } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { createWitVerifier, WIT_FIELD } from '@wimse/wit'
import { beforeAll, expect, it } from 'vitest'
import { createMessageVerifier, MESSAGE_PROOF_FIELD } from '../src/index.ts'
import { codeOf, createWorld, DESTINATION, type Forgery, messageWith, NOW, PAYLOAD, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

interface Fault extends Forgery {
  readonly fields?: FieldLines
  readonly otherKey?: true
  readonly wit?: string
  readonly payload?: Uint8Array
  readonly takenAt?: number
}

/** Each fault in the order in which it is found, the latest first, so that every message has its own and all that come after. */
const faults: readonly (readonly [code: ErrorCode, fault: Fault])[] = [
  ['ERR_MESSAGE_PROOF_REPLAYED', { claims: { jti: 'used' } }],
  ['ERR_MESSAGE_PROOF_FIELD_MISSING', { fields: [['X-Bound', 'a']] }],
  ['ERR_MESSAGE_PROOF_FIELD_UNKNOWN', { message: { fields: { 'x-other': 'A' } } }],
  ['ERR_MESSAGE_PROOF_CONTENT_TYPE', { message: { content_type: 'text/plain' } }],
  ['ERR_MESSAGE_PROOF_PAYLOAD', { message: { payload: 'A' } }],
  ['ERR_MESSAGE_PROOF_CLAIM', { message: { payload: 1 } }],
  ['ERR_MESSAGE_PROOF_TTH', { claims: { tth: 'A' } }],
  ['ERR_MESSAGE_PROOF_WTH', { claims: { wth: 'A' } }],
  ['ERR_MESSAGE_PROOF_CLAIM', { claims: { jti: 1 } }],
  ['ERR_MESSAGE_PROOF_LIFETIME', { claims: { exp: NOW + 100_000 } }],
  ['ERR_MESSAGE_PROOF_NOT_YET_VALID', { claims: { iat: NOW + 99_000 } }],
  ['ERR_MESSAGE_PROOF_EXPIRED', { claims: { iat: NOW - 200, exp: NOW - 100 } }],
  ['ERR_MESSAGE_PROOF_CLAIM', { claims: { iat: 'x' } }],
  ['ERR_MESSAGE_PROOF_DESTINATION', { claims: { aud: 'x' } }],
  ['ERR_MESSAGE_PROOF_SIGNATURE', { otherKey: true }],
  ['ERR_MESSAGE_PROOF_ALG_MISMATCH', { header: { alg: 'ES384' } }],
  ['ERR_MESSAGE_PROOF_ALG', { header: { alg: 'none' } }],
  ['ERR_MESSAGE_PROOF_TYP', { header: { typ: 'JWT' } }],
  ['ERR_WIT_MALFORMED', { wit: 'x' }],
  ['ERR_WIT_MISSING', { wit: '' }],
  ['ERR_MESSAGE_PROOF_MALFORMED', { header: { crit: ['a'] } }],
  ['ERR_MESSAGE_PROOF_COUNT', { fields: [[MESSAGE_PROOF_FIELD, 'x']] }],
  ['ERR_MESSAGE_PROOF_TAKEN_AT', { takenAt: NOW + 1000 }],
  ['ERR_MESSAGE_BODY_TOO_LARGE', { payload: new Uint8Array(101) }],
]

it.each(faults.map(([code], index) => [code, index] as const))('of several faults the earliest decides: %s (%i)', async (code, index) => {
  let verifications = 0
  const crypto: CryptoEngine = {
    ...world.runtime.crypto,
    verify(...args) {
      verifications += 1
      return world.runtime.crypto.verify(...args)
    },
  }
  const runtime: Runtime = { ...world.runtime, crypto }
  const verifyWit = createWitVerifier({ trust: world.trust, profile: 'wimse', runtime })
  await verifyWit(world.credential.token)
  const claimed: string[] = []
  const deliveries = {
    claim: ({ id }: DeliveryEntry) => {
      claimed.push(id)
      return id === 'used' ? ('other' as const) : ('new' as const)
    },
  }
  const chosen = faults.slice(0, index + 1).map(([, fault]) => fault)
  const [header, claims, message] = (['header', 'claims', 'message'] as const).map((part) =>
    Object.assign({}, ...chosen.map((fault) => fault[part])),
  )
  const signer = chosen.some(({ otherKey }) => otherKey) ? { signer: (await generateSigner('ES256', runtime)).signer } : {}
  const proof = await world.forge({ header, claims, message, ...signer })
  const wit = chosen.findLast((fault) => fault.wit !== undefined)?.wit ?? world.credential.token
  const fields = [[WIT_FIELD, wit], ...chosen.flatMap((fault) => fault.fields ?? []), [MESSAGE_PROOF_FIELD, proof]] as const
  const { payload = PAYLOAD, takenAt = NOW } = Object.assign({}, ...chosen) as Fault
  const verify = createMessageVerifier({
    verifyWit,
    destinations: DESTINATION,
    boundFields: ['x-bound'],
    deliveries,
    brokerTime: { trusted: true, maxAgeSeconds: 60 },
    maxPayloadBytes: 100,
    runtime,
  })
  verifications = 0
  expect(await codeOf(verify(messageWith(fields, { payload }), { position: 'jobs:1', takenAt }))).toBe(code)
  // Nothing is believed before the signature, and no signature is verified of what has a fault before it.
  expect(verifications).toBe(index <= faults.findIndex(([other]) => other === 'ERR_MESSAGE_PROOF_SIGNATURE') ? 1 : 0)
  // The store is asked last and only once everything else held.
  expect(claimed).toEqual(code === 'ERR_MESSAGE_PROOF_REPLAYED' ? ['used'] : [])
})
