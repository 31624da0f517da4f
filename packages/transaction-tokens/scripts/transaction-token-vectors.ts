import { type ErrorCode, errorTable } from '@wimse/core'
import { type Members, VECTOR_TIME, vectorSigner } from '../../wit/scripts/vector-signer.ts'

const STOREFRONT = 'spiffe://shop.example/storefront'
const ORDERS = 'spiffe://shop.example/orders'

/** What a vector expects of a verifier. */
export type TransactionTokenExpectation =
  | {
      readonly result: 'accepted'
      readonly transaction: string
      readonly subject: string
      readonly scope: readonly string[]
      readonly requestingWorkloads: readonly string[]
    }
  | { readonly result: 'refused'; readonly reason: string; readonly code: ErrorCode }

/** The fields of one request and what becomes of the transaction token in them. */
export interface TransactionTokenVector {
  readonly title: string
  readonly requirements: readonly string[]
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly expect: TransactionTokenExpectation
}

/** The file `vectors/transaction-token.json`. */
export interface TransactionTokenVectors {
  readonly about: string
  readonly now: number
  readonly audience: string
  readonly clockToleranceSeconds: number
  readonly maxLifetimeSeconds: number
  readonly keys: Readonly<Record<string, Members>>
  /** JWK sets of the token services by trust domain. */
  readonly tokenServices: Readonly<Record<string, { readonly keys: readonly Members[] }>>
  readonly vectors: readonly TransactionTokenVector[]
}

interface Recipe {
  readonly title: string
  readonly requirements: readonly string[]
  readonly key?: string
  readonly header?: Members
  readonly claims?: Members
  readonly fields?: (token: string) => TransactionTokenVector['fields']
  readonly code?: ErrorCode
}

const recipes: readonly Recipe[] = [
  { title: 'without fault, ES256', requirements: ['TXN-9-01', 'TXN-9.1-02', 'TXN-12.2-02', 'TXN-12.2-03', 'TXN-12.2-04'] },
  { title: 'signed with Ed25519', requirements: ['TXN-9.1-03'], key: 'shopEdIssuer', header: { kid: 'tts-2' } },
  { title: 'typ with application/', requirements: ['TXN-9.1-02'], header: { typ: 'application/txntoken+jwt' } },
  { title: 'with iss', requirements: ['TXN-9.2-01'], claims: { iss: 'https://tokens.shop.example' } },
  { title: 'without contexts', requirements: ['TXN-9.2-13', 'TXN-9.2-14'], claims: { tctx: undefined, rctx: undefined } },
  {
    title: 'a replacement of a replacement',
    requirements: ['TXN-13.15-09', 'TXN-9.2-15'],
    claims: { req_wl: [STOREFRONT, ORDERS, ORDERS] },
  },
  {
    title: 'beside a bearer token of another type',
    requirements: ['TXN-12-02'],
    fields: (token) => [
      ['Authorization', 'Bearer 2YotnFZFEjr1zCsicMWpAA'],
      ['Txn-Token', token],
    ],
  },

  { title: 'no field', requirements: ['TXN-12.1-01'], fields: () => [], code: 'ERR_TXN_TOKEN_MISSING' },
  {
    title: 'two fields',
    requirements: ['TXN-12.1-02'],
    fields: (token) => [
      ['Txn-Token', token],
      ['Txn-Token', token],
    ],
    code: 'ERR_TXN_TOKEN_COUNT',
  },
  {
    title: 'two tokens in one field',
    requirements: ['TXN-12.1-02'],
    fields: (token) => [['Txn-Token', `${token}, ${token}`]],
    code: 'ERR_TXN_TOKEN_COUNT',
  },
  {
    title: 'a scheme before the token',
    requirements: ['TXN-12.1-02'],
    fields: (token) => [['Txn-Token', `Bearer ${token}`]],
    code: 'ERR_TXN_MALFORMED',
  },
  {
    title: 'as a bearer token',
    requirements: ['TXN-12-02', 'TXN-13.13-01'],
    fields: (token) => [['Authorization', `Bearer ${token}`]],
    code: 'ERR_TXN_TOKEN_IN_AUTHORIZATION',
  },
  {
    title: 'cut after its claims',
    requirements: ['TXN-9-01'],
    fields: (token) => [['Txn-Token', token.slice(0, token.lastIndexOf('.'))]],
    code: 'ERR_TXN_MALFORMED',
  },
  { title: 'a critical header', requirements: ['TXN-9-01'], header: { crit: ['x'], x: 1 }, code: 'ERR_TXN_MALFORMED' },
  { title: 'typ JWT', requirements: ['TXN-9.1-02'], header: { typ: 'JWT' }, code: 'ERR_TXN_TYP' },
  { title: 'typ at+jwt', requirements: ['TXN-9.1-02'], header: { typ: 'at+jwt' }, code: 'ERR_TXN_TYP' },
  { title: 'no typ', requirements: ['TXN-9.1-01'], header: { typ: undefined }, code: 'ERR_TXN_TYP' },
  { title: 'alg none', requirements: ['TXN-9-01'], header: { alg: 'none' }, code: 'ERR_TXN_ALG' },
  { title: 'alg HS256', requirements: ['TXN-12.2-02'], header: { alg: 'HS256' }, code: 'ERR_TXN_ALG' },
  { title: 'an unknown kid', requirements: ['TXN-12.2-02'], header: { kid: 'tts-9' }, code: 'ERR_TXN_KEY_UNKNOWN' },
  { title: 'no kid, where the algorithm tells the key', requirements: ['TXN-9.1-03'], header: { kid: undefined } },
  {
    title: 'a key of its own in the header',
    requirements: ['TXN-13.16-01'],
    key: 'strangerIssuer',
    header: { jwk: { kty: 'EC' }, jku: 'https://evil.example/jwks' },
    code: 'ERR_TXN_SIGNATURE',
  },
  {
    title: 'claims changed on the way',
    requirements: ['TXN-12.2-02'],
    fields: (token) => [['Txn-Token', withScope(token)]],
    code: 'ERR_TXN_SIGNATURE',
  },
  { title: 'no aud', requirements: ['TXN-9.2-03'], claims: { aud: undefined }, code: 'ERR_TXN_AUD_MISSING' },
  { title: 'for another trust domain', requirements: ['TXN-9.2-05', 'TXN-12.2-03'], claims: { aud: 'bank.example' }, code: 'ERR_TXN_AUD' },
  { title: 'for two trust domains', requirements: ['TXN-12.2-03'], claims: { aud: ['shop.example', 'bank.example'] }, code: 'ERR_TXN_AUD' },
  { title: 'for a service', requirements: ['TXN-9.2-04'], claims: { aud: 'https://payments.shop.example' }, code: 'ERR_TXN_AUD' },
  { title: 'no exp', requirements: ['TXN-9.2-06'], claims: { exp: undefined }, code: 'ERR_TXN_EXP' },
  { title: 'exp now', requirements: ['TXN-12.2-04'], claims: { exp: VECTOR_TIME }, code: 'ERR_TXN_EXPIRED' },
  { title: 'no iat', requirements: ['TXN-9.2-02'], claims: { iat: undefined }, code: 'ERR_TXN_IAT' },
  { title: 'iat in the future', requirements: ['TXN-9.2-02'], claims: { iat: VECTOR_TIME + 31 }, code: 'ERR_TXN_NOT_YET_VALID' },
  { title: 'a long life', requirements: ['TXN-13.1-01'], claims: { exp: VECTOR_TIME + 601 }, code: 'ERR_TXN_LIFETIME' },
  { title: 'no txn', requirements: ['TXN-9.2-07'], claims: { txn: undefined }, code: 'ERR_TXN_TXN' },
  { title: 'no sub', requirements: ['TXN-9.2-08'], claims: { sub: undefined }, code: 'ERR_TXN_SUB' },
  { title: 'no scope', requirements: ['TXN-9.2-11'], claims: { scope: undefined }, code: 'ERR_TXN_SCOPE' },
  { title: 'a list as scope', requirements: ['TXN-9.2-11'], claims: { scope: ['orders.place'] }, code: 'ERR_TXN_SCOPE' },
  { title: 'no req_wl', requirements: ['TXN-9.2-15'], claims: { req_wl: undefined }, code: 'ERR_TXN_REQ_WL' },
  { title: 'an empty chain', requirements: ['TXN-9.2-15'], claims: { req_wl: [] }, code: 'ERR_TXN_REQ_WL' },
  { title: 'a list as tctx', requirements: ['TXN-9.2-13'], claims: { tctx: [] }, code: 'ERR_TXN_CLAIM' },
]

/** Makes the vectors anew; signatures that `existing` holds already are kept. */
export async function makeTransactionTokenVectors(existing: string): Promise<TransactionTokenVectors> {
  const signer = vectorSigner(existing)
  const publish = async (key: string, kid: string): Promise<Members> => ({ ...(await signer.publicJwk(key)), use: 'sig', kid })
  const vectors: TransactionTokenVector[] = []
  for (const { title, requirements, key = 'shopIssuer', code, ...recipe } of recipes) {
    const header = { typ: 'txntoken+jwt', alg: signer.keys[key]?.['alg'], kid: 'tts-1', ...recipe.header }
    const claims = {
      iat: VECTOR_TIME,
      aud: 'shop.example',
      exp: VECTOR_TIME + 60,
      txn: '97053963-771d-49cc-a4e3-20aad399c312',
      sub: 'd084sdrt234fsaw34tr23t',
      scope: 'orders.place payments.charge',
      req_wl: STOREFRONT as string | readonly string[],
      tctx: { action: 'buy', amount: 4250, currency: 'EUR' },
      rctx: { req_ip: '192.0.2.17', authn: 'urn:ietf:rfc:6749' },
      ...recipe.claims,
    }
    const token = await signer.sign(key, header, claims)
    const expect: TransactionTokenExpectation =
      code === undefined
        ? {
            result: 'accepted',
            transaction: claims.txn,
            subject: claims.sub,
            scope: claims.scope.split(' '),
            requestingWorkloads: typeof claims.req_wl === 'string' ? [claims.req_wl] : claims.req_wl,
          }
        : { result: 'refused', reason: errorTable[code].reason, code }
    const fields = recipe.fields?.(token) ?? [['Txn-Token', token] as const]
    vectors.push({ title, requirements, fields, expect })
  }
  return {
    about:
      'Requests with transaction tokens and what a recipient makes of them, apart from proofs. `now` in seconds since the epoch; private keys are those of the vectors of WITs.',
    now: VECTOR_TIME,
    audience: 'shop.example',
    clockToleranceSeconds: 0,
    maxLifetimeSeconds: 600,
    keys: signer.keys,
    tokenServices: { 'shop.example': { keys: [await publish('shopIssuer', 'tts-1'), await publish('shopEdIssuer', 'tts-2')] } },
    vectors,
  }
}

function withScope(token: string): string {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const changed = Buffer.from(claims, 'base64url').toString().replace('orders.place', 'refund.make')
  return [header, Buffer.from(changed).toString('base64url'), signature].join('.')
}
