import { type ErrorCode, type FieldLines, utf8 } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { WIT_FIELD } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createMessageProof,
  createMessageVerifier,
  MESSAGE_PROOF_FIELD,
  type MessageVerifierOptions,
  type MessageView,
} from '../src/index.ts'
import { codeOf, createWorld, DESTINATION, type Forgery, forgeJws, messageWith, NOW, PAYLOAD, proved, type World } from './support/world.ts'

let world: World
let hash: (text: string) => string
beforeAll(async () => {
  world = await createWorld()
  hash = (text) => String(world.runtime.crypto.digestText('sha-256', text))
})

type Options = Partial<MessageVerifierOptions>

/** Verifies a forged proof. */
async function outcome(forgery: Forgery, options?: Options, fields?: FieldLines, change?: Partial<MessageView>): Promise<string> {
  return codeOf(world.verify(proved(world, await world.forge(forgery), fields, change), options))
}

describe('a message is accepted', () => {
  const rows: readonly (readonly [title: string, forgery: Forgery, options?: Options])[] = [
    ['without fault', {}],
    ['with application/ before typ, in any case', { header: { typ: 'application/WIMSE-ts-message-proof+jwt' } }],
    ['with a kid and a key in its header, which count for nothing', { header: { kid: 'other', jwk: { kty: 'oct' } } }],
    ['from one of several destinations', {}, { destinations: ['nats://shop.example/other', DESTINATION] }],
    ['with claims that are not understood', { claims: { iss: 1, nbf: null, 'shop.example/x': [{ a: 1 }] } }],
    ['with exp in the past within the clock tolerance', { claims: { iat: NOW - 89, exp: NOW - 29 } }],
    ['with iat in the future within the clock tolerance', { claims: { iat: NOW + 30, exp: NOW + 60 } }],
    ['with a lifetime at the ceiling', { claims: { exp: NOW + 10 } }, { maxLifetimeSeconds: 10 }],
    ['with an empty list of fields', { message: { fields: {} } }],
    ['with a payload at the limit', {}, { maxPayloadBytes: PAYLOAD.length }],
  ]
  it.each(rows.map(([title, forgery, options = {}]) => [title, forgery, options] as const))('%s', async (_title, forgery, options) => {
    expect(await outcome(forgery, options)).toBe('ok')
  })

  it('and tells whose it is', async () => {
    const fields: FieldLines = [
      ['Content-Type', 'application/json'],
      ['Txn-Token', 'h.c.s'],
      ['Deferred-Grant', 'grant'],
    ]
    const message = messageWith(fields)
    const options = { credential: world.credential, boundFields: ['deferred-grant'], runtime: world.runtime }
    const sent = { ...message, fields: [...fields, ...(await createMessageProof(message, options))] }
    const verified = await world.verify(sent, { boundFields: ['Deferred-Grant', 'x-absent'] }, { position: 'jobs:77', takenAt: 1 })
    expect(verified).toMatchObject({
      kind: 'message-proof',
      identifier: 'spiffe://shop.example/orders',
      destination: DESTINATION,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      takenAt: undefined,
      delivery: 'new',
      contentType: 'application/json',
      boundFields: { 'deferred-grant': hash('grant'), 'txn-token': hash('h.c.s') },
    })
    expect(verified.message).toBe(sent)
    expect(verified.wit.token).toBe(world.credential.token)
  })

  it('with an empty payload', async () => {
    const message = messageWith([], { payload: new Uint8Array() })
    const lines = await createMessageProof(message, { credential: world.credential, runtime: world.runtime })
    expect(await codeOf(world.verify({ ...message, fields: lines }))).toBe('ok')
    expect(await codeOf(world.verify({ ...message, fields: lines, payload: new Uint8Array(1) }))).toBe('ERR_MESSAGE_PROOF_PAYLOAD')
  })
})

describe('a message is refused', () => {
  const rows: readonly (readonly [title: string, forgery: Forgery, code: ErrorCode, options?: Options])[] = [
    ['without typ', { header: { typ: undefined } }, 'ERR_MESSAGE_PROOF_TYP'],
    ['with typ JWT', { header: { typ: 'JWT' } }, 'ERR_MESSAGE_PROOF_TYP'],
    ['with the typ of a WPT', { header: { typ: 'wpt+jwt' } }, 'ERR_MESSAGE_PROOF_TYP'],
    ['with the typ of a WIT', { header: { typ: 'wit+jwt' } }, 'ERR_MESSAGE_PROOF_TYP'],
    ['with a typ that is no text', { header: { typ: ['wimse-ts-message-proof+jwt'] } }, 'ERR_MESSAGE_PROOF_TYP'],
    ['without alg', { header: { alg: undefined } }, 'ERR_MESSAGE_PROOF_ALG'],
    ['with alg none', { header: { alg: 'none' } }, 'ERR_MESSAGE_PROOF_ALG'],
    ['with alg HS256', { header: { alg: 'HS256' } }, 'ERR_MESSAGE_PROOF_ALG'],
    ['with alg es256', { header: { alg: 'es256' } }, 'ERR_MESSAGE_PROOF_ALG'],
    ['with alg ES384', { header: { alg: 'ES384' } }, 'ERR_MESSAGE_PROOF_ALG_MISMATCH'],
    ['with crit', { header: { crit: ['a'], a: 1 } }, 'ERR_MESSAGE_PROOF_MALFORMED'],
    ['without aud', { claims: { aud: undefined } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with an empty aud', { claims: { aud: '' } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a list as aud', { claims: { aud: [DESTINATION] } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['for another subject', { claims: { aud: 'nats://shop.example/settlement.dead' } }, 'ERR_MESSAGE_PROOF_DESTINATION'],
    ['for another broker', { claims: { aud: 'nats://bank.example/settlement.jobs' } }, 'ERR_MESSAGE_PROOF_DESTINATION'],
    ['for a destination that begins like the own', { claims: { aud: `${DESTINATION}.x` } }, 'ERR_MESSAGE_PROOF_DESTINATION'],
    ['for a wildcard', { claims: { aud: 'nats://shop.example/>' } }, 'ERR_MESSAGE_PROOF_DESTINATION'],
    ['from where it is not served', {}, 'ERR_MESSAGE_PROOF_DESTINATION', { destinations: 'nats://shop.example/other' }],
    ['without iat', { claims: { iat: undefined } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with iat as text', { claims: { iat: String(NOW) } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['without exp', { claims: { exp: undefined } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with exp as text', { claims: { exp: String(NOW + 60) } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with exp that is iat', { claims: { exp: NOW } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with exp beyond the clock tolerance', { claims: { iat: NOW - 90, exp: NOW - 30 } }, 'ERR_MESSAGE_PROOF_EXPIRED'],
    ['with iat beyond the clock tolerance', { claims: { iat: NOW + 30.5, exp: NOW + 60 } }, 'ERR_MESSAGE_PROOF_NOT_YET_VALID'],
    ['that lives for a day', { claims: { exp: NOW + 86_400 } }, 'ERR_MESSAGE_PROOF_LIFETIME'],
    ['that lives longer than a set ceiling', { claims: { exp: NOW + 11 } }, 'ERR_MESSAGE_PROOF_LIFETIME', { maxLifetimeSeconds: 10 }],
    ['without jti', { claims: { jti: undefined } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with an empty jti', { claims: { jti: '' } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a number as jti', { claims: { jti: 1 } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a jti that is too long to remember', { claims: { jti: 'a'.repeat(257) } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['without wth', { claims: { wth: undefined } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with another wth', { claims: { wth: 'A'.repeat(43) } }, 'ERR_MESSAGE_PROOF_WTH'],
    ['with tth, where there is no transaction token', { claims: { tth: 'A'.repeat(43) } }, 'ERR_MESSAGE_PROOF_TTH'],
    ['without the claim about the message', { claims: { wimse_ts_msg: undefined } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a text as that claim', { claims: { wimse_ts_msg: 'x' } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a list as that claim', { claims: { wimse_ts_msg: [] } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a member of that claim that is not understood', { message: { subject: 'x' } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['without the hash of the payload', { message: { payload: undefined } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with another hash of the payload', { message: { payload: 'A'.repeat(43) } }, 'ERR_MESSAGE_PROOF_PAYLOAD'],
    ['with null as content type', { message: { content_type: null } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a content type that it has not', { message: { content_type: 'text/plain' } }, 'ERR_MESSAGE_PROOF_CONTENT_TYPE'],
    ['with an empty content type that it has not', { message: { content_type: '' } }, 'ERR_MESSAGE_PROOF_CONTENT_TYPE'],
    ['with a list as fields', { message: { fields: [] } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with null as fields', { message: { fields: null } }, 'ERR_MESSAGE_PROOF_CLAIM'],
    ['with a field that nobody declared', { message: { fields: { 'x-a': 'A' } } }, 'ERR_MESSAGE_PROOF_FIELD_UNKNOWN'],
    ['with a field that names a member of every object', { message: { fields: { constructor: 'A' } } }, 'ERR_MESSAGE_PROOF_FIELD_UNKNOWN'],
    ['with a payload beyond the limit', {}, 'ERR_MESSAGE_BODY_TOO_LARGE', { maxPayloadBytes: 3 }],
    ['with a proof beyond the limit', {}, 'ERR_MESSAGE_PROOF_MALFORMED', { maxTokenBytes: 100 }],
  ]
  it.each(rows.map(([title, forgery, code, options = {}]) => [title, forgery, code, options] as const))(
    '%s',
    async (_title, forgery, code, options) => {
      expect(await outcome(forgery, options)).toBe(code)
    },
  )

  it('when another key has signed it', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    expect(await outcome({ signer })).toBe('ERR_MESSAGE_PROOF_SIGNATURE')
    expect(await outcome({ signer, header: { jwk: signer.publicJwk, kid: signer.thumbprint } })).toBe('ERR_MESSAGE_PROOF_SIGNATURE')
  })

  it('with another WIT of the same workload and key', async () => {
    const renewed = await world.issue(world.credential.signer, 1800)
    expect(await codeOf(world.verify(proved({ ...world, credential: renewed }, await world.forge())))).toBe('ERR_MESSAGE_PROOF_WTH')
  })

  it('with the WIT of another workload', async () => {
    const stranger = await world.issue((await generateSigner('ES256', world.runtime)).signer)
    expect(await codeOf(world.verify(proved({ ...world, credential: stranger }, await world.forge())))).toBe('ERR_MESSAGE_PROOF_SIGNATURE')
  })

  it('with a WIT that nobody of its trust domain issued', async () => {
    const other = await createWorld()
    expect(await codeOf(world.verify(proved(other, await other.forge())))).toBe('ERR_WIT_SIGNATURE')
  })

  it('with a payload that is none', async () => {
    const change = { payload: 'text' } as unknown as Partial<MessageView>
    expect(await outcome({}, {}, [], change)).toBe('ERR_MESSAGE_MALFORMED')
  })
})

describe('the two fields', () => {
  type Fields = (wit: string, proof: string) => FieldLines
  const rows: readonly (readonly [title: string, code: ErrorCode, fields: Fields])[] = [
    ['no proof', 'ERR_MESSAGE_PROOF_COUNT', (wit) => [[WIT_FIELD, wit]]],
    [
      'two proofs',
      'ERR_MESSAGE_PROOF_COUNT',
      (wit, proof) => [[WIT_FIELD, wit], ...[proof, proof].map((p) => [MESSAGE_PROOF_FIELD, p] as const)],
    ],
    [
      'two proofs in another case',
      'ERR_MESSAGE_PROOF_COUNT',
      (wit, proof) => [
        [WIT_FIELD, wit],
        ['Wimse-Ts-Message-Proof', proof],
        ['WIMSE-TS-MESSAGE-PROOF', 'x'],
      ],
    ],
    [
      'an empty proof',
      'ERR_MESSAGE_PROOF_COUNT',
      (wit) => [
        [WIT_FIELD, wit],
        [MESSAGE_PROOF_FIELD, ' '],
      ],
    ],
    ['no WIT', 'ERR_WIT_MISSING', (_wit, proof) => [[MESSAGE_PROOF_FIELD, proof]]],
    ['two WITs', 'ERR_WIT_HEADER_COUNT', (wit, proof) => [...[wit, wit].map((w) => [WIT_FIELD, w] as const), [MESSAGE_PROOF_FIELD, proof]]],
    [
      'a WPT in the field of HTTP',
      'ERR_MESSAGE_PROOF_COUNT',
      (wit, proof) => [
        [WIT_FIELD, wit],
        ['authorization', `WPT ${proof}`],
      ],
    ],
    ...['abc', 'AAAA.AAAA.AAAA', 'a.b.c.d', 'Ä.Ä.Ä'].map(
      (proof) =>
        [
          `${proof} as proof`,
          'ERR_MESSAGE_PROOF_MALFORMED',
          (wit: string): FieldLines => [
            [WIT_FIELD, wit],
            [MESSAGE_PROOF_FIELD, proof],
          ],
        ] as const,
    ),
    [
      'a proof with a scheme',
      'ERR_MESSAGE_PROOF_MALFORMED',
      (wit, proof) => [
        [WIT_FIELD, wit],
        [MESSAGE_PROOF_FIELD, `WPT ${proof}`],
      ],
    ],
    [
      'a WIT as its own proof',
      'ERR_MESSAGE_PROOF_TYP',
      (wit) => [
        [WIT_FIELD, wit],
        [MESSAGE_PROOF_FIELD, wit],
      ],
    ],
  ]
  it.each(rows)('%s: is refused', async (_title, code, fields) => {
    const message = messageWith(fields(world.credential.token, await world.forge()))
    expect(await codeOf(world.verify(message))).toBe(code)
  })

  it('are found in any case', async () => {
    const message = messageWith([
      ['Workload-Identity-Token', world.credential.token],
      ['Wimse-Ts-Message-Proof', await world.forge()],
    ])
    expect(await codeOf(world.verify(message))).toBe('ok')
  })
})

describe('content type, transaction token and bound fields', () => {
  const txn: FieldLines = [['Txn-Token', 'h.c.s']]
  const grant: FieldLines = [['Deferred-Grant', ' grant\t']]
  const json: FieldLines = [['Content-Type', 'application/json']]
  const declared = { boundFields: ['Deferred-Grant'] }
  type Row = readonly [title: string, code: ErrorCode | 'ok', forgery: () => Forgery, fields: FieldLines, options?: Options]
  const bound = (name: string, value: string): Forgery => ({ message: { fields: { [name]: hash(value) } } })
  const rows: readonly Row[] = [
    ['a content type that is bound', 'ok', () => ({ message: { content_type: 'application/json' } }), json],
    ['a content type that was added', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', () => ({}), json],
    ['a content type that was removed', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', () => ({ message: { content_type: 'application/json' } }), []],
    ['a content type that was changed', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', () => ({ message: { content_type: 'text/plain' } }), json],
    ['a content type in another case', 'ERR_MESSAGE_PROOF_CONTENT_TYPE', () => ({ message: { content_type: 'Application/json' } }), json],
    [
      'a content type twice',
      'ERR_MESSAGE_PROOF_CONTENT_TYPE',
      () => ({ message: { content_type: 'application/json' } }),
      [...json, ...json],
    ],
    ['a transaction token that is bound', 'ok', () => ({ claims: { tth: hash('h.c.s') } }), txn],
    ['a transaction token that was added', 'ERR_MESSAGE_PROOF_TTH_MISSING', () => ({}), txn],
    ['a transaction token that was removed', 'ERR_MESSAGE_PROOF_TTH', () => ({ claims: { tth: hash('h.c.s') } }), []],
    ['a transaction token that was replaced', 'ERR_MESSAGE_PROOF_TTH', () => ({ claims: { tth: hash('h.c.x') } }), txn],
    ['a transaction token that is not ASCII', 'ERR_MESSAGE_PROOF_TTH', () => ({ claims: { tth: hash('ü') } }), [['txn-token', 'ü']]],
    ['two transaction tokens', 'ERR_TXN_TOKEN_COUNT', () => ({ claims: { tth: hash('h.c.s') } }), [...txn, ...txn]],
    [
      'a transaction token among the fields',
      'ERR_MESSAGE_PROOF_FIELD_UNKNOWN',
      () => ({ claims: { tth: hash('h.c.s') }, ...bound('txn-token', 'h.c.s') }),
      txn,
    ],
    ['a declared field that is bound', 'ok', () => bound('deferred-grant', 'grant'), grant, declared],
    ['a declared field that neither side has', 'ok', () => ({}), [], declared],
    ['a field that nobody declared and nobody bound', 'ok', () => ({}), grant],
    ['a declared field that was added', 'ERR_MESSAGE_PROOF_FIELD_MISSING', () => ({}), grant, declared],
    ['a declared field that was removed', 'ERR_MESSAGE_PROOF_FIELD', () => bound('deferred-grant', 'grant'), [], declared],
    ['a declared field that was changed', 'ERR_MESSAGE_PROOF_FIELD', () => bound('deferred-grant', 'other'), grant, declared],
    ['an entry that is no text', 'ERR_MESSAGE_PROOF_FIELD', () => ({ message: { fields: { 'deferred-grant': 1 } } }), grant, declared],
    ['a bound field twice', 'ERR_MESSAGE_PROOF_FIELD_REPEATED', () => bound('deferred-grant', 'grant'), [...grant, ...grant], declared],
    ['a declared field twice that is not bound', 'ERR_MESSAGE_PROOF_FIELD_REPEATED', () => ({}), [...grant, ...grant], declared],
    ['a bound field that nobody declared', 'ERR_MESSAGE_PROOF_FIELD_UNKNOWN', () => bound('deferred-grant', 'grant'), grant],
    ['an entry in another case', 'ERR_MESSAGE_PROOF_FIELD_UNKNOWN', () => bound('Deferred-Grant', 'grant'), grant, declared],
    ['a bound field that is not ASCII', 'ERR_MESSAGE_PROOF_FIELD', () => bound('deferred-grant', 'ü'), [['deferred-grant', 'ü']], declared],
    [
      'one field of two that was changed',
      'ERR_MESSAGE_PROOF_FIELD',
      () => ({ message: { fields: { 'deferred-grant': hash('grant'), 'x-b': hash('other') } } }),
      [...grant, ['X-B', 'b']],
      { boundFields: ['deferred-grant', 'x-b'] },
    ],
  ]
  it.each(rows.map(([title, code, forgery, fields, options = {}]) => [title, code, forgery, fields, options] as const))(
    '%s: %s',
    async (_title, code, forgery, fields, options) => {
      expect(await outcome(forgery(), options, fields)).toBe(code)
    },
  )
})

describe('options are refused', () => {
  const rows: readonly (readonly [title: string, options: Options | Record<string, unknown>])[] = [
    ['no destination', { destinations: [] }],
    ['an empty destination', { destinations: [DESTINATION, ''] }],
    ['a destination that is no URI', { destinations: 'settlement.jobs' }],
    ['no list of bound fields', { boundFields: undefined }],
    ['a bound field that always is', { boundFields: ['Content-Type'] }],
    ['a bound field that is the WIT', { boundFields: ['workload-identity-token'] }],
    ['a bound field that is no name', { boundFields: ['x a'] }],
    ['a tolerance of an hour', { clockToleranceSeconds: 3600 }],
    ['a tolerance that is no number', { clockToleranceSeconds: Number.NaN }],
    ['no lifetime', { maxLifetimeSeconds: 0 }],
    ['a limit that is no number', { maxPayloadBytes: Number.NaN }],
    ['no token bytes', { maxTokenBytes: 0 }],
    ['a broker whose time is not trusted', { brokerTime: { trusted: false, maxAgeSeconds: 1 } }],
    ['a broker without a greatest age', { brokerTime: { trusted: true } }],
    ['a greatest age without an end', { brokerTime: { trusted: true, maxAgeSeconds: Number.POSITIVE_INFINITY } }],
    ['a greatest age of nothing', { brokerTime: { trusted: true, maxAgeSeconds: 0 } }],
  ]
  it.each(rows)('%s', async (_title, change) => {
    const { verifyWit, deliveries, runtime } = world
    const options = { verifyWit, deliveries, runtime, destinations: DESTINATION, boundFields: [], ...change } as MessageVerifierOptions
    expect(await codeOf(() => createMessageVerifier(options))).toBe('ERR_OPTIONS_INVALID')
  })
})

it('nothing of a token, key or claim is in an error', async () => {
  const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ'
  const forgeries: readonly Forgery[] = [
    { claims: { aud: `nats://${secret}` } },
    { claims: { jti: { secret } } },
    { message: { [secret]: 1 } },
  ]
  for (const forgery of forgeries) {
    const failure: unknown = await world.verify(proved(world, await world.forge(forgery))).catch((error: unknown) => error)
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain(secret)
  }
  const token = await forgeJws({ alg: 'ES256', crit: [secret] }, {}, world.credential.signer)
  const failure: unknown = await world.verify(proved(world, token)).catch((error: unknown) => error)
  expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain(token)
})

it('a text and its octets are the same payload', async () => {
  const message = messageWith([], { payload: utf8('ü') })
  const lines = await createMessageProof(message, { credential: world.credential, runtime: world.runtime })
  expect(await codeOf(world.verify({ ...message, fields: lines, payload: Buffer.from('ü') }))).toBe('ok')
})
