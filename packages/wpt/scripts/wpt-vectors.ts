import { hash } from 'node:crypto'
import { type ErrorCode, errorAnswer, errorTable } from '@wimse/core'
import { type Members, VECTOR_TIME, vectorSigner } from '../../wit/scripts/vector-signer.ts'

const AUDIENCE = 'https://payments.shop.example'
const SUBJECT = 'spiffe://shop.example/orders'

type Field = readonly [name: string, value: string]

/** What a vector expects of a verifier. */
export type WptExpectation =
  | { readonly result: 'accepted'; readonly identifier: string }
  | { readonly result: 'refused'; readonly reason: string; readonly code: ErrorCode; readonly status: number }

/** One request and what becomes of it. */
export interface WptVector {
  readonly title: string
  readonly requirements: readonly string[]
  readonly request: { readonly method: string; readonly target: string; readonly fields: readonly Field[] }
  /** What the recipient is configured with; `audience` is that of the file unless told. */
  readonly audience?: readonly string[]
  readonly contextFields?: readonly string[]
  /** The request was accepted once before. */
  readonly sentBefore?: true
  readonly expect: WptExpectation
}

/** The file `vectors/wpt.json`. */
export interface WptVectors {
  readonly about: string
  readonly now: number
  readonly clockToleranceSeconds: number
  readonly maxLifetimeSeconds: number
  readonly audience: readonly string[]
  readonly profile: 'wimse'
  readonly keys: Readonly<Record<string, Members>>
  /** SPIFFE bundles by trust domain. */
  readonly trust: Readonly<Record<string, { readonly keys: readonly Members[] }>>
  readonly vectors: readonly WptVector[]
}

/** What differs from a request without fault. */
interface Recipe {
  readonly title: string
  readonly requirements: readonly string[]
  readonly header?: Members
  readonly claims?: Members
  /** The key of the proof, and of the WIT where nothing else is told. */
  readonly key?: string
  readonly boundKey?: string
  /** Claims of the WIT. */
  readonly wit?: Members
  readonly fields?: readonly Field[]
  readonly target?: string
  readonly witFields?: (wit: string) => readonly Field[]
  readonly authorization?: (wpt: string, wit: string) => readonly Field[]
  readonly audience?: readonly string[]
  readonly contextFields?: readonly string[]
  readonly sentBefore?: true
  readonly code?: ErrorCode
}

const sha256 = (text: string): string => hash('sha256', text, 'base64url')
const TXN: Field = ['Txn-Token', 'header.claims.signature']
const CONTEXT: Field = ['X-User-Token', 'Bearer abc']
const contextFields = ['x-user-token']

const recipes: readonly Recipe[] = [
  { title: 'without fault, ES256', requirements: ['WPT-2-02', 'WPT-2-32', 'WPT-2-37'] },
  { title: 'with a key of P-384', requirements: ['WPT-2-08'], key: 'ordersP384' },
  { title: 'with a key of Ed25519', requirements: ['WPT-2-08'], key: 'ordersEd' },
  {
    title: 'the scheme in lower case, two spaces',
    requirements: ['WPT-2-03', 'WPT-2-04'],
    authorization: (wpt) => [['authorization', `wpt  ${wpt}`]],
  },
  { title: 'typ with application/', requirements: ['WPT-2-33'], header: { typ: 'application/wpt+jwt' } },
  { title: 'a query, which aud leaves out', requirements: ['WPT-2-34'], target: '/charges?dry=1' },
  { title: 'an alias as audience', requirements: ['WPT-2-34', 'WPT-3.1.7-03'], audience: ['payments'], claims: { aud: 'payments' } },
  { title: 'claims that nobody understands', requirements: ['WPT-2.3-04'], claims: { ath: 'x', 'shop.example/x': [null] } },
  { title: 'a kid and a key in the header', requirements: ['WPT-2-32'], header: { kid: 'x', jwk: { kty: 'oct', k: 'AAAA' } } },
  { title: 'a bound transaction token', requirements: ['WPT-2-19', 'WPT-2-39'], fields: [TXN], claims: { tth: sha256(TXN[1]) } },
  {
    title: 'a bound context token with spaces around it',
    requirements: ['WPT-2-23', 'WPT-2-41'],
    fields: [['X-User-Token', '  Bearer abc ']],
    contextFields,
    claims: { oth: { 'x-user-token': sha256(CONTEXT[1]) } },
  },
  { title: 'a token that nobody declared', requirements: ['WPT-2-43'], fields: [CONTEXT] },
  { title: 'expired within the clock tolerance', requirements: ['WPT-3.1.2-02'], claims: { exp: VECTOR_TIME - 29 } },

  { title: 'no WIT', requirements: ['WPT-2-01'], witFields: () => [], code: 'ERR_WIT_MISSING' },
  { title: 'two WITs', requirements: ['CRED-5.1.1-02'], witFields: (wit) => [witField(wit), witField(wit)], code: 'ERR_WIT_HEADER_COUNT' },
  { title: 'an expired WIT', requirements: ['WPT-2-27'], wit: { exp: VECTOR_TIME - 3600 }, code: 'ERR_WIT_EXPIRED' },
  {
    title: 'an expired WIT and a proof for another audience',
    requirements: ['WPT-2-27'],
    wit: { exp: VECTOR_TIME - 3600 },
    claims: { aud: 'x' },
    code: 'ERR_WIT_EXPIRED',
  },
  {
    title: 'no Authorization field',
    requirements: ['WPT-2-28', 'WPT-3.1-01'],
    authorization: () => [],
    code: 'ERR_WPT_AUTHORIZATION_COUNT',
  },
  {
    title: 'the field of earlier drafts',
    requirements: ['WPT-2-02'],
    authorization: (wpt) => [['Workload-Proof-Token', wpt]],
    code: 'ERR_WPT_AUTHORIZATION_COUNT',
  },
  {
    title: 'two Authorization fields',
    requirements: ['WPT-2-28', 'WPT-2.2-02'],
    authorization: (wpt) => [
      ['Authorization', `WPT ${wpt}`],
      ['Authorization', 'Bearer abc'],
    ],
    code: 'ERR_WPT_AUTHORIZATION_COUNT',
  },
  {
    title: 'the WIT as a bearer token',
    requirements: ['WPT-3.1-03', 'WPT-2-29'],
    authorization: (_wpt, wit) => [['Authorization', `Bearer ${wit}`]],
    code: 'ERR_WPT_SCHEME',
  },
  { title: 'the scheme alone', requirements: ['WPT-2-03'], authorization: () => [['Authorization', 'WPT']], code: 'ERR_WPT_MALFORMED' },
  {
    title: 'a parameter',
    requirements: ['WPT-2-03'],
    authorization: (wpt) => [['Authorization', `WPT token="${wpt}"`]],
    code: 'ERR_WPT_MALFORMED',
  },
  { title: 'padding', requirements: ['WPT-2-06'], authorization: (wpt) => [['Authorization', `WPT ${wpt}=`]], code: 'ERR_WPT_MALFORMED' },
  {
    title: 'two proofs',
    requirements: ['WPT-2-30'],
    authorization: (wpt) => [['Authorization', `WPT ${wpt}, ${wpt}`]],
    code: 'ERR_WPT_MALFORMED',
  },
  { title: 'no typ', requirements: ['WPT-2-09', 'WPT-2-33'], header: { typ: undefined }, code: 'ERR_WPT_TYP' },
  {
    title: 'the WIT as its own proof',
    requirements: ['WPT-2-33'],
    authorization: (_wpt, wit) => [['Authorization', `WPT ${wit}`]],
    code: 'ERR_WPT_TYP',
  },
  { title: 'alg none', requirements: ['WPT-2-07'], header: { alg: 'none' }, code: 'ERR_WPT_ALG' },
  { title: 'alg HS256', requirements: ['WPT-2-07'], header: { alg: 'HS256' }, code: 'ERR_WPT_ALG' },
  { title: 'alg es256', requirements: ['WPT-2-31'], header: { alg: 'es256' }, code: 'ERR_WPT_ALG' },
  {
    title: 'EdDSA for a key of Ed25519',
    requirements: ['WPT-2-31'],
    key: 'ordersEd',
    header: { alg: 'EdDSA' },
    code: 'ERR_WPT_ALG_MISMATCH',
  },
  {
    title: 'signed with another key',
    requirements: ['WPT-2-32', 'CRED-5.1-12'],
    key: 'stranger',
    boundKey: 'orders',
    code: 'ERR_WPT_SIGNATURE',
  },
  { title: 'no aud', requirements: ['WPT-2-10'], claims: { aud: undefined }, code: 'ERR_WPT_AUD_MISSING' },
  { title: 'a list as aud', requirements: ['WPT-2-34'], claims: { aud: [`${AUDIENCE}/charges`] }, code: 'ERR_WPT_AUD' },
  { title: 'another path', requirements: ['WPT-2-34'], target: '/refunds', code: 'ERR_WPT_AUD' },
  {
    title: 'another host, which the request names too',
    requirements: ['WPT-3.1.7-04'],
    claims: { aud: 'https://ledger.bank.example/charges' },
    fields: [['X-Forwarded-Host', 'ledger.bank.example']],
    code: 'ERR_WPT_AUD',
  },
  { title: 'no exp', requirements: ['WPT-2-13', 'WPT-2-35'], claims: { exp: undefined }, code: 'ERR_WPT_EXP' },
  { title: 'expired', requirements: ['WPT-2-35', 'WPT-3.1.2-02'], claims: { exp: VECTOR_TIME - 30 }, code: 'ERR_WPT_EXPIRED' },
  { title: 'exp too far ahead', requirements: ['WPT-2-36'], claims: { exp: VECTOR_TIME + 3600 }, code: 'ERR_WPT_LIFETIME' },
  { title: 'no jti', requirements: ['WPT-2-15'], claims: { jti: undefined }, code: 'ERR_WPT_JTI' },
  { title: 'no wth', requirements: ['WPT-2-17', 'WPT-2-37'], claims: { wth: undefined }, code: 'ERR_WPT_WTH_MISSING' },
  { title: 'the hash of another WIT', requirements: ['WPT-2-37'], claims: { wth: sha256('a.b.c') }, code: 'ERR_WPT_WTH' },
  { title: 'a transaction token that is not bound', requirements: ['WPT-2-18', 'WPT-2-39'], fields: [TXN], code: 'ERR_WPT_TTH_MISSING' },
  {
    title: 'a replaced transaction token',
    requirements: ['WPT-2-39'],
    fields: [TXN],
    claims: { tth: sha256('other') },
    code: 'ERR_WPT_TTH',
  },
  { title: 'tth without a transaction token', requirements: ['WPT-2-39'], claims: { tth: sha256(TXN[1]) }, code: 'ERR_WPT_TTH' },
  {
    title: 'two transaction tokens',
    requirements: ['WPT-2.2-05'],
    fields: [TXN, TXN],
    claims: { tth: sha256(TXN[1]) },
    code: 'ERR_TXN_TOKEN_COUNT',
  },
  { title: 'oth as text', requirements: ['WPT-2-21'], claims: { oth: 'x' }, code: 'ERR_WPT_OTH_MALFORMED' },
  {
    title: 'a declared context token that is not bound',
    requirements: ['WPT-2-20', 'WPT-2-40'],
    fields: [CONTEXT],
    contextFields,
    code: 'ERR_WPT_OTH_MISSING',
  },
  {
    title: 'a replaced context token',
    requirements: ['WPT-2-40', 'WPT-2-41'],
    fields: [CONTEXT],
    contextFields,
    claims: { oth: { 'x-user-token': sha256('other') } },
    code: 'ERR_WPT_OTH',
  },
  {
    title: 'an entry for a field that is missing',
    requirements: ['WPT-2-41'],
    contextFields,
    claims: { oth: { 'x-user-token': sha256(CONTEXT[1]) } },
    code: 'ERR_WPT_OTH',
  },
  {
    title: 'an entry that nobody understands',
    requirements: ['WPT-2-42'],
    fields: [CONTEXT],
    claims: { oth: { 'x-user-token': sha256(CONTEXT[1]) } },
    code: 'ERR_WPT_OTH_UNKNOWN',
  },
  {
    title: 'an entry that is not in lower case',
    requirements: ['WPT-2-24'],
    fields: [CONTEXT],
    contextFields,
    claims: { oth: { 'X-User-Token': sha256(CONTEXT[1]) } },
    code: 'ERR_WPT_OTH_UNKNOWN',
  },
  {
    title: 'a bound field twice',
    requirements: ['WPT-2-25'],
    fields: [CONTEXT, CONTEXT],
    contextFields,
    claims: { oth: { 'x-user-token': sha256(CONTEXT[1]) } },
    code: 'ERR_WPT_OTH_REPEATED',
  },
  { title: 'sent a second time', requirements: ['WPT-2-38'], sentBefore: true, code: 'ERR_WPT_REPLAYED' },
]

/** Makes the vectors anew; signatures that `existing` holds already are kept. */
export async function makeWptVectors(existing: string): Promise<WptVectors> {
  const signer = vectorSigner(existing)
  const vectors: WptVector[] = []
  for (const [index, recipe] of recipes.entries()) {
    const { title, requirements, key = 'orders', boundKey = key, target = '/charges', fields = [], code } = recipe
    const wit = await signer.sign(
      'shopIssuer',
      { typ: 'wit+jwt', alg: 'ES256', kid: 'shop-1' },
      { sub: SUBJECT, iat: VECTOR_TIME, exp: VECTOR_TIME + 300, cnf: { jwk: await signer.publicJwk(boundKey) }, ...recipe.wit },
    )
    const wpt = await signer.sign(
      key,
      { alg: signer.keys[key]?.['alg'], typ: 'wpt+jwt', ...recipe.header },
      { aud: `${AUDIENCE}/charges`, exp: VECTOR_TIME + 60, jti: `vector-${index}`, wth: sha256(wit), ...recipe.claims },
    )
    const { authorization = (token) => [['Authorization', `WPT ${token}`]], witFields = (token) => [witField(token)] } = recipe
    vectors.push({
      title,
      requirements,
      request: {
        method: 'POST',
        target,
        fields: [['Host', 'payments.shop.example'], ...witFields(wit), ...fields, ...authorization(wpt, wit)],
      },
      ...(recipe.audience && { audience: recipe.audience }),
      ...(recipe.contextFields && { contextFields: recipe.contextFields }),
      ...(recipe.sentBefore && { sentBefore: recipe.sentBefore }),
      expect: expectationOf(code),
    })
  }
  const { alg: _, ...anchor } = await signer.publicJwk('shopIssuer')
  return {
    about:
      'Requests with WIT and WPT and what a recipient makes of them. `now` in seconds since the epoch; private keys are those of the vectors of WITs.',
    now: VECTOR_TIME,
    clockToleranceSeconds: 30,
    maxLifetimeSeconds: 300,
    audience: [AUDIENCE],
    profile: 'wimse',
    keys: signer.keys,
    trust: { 'shop.example': { keys: [{ ...anchor, use: 'wit-svid', kid: 'shop-1' }] } },
    vectors,
  }
}

function witField(wit: string): Field {
  return ['Workload-Identity-Token', wit]
}

function expectationOf(code: ErrorCode | undefined): WptExpectation {
  if (code === undefined) return { result: 'accepted', identifier: SUBJECT }
  return { result: 'refused', reason: errorTable[code].reason, code, status: errorAnswer(code, { takesWpt: true }).status }
}
