import type { ErrorCode, FieldLines } from '@wimse/core'
import { decodeUnverifiedJws, generateSigner, WIMSE_ALGORITHMS } from '@wimse/keys'
import { createTestRuntime } from '@wimse/testing'
import { WIT_FIELD } from '@wimse/wit'
import { decodeJwt, importJWK, jwtVerify, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type CreateMessageProofOptions,
  createMessageProof,
  DEFAULT_MESSAGE_PROOF_LIFETIME_SECONDS,
  MESSAGE_PROOF_FIELD,
  type MessageView,
} from '../src/index.ts'
import { codeOf, createWorld, DESTINATION, messageWith, NOW, PAYLOAD, proved, type World } from './support/world.ts'

// SHA-256 of the payload of the tests and of the texts "grant" and "h.c.s", made by OpenSSL.
const PAYLOAD_HASH = 'nphsm84jzsczsJS1VAtw-cVIHcez-pSagGV3-VI6zvY'
const GRANT_HASH = 'NJKtZdBalz_vjIJVIe60GuZGJaZyqK7uq8aW4W1ioCA'
const TXN_HASH = 'jqXvpzL5nd1P9B3yRea_fdZmAwMQkb9xlFQjIgaePBI'

let world: World
let options: CreateMessageProofOptions
beforeAll(async () => {
  world = await createWorld()
  options = { credential: world.credential, runtime: world.runtime }
})

async function proofOf(message: MessageView, more: Partial<CreateMessageProofOptions> = {}): Promise<string> {
  return (await createMessageProof(message, { ...options, ...more }))[1]?.[1] ?? ''
}

describe('a proof that is created', () => {
  it('has these headers and claims and no others, and comes with the WIT', async () => {
    const lines = await createMessageProof(messageWith([['Nats-Msg-Id', '1']]), options)
    expect(lines).toEqual([
      [WIT_FIELD, world.credential.token],
      [MESSAGE_PROOF_FIELD, expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/)],
    ])
    const { header, payload } = decodeUnverifiedJws(lines[1]?.[1] ?? '')
    expect(header).toEqual({ alg: 'ES256', typ: 'wimse-ts-message-proof+jwt' })
    expect(payload).toEqual({
      aud: DESTINATION,
      iat: NOW,
      exp: NOW + DEFAULT_MESSAGE_PROOF_LIFETIME_SECONDS,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      wth: await world.runtime.crypto.digestText('sha-256', world.credential.token),
      wimse_ts_msg: { payload: PAYLOAD_HASH },
    })
  })

  it('binds content type, transaction token and the fields named that the message has', async () => {
    const fields: FieldLines = [
      ['Content-Type', ' application/json'],
      ['Txn-Token', 'h.c.s'],
      ['Deferred-Grant', 'grant\t'],
      ['x-other', 'a'],
    ]
    const { payload } = decodeUnverifiedJws(await proofOf(messageWith(fields), { boundFields: ['deferred-GRANT', 'x-absent'] }))
    expect(payload['tth']).toBe(TXN_HASH)
    expect(payload['wimse_ts_msg']).toEqual({
      payload: PAYLOAD_HASH,
      content_type: 'application/json',
      fields: { 'deferred-grant': GRANT_HASH },
    })
  })

  it('lives for a minute unless told, and never longer than its WIT', async () => {
    expect(decodeJwt(await proofOf(messageWith([]), { lifetimeSeconds: 300 })).exp).toBe(NOW + 300)
    const credential = await world.issue(world.credential.signer, 20)
    expect(decodeJwt(await proofOf(messageWith([]), { credential })).exp).toBe(NOW + 20)
  })

  it('has a jti of 128 random bits that no other has', async () => {
    const made = await Promise.all(Array.from({ length: 300 }, async () => decodeJwt(await proofOf(messageWith([]))).jti ?? ''))
    expect(new Set(made).size).toBe(300)
    expect(Buffer.from(made[0] ?? '', 'base64url')).toHaveLength(16)
  })

  it.each([...WIMSE_ALGORITHMS, 'RS256' as const])('is accepted with %s', async (algorithm) => {
    const other = await createWorld(algorithm)
    const message = messageWith([])
    const lines = await createMessageProof(message, { credential: other.credential, runtime: other.runtime })
    expect(await other.verify({ ...message, fields: lines })).toMatchObject({ identifier: 'spiffe://shop.example/orders' })
  })
})

describe('no proof is created', () => {
  type Row = readonly [title: string, code: ErrorCode, message: Partial<MessageView>, options?: Partial<CreateMessageProofOptions>]
  const field = (name: string, value = 'a'): Partial<MessageView> => ({ fields: [[name, value]] })
  const rows: readonly Row[] = [
    ['without a destination', 'ERR_OPTIONS_INVALID', { destination: '' }],
    ['for a destination without a scheme', 'ERR_OPTIONS_INVALID', { destination: 'settlement.jobs' }],
    ['for a destination with a space', 'ERR_OPTIONS_INVALID', { destination: 'nats://shop.example/a b' }],
    ['for a destination that is too long', 'ERR_OPTIONS_INVALID', { destination: `nats://${'a'.repeat(2048)}` }],
    ['for an hour', 'ERR_OPTIONS_INVALID', {}, { lifetimeSeconds: 3600 }],
    ['for no time', 'ERR_OPTIONS_INVALID', {}, { lifetimeSeconds: 0 }],
    ['without an end', 'ERR_OPTIONS_INVALID', {}, { lifetimeSeconds: Number.NaN }],
    ['for a message with a WIT', 'ERR_OPTIONS_INVALID', field('Workload-Identity-Token')],
    ['for a message with a proof', 'ERR_OPTIONS_INVALID', field('Wimse-Ts-Message-Proof')],
    ['for two content types', 'ERR_OPTIONS_INVALID', { fields: ['a', 'b'].map((type) => ['content-type', type] as const) }],
    ['for a content type that is not ASCII', 'ERR_OPTIONS_INVALID', field('content-type', 'ü')],
    ['for an empty transaction token', 'ERR_OPTIONS_INVALID', field('txn-token', ' ')],
    ['for two transaction tokens', 'ERR_OPTIONS_INVALID', { fields: ['a', 'a'].map((token) => ['txn-token', token] as const) }],
    ['for a transaction token that is not ASCII', 'ERR_OPTIONS_INVALID', field('txn-token', 'ü')],
    [
      'for a bound field that is repeated',
      'ERR_OPTIONS_INVALID',
      { fields: ['x-a', 'X-A'].map((name) => [name, 'a'] as const) },
      { boundFields: ['x-a'] },
    ],
    ['for a bound field that is not ASCII', 'ERR_OPTIONS_INVALID', field('x-a', '\u2028'), { boundFields: ['x-a'] }],
    ...['content-type', 'Txn-Token', 'workload-identity-token', 'wimse-ts-message-proof', '__proto__', 'x a', ''].map(
      (name): Row => [`that binds ${JSON.stringify(name)} by name`, 'ERR_OPTIONS_INVALID', {}, { boundFields: [name] }],
    ),
  ]
  it.each(rows.map(([title, code, message, more = {}]) => [title, code, message, more] as const))(
    '%s',
    async (_title, code, message, more) => {
      expect(await codeOf(proofOf(messageWith([], message), more))).toBe(code)
    },
  )

  it('once the WIT has expired', async () => {
    const runtime = createTestRuntime({ now: (NOW + 3600) * 1000 })
    expect(await codeOf(proofOf(messageWith([]), { runtime }))).toBe('ERR_CREDENTIAL_EXPIRED')
  })
})

// jose shares no code with us: what one of the two makes, the other has to take.
describe.each(WIMSE_ALGORITHMS)('%s', (algorithm) => {
  it('jose verifies a proof that we create', async () => {
    const { credential, runtime } = await createWorld(algorithm)
    const token = await proofOf(messageWith([]), { credential, runtime })
    const { payload } = await jwtVerify(token, await importJWK({ ...credential.signer.publicJwk }, algorithm), {
      algorithms: [algorithm],
      typ: 'wimse-ts-message-proof+jwt',
      audience: DESTINATION,
      requiredClaims: ['iat', 'exp', 'jti', 'wth', 'wimse_ts_msg'],
      currentDate: new Date(NOW * 1000),
    })
    expect(payload['wimse_ts_msg']).toEqual({ payload: PAYLOAD_HASH })
  })

  it('we verify a proof that jose signs', async () => {
    const other = await createWorld(algorithm)
    const { signer, exportPrivateJwk } = await generateSigner(algorithm, other.runtime)
    const credential = await other.issue(signer)
    const token = await new SignJWT({
      wth: await other.runtime.crypto.digestText('sha-256', credential.token),
      wimse_ts_msg: { payload: PAYLOAD_HASH },
    })
      .setProtectedHeader({ alg: algorithm, typ: 'wimse-ts-message-proof+jwt' })
      .setAudience(DESTINATION)
      .setIssuedAt(NOW)
      .setExpirationTime(NOW + 60)
      .setJti('a')
      .sign(await importJWK({ ...exportPrivateJwk() }, algorithm))
    expect(await codeOf(other.verify(proved({ ...other, credential }, token, [], { payload: PAYLOAD })))).toBe('ok')
  })
})
