import { hash } from 'node:crypto'
import { type ErrorCode, errorTable } from '@wimse/core'
import { type Members, VECTOR_TIME, vectorSigner } from '../../wit/scripts/vector-signer.ts'

const DESTINATION = 'nats://shop.example/settlement.jobs'
const SUBJECT = 'spiffe://shop.example/orders'
const PAYLOAD = '{"order":"4711"}'
const POSITION = 'jobs:1'

type Field = readonly [name: string, value: string]

/** What a vector expects of a verifier. */
export type MessageExpectation =
  | { readonly result: 'accepted'; readonly identifier: string; readonly delivery: 'new' | 'again' }
  | { readonly result: 'refused'; readonly reason: string; readonly code: ErrorCode }

/** One delivery of a message and what becomes of it. */
export interface MessageVector {
  readonly title: string
  readonly message: { readonly destination: string; readonly fields: readonly Field[]; readonly payload: string }
  readonly delivery: { readonly position: string; readonly takenAt?: number }
  /** What the recipient is configured with; nothing is bound beyond what always is, and the broker's time isn't trusted, unless told. */
  readonly boundFields?: readonly string[]
  readonly brokerTime?: { readonly trusted: true; readonly maxAgeSeconds: number }
  /** The position at which the message was accepted once before. */
  readonly acceptedBefore?: string
  readonly expect: MessageExpectation
}

/** The file `vectors/message-proof.json`. */
export interface MessageVectors {
  readonly about: string
  readonly now: number
  readonly clockToleranceSeconds: number
  readonly maxLifetimeSeconds: number
  readonly destinations: readonly string[]
  readonly profile: 'wimse'
  readonly keys: Readonly<Record<string, Members>>
  /** SPIFFE bundles by trust domain. */
  readonly trust: Readonly<Record<string, { readonly keys: readonly Members[] }>>
  readonly vectors: readonly MessageVector[]
}

/** What differs from a message without fault. */
interface Recipe extends Partial<Pick<MessageVector, 'boundFields' | 'brokerTime' | 'acceptedBefore'>> {
  readonly title: string
  readonly header?: Members
  readonly claims?: Members
  /** Members of the claim about the message. */
  readonly bound?: Members
  /** The key of the proof, and of the WIT where nothing else is told. */
  readonly key?: string
  readonly boundKey?: string
  /** Claims of the WIT. */
  readonly wit?: Members
  readonly fields?: readonly Field[]
  readonly proofFields?: (wit: string, proof: string) => readonly Field[]
  readonly destination?: string
  readonly payload?: string
  readonly position?: string
  readonly takenAt?: number
  readonly code?: ErrorCode
  readonly again?: true
}

const sha256 = (text: string): string => hash('sha256', text, 'base64url')
const JSON_TYPE: Field = ['Content-Type', 'application/json']
const TXN: Field = ['Txn-Token', 'header.claims.signature']
const GRANT: Field = ['Deferred-Grant', 'grant']
const boundFields = ['deferred-grant']
const bound = { fields: { 'deferred-grant': sha256('grant') } }
const brokerTime = { trusted: true, maxAgeSeconds: 86_400 } as const
/** A message of two hours ago. */
const LONG_AGO = VECTOR_TIME - 7200
const old = { brokerTime, wit: { iat: LONG_AGO, exp: LONG_AGO + 300 }, claims: { iat: LONG_AGO, exp: LONG_AGO + 60 } } as const

const recipes: readonly Recipe[] = [
  { title: 'without fault, ES256' },
  { title: 'with a key of P-384', key: 'ordersP384' },
  { title: 'with a key of Ed25519', key: 'ordersEd' },
  { title: 'typ with application/', header: { typ: 'application/wimse-ts-message-proof+jwt' } },
  { title: 'claims that nobody understands', claims: { 'shop.example/x': [null] } },
  { title: 'a content type', fields: [JSON_TYPE], bound: { content_type: 'application/json' } },
  { title: 'a transaction token', fields: [TXN], claims: { tth: sha256(TXN[1]) } },
  { title: 'a bound field with spaces around it', fields: [['deferred-grant', ' grant ']], boundFields, bound },
  { title: 'a field that nobody declared', fields: [GRANT] },
  { title: 'delivered again', acceptedBefore: POSITION, again: true },
  { title: 'taken by the broker before proof and WIT expired', ...old, takenAt: LONG_AGO + 10 },

  { title: 'no proof', proofFields: (wit) => [witField(wit)], code: 'ERR_MESSAGE_PROOF_COUNT' },
  { title: 'two proofs', fields: [['WIMSE-TS-Message-Proof', 'a.b.c']], code: 'ERR_MESSAGE_PROOF_COUNT' },
  { title: 'no WIT', proofFields: (_wit, proof) => [proofField(proof)], code: 'ERR_WIT_MISSING' },
  { title: 'two WITs', fields: [['Workload-Identity-Token', 'a.b.c']], code: 'ERR_WIT_HEADER_COUNT' },
  { title: 'an expired WIT', wit: { exp: VECTOR_TIME - 3600 }, code: 'ERR_WIT_EXPIRED' },
  { title: 'a scheme before the proof', proofFields: (w, p) => [witField(w), proofField(`WPT ${p}`)], code: 'ERR_MESSAGE_PROOF_MALFORMED' },
  { title: 'the typ of a WPT', header: { typ: 'wpt+jwt' }, code: 'ERR_MESSAGE_PROOF_TYP' },
  { title: 'the WIT as its own proof', proofFields: (wit) => [witField(wit), proofField(wit)], code: 'ERR_MESSAGE_PROOF_TYP' },
  { title: 'alg none', header: { alg: 'none' }, code: 'ERR_MESSAGE_PROOF_ALG' },
  { title: 'another alg than the key has', header: { alg: 'ES384' }, code: 'ERR_MESSAGE_PROOF_ALG_MISMATCH' },
  { title: 'signed with another key', key: 'stranger', boundKey: 'orders', code: 'ERR_MESSAGE_PROOF_SIGNATURE' },
  { title: 'a list as aud', claims: { aud: [DESTINATION] }, code: 'ERR_MESSAGE_PROOF_CLAIM' },
  { title: 'moved to another subject', destination: 'nats://shop.example/settlement.dead', code: 'ERR_MESSAGE_PROOF_DESTINATION' },
  {
    title: 'for a destination that is not served',
    destination: 'nats://bank.example/jobs',
    claims: { aud: 'nats://bank.example/jobs' },
    code: 'ERR_MESSAGE_PROOF_DESTINATION',
  },
  { title: 'expired', claims: { iat: VECTOR_TIME - 90, exp: VECTOR_TIME - 30 }, code: 'ERR_MESSAGE_PROOF_EXPIRED' },
  { title: 'from the future', claims: { iat: VECTOR_TIME + 31 }, code: 'ERR_MESSAGE_PROOF_NOT_YET_VALID' },
  { title: 'lives too long', claims: { exp: VECTOR_TIME + 301 }, code: 'ERR_MESSAGE_PROOF_LIFETIME' },
  { title: 'no iat', claims: { iat: undefined }, code: 'ERR_MESSAGE_PROOF_CLAIM' },
  { title: 'no jti', claims: { jti: undefined }, code: 'ERR_MESSAGE_PROOF_CLAIM' },
  { title: 'the hash of another WIT', claims: { wth: sha256('a.b.c') }, code: 'ERR_MESSAGE_PROOF_WTH' },
  { title: 'a transaction token that was added', fields: [TXN], code: 'ERR_MESSAGE_PROOF_TTH_MISSING' },
  { title: 'a transaction token that was removed', claims: { tth: sha256(TXN[1]) }, code: 'ERR_MESSAGE_PROOF_TTH' },
  { title: 'a transaction token that was replaced', fields: [TXN], claims: { tth: sha256('x') }, code: 'ERR_MESSAGE_PROOF_TTH' },
  { title: 'two transaction tokens', fields: [TXN, TXN], claims: { tth: sha256(TXN[1]) }, code: 'ERR_TXN_TOKEN_COUNT' },
  { title: 'no claim about the message', claims: { wimse_ts_msg: undefined }, code: 'ERR_MESSAGE_PROOF_CLAIM' },
  { title: 'a member of it that nobody understands', bound: { subject: 'x' }, code: 'ERR_MESSAGE_PROOF_CLAIM' },
  { title: 'a changed payload', payload: '{"order":"4712"}', code: 'ERR_MESSAGE_PROOF_PAYLOAD' },
  { title: 'a content type that was added', fields: [JSON_TYPE], code: 'ERR_MESSAGE_PROOF_CONTENT_TYPE' },
  { title: 'a content type that was removed', bound: { content_type: 'application/json' }, code: 'ERR_MESSAGE_PROOF_CONTENT_TYPE' },
  {
    title: 'a content type that was changed',
    fields: [['content-type', 'text/plain']],
    bound: { content_type: 'application/json' },
    code: 'ERR_MESSAGE_PROOF_CONTENT_TYPE',
  },
  { title: 'a declared field that was added', fields: [GRANT], boundFields, code: 'ERR_MESSAGE_PROOF_FIELD_MISSING' },
  { title: 'a bound field that was removed', boundFields, bound, code: 'ERR_MESSAGE_PROOF_FIELD' },
  { title: 'a bound field that was changed', fields: [['deferred-grant', 'x']], boundFields, bound, code: 'ERR_MESSAGE_PROOF_FIELD' },
  { title: 'a bound field twice', fields: [GRANT, GRANT], boundFields, bound, code: 'ERR_MESSAGE_PROOF_FIELD_REPEATED' },
  { title: 'a bound field that nobody declared', fields: [GRANT], bound, code: 'ERR_MESSAGE_PROOF_FIELD_UNKNOWN' },
  { title: 'a copy that was published anew', acceptedBefore: POSITION, position: 'jobs:2', code: 'ERR_MESSAGE_PROOF_REPLAYED' },
  {
    title: 'an old message, where the time of the broker is not trusted',
    wit: old.wit,
    claims: old.claims,
    takenAt: LONG_AGO + 10,
    code: 'ERR_WIT_EXPIRED',
  },
  { title: 'taken by the broker after the proof had expired', ...old, takenAt: LONG_AGO + 90, code: 'ERR_MESSAGE_PROOF_EXPIRED' },
  { title: 'taken by the broker after the WIT had expired', ...old, takenAt: LONG_AGO + 330, code: 'ERR_WIT_EXPIRED' },
  { title: 'taken by the broker too long ago', brokerTime, takenAt: VECTOR_TIME - 86_401, code: 'ERR_MESSAGE_PROOF_TOO_OLD' },
  { title: 'taken by the broker in the future', brokerTime, takenAt: VECTOR_TIME + 31, code: 'ERR_MESSAGE_PROOF_TAKEN_AT' },
]

/** Makes the vectors anew; signatures that `existing` holds already are kept. */
export async function makeMessageVectors(existing: string): Promise<MessageVectors> {
  const signer = vectorSigner(existing)
  const vectors: MessageVector[] = []
  for (const [index, recipe] of recipes.entries()) {
    const { title, key = 'orders', boundKey = key, fields = [], code, payload = PAYLOAD, destination = DESTINATION } = recipe
    const wit = await signer.sign(
      'shopIssuer',
      { typ: 'wit+jwt', alg: 'ES256', kid: 'shop-1' },
      { sub: SUBJECT, iat: VECTOR_TIME, exp: VECTOR_TIME + 300, cnf: { jwk: await signer.publicJwk(boundKey) }, ...recipe.wit },
    )
    const proof = await signer.sign(
      key,
      { alg: signer.keys[key]?.['alg'], typ: 'wimse-ts-message-proof+jwt', ...recipe.header },
      {
        aud: DESTINATION,
        iat: VECTOR_TIME,
        exp: VECTOR_TIME + 60,
        jti: `vector-${index}`,
        wth: sha256(wit),
        wimse_ts_msg: { payload: sha256(PAYLOAD), ...recipe.bound },
        ...recipe.claims,
      },
    )
    const { proofFields = (w, p) => [witField(w), proofField(p)], position = POSITION, takenAt } = recipe
    vectors.push({
      title,
      message: { destination, fields: [...fields, ...proofFields(wit, proof)], payload },
      delivery: { position, ...(takenAt !== undefined && { takenAt }) },
      ...(recipe.boundFields && { boundFields: recipe.boundFields }),
      ...(recipe.brokerTime && { brokerTime: recipe.brokerTime }),
      ...(recipe.acceptedBefore && { acceptedBefore: recipe.acceptedBefore }),
      expect: expectationOf(code, recipe.again),
    })
  }
  const { alg: _, ...anchor } = await signer.publicJwk('shopIssuer')
  return {
    about:
      'Messages with WIT and proof and what a recipient makes of them, made by scripts/generate-vectors.ts: no specification has any. Payloads are text in UTF-8, times in seconds since the epoch; private keys are those of the vectors of WITs.',
    now: VECTOR_TIME,
    clockToleranceSeconds: 30,
    maxLifetimeSeconds: 300,
    destinations: [DESTINATION],
    profile: 'wimse',
    keys: signer.keys,
    trust: { 'shop.example': { keys: [{ ...anchor, use: 'wit-svid', kid: 'shop-1' }] } },
    vectors,
  }
}

function witField(wit: string): Field {
  return ['workload-identity-token', wit]
}

function proofField(proof: string): Field {
  return ['wimse-ts-message-proof', proof]
}

function expectationOf(code: ErrorCode | undefined, again: true | undefined): MessageExpectation {
  if (code === undefined) return { result: 'accepted', identifier: SUBJECT, delivery: again ? 'again' : 'new' }
  return { result: 'refused', reason: errorTable[code].reason, code }
}
