import { type ErrorCode, errorTable } from '@wimse/core'
import type { WitProfileName } from '../src/index.ts'
import { type Members, VECTOR_TIME, vectorSigner } from './vector-signer.ts'

const SUBJECT = 'spiffe://shop.example/orders'

/** What a vector expects of a verifier. */
export type WitExpectation =
  | { readonly result: 'accepted'; readonly identifier: string }
  | { readonly result: 'refused'; readonly reason: string; readonly code: ErrorCode }

/** One token and what becomes of it. */
export interface WitVector {
  readonly title: string
  readonly requirements: readonly string[]
  readonly profile: WitProfileName
  readonly token: string
  readonly expect: WitExpectation
}

/** The file `vectors/wit.json`. */
export interface WitVectors {
  readonly about: string
  readonly now: number
  readonly clockToleranceSeconds: number
  readonly maxLifetimeSeconds: number
  readonly keys: Readonly<Record<string, Members>>
  /** SPIFFE bundles by trust domain. */
  readonly trust: Readonly<Record<string, { readonly keys: readonly Members[] }>>
  readonly vectors: readonly WitVector[]
}

interface Recipe {
  readonly title: string
  readonly requirements: readonly string[]
  /** Both unless told. */
  readonly profiles?: readonly WitProfileName[]
  readonly key?: string
  readonly header?: Members
  readonly claims?: Members
  /** Members of `cnf.jwk`. */
  readonly jwk?: Members
  readonly change?: (token: string) => string
  readonly code?: ErrorCode
}

const recipes: readonly Recipe[] = [
  { title: 'without fault, ES256', requirements: ['CRED-5.1.4-06', 'WSVID-4-04', 'CRED-5.1-20'] },
  {
    title: 'signed with RS256',
    requirements: ['WSVID-2.3-01'],
    profiles: ['wit-svid'],
    key: 'shopRsaIssuer',
    header: { kid: 'shop-rsa' },
  },
  {
    title: 'signed with Ed25519',
    requirements: ['CRED-5.1-02'],
    profiles: ['wimse'],
    key: 'shopEdIssuer',
    header: { kid: 'shop-ed' },
  },
  {
    title: 'of another trust domain, ES384',
    requirements: ['CRED-3-01'],
    key: 'bankIssuer',
    header: { kid: 'bank-1' },
    claims: { sub: 'spiffe://bank.example/ledger' },
  },
  { title: 'a wimse identifier', requirements: ['CRED-5.1-21'], profiles: ['wimse'], claims: { sub: 'wimse://shop.example/orders' } },
  { title: 'typ with application/', requirements: ['BCP-3.11-01'], profiles: ['wimse'], header: { typ: 'application/wit+jwt' } },
  {
    title: 'iss, jti, nbf and claims that nobody understands',
    requirements: ['CRED-5.1.2-04', 'CRED-5.1.4-09', 'WSVID-3.8-03'],
    claims: { iss: 'https://issuer.shop.example', jti: 'a', nbf: VECTOR_TIME - 60, 'shop.example/zone': ['a', { b: null }] },
  },
  { title: 'a header that nobody understands', requirements: ['WSVID-2.4-02'], header: { 'shop.example/h': 1 } },
  { title: 'iat in the future', requirements: ['WSVID-3.6-02'], claims: { iat: VECTOR_TIME + 20 } },
  { title: 'exp in the past within the clock tolerance', requirements: ['WSVID-3.4-04'], claims: { exp: VECTOR_TIME - 29 } },

  {
    title: 'JSON serialization',
    requirements: ['CRED-5.1.4-02', 'WSVID-1-01'],
    change: (token) => JSON.stringify({ payload: token.split('.')[1] }),
    code: 'ERR_WIT_MALFORMED',
  },
  {
    title: 'two parts',
    requirements: ['CRED-5.1.1-02'],
    change: (token) => token.slice(0, token.lastIndexOf('.')),
    code: 'ERR_WIT_MALFORMED',
  },
  {
    title: 'an empty signature',
    requirements: ['CRED-5.1.1-02', 'CRED-5.1-01'],
    change: (token) => token.slice(0, token.lastIndexOf('.') + 1),
    code: 'ERR_WIT_MALFORMED',
  },
  { title: 'padding', requirements: ['CRED-5.1.1-02'], change: (token) => `${token}=`, code: 'ERR_WIT_MALFORMED' },
  { title: 'two tokens', requirements: ['CRED-5.1.4-02'], change: (token) => `${token}, ${token}`, code: 'ERR_WIT_MALFORMED' },
  {
    title: 'crit',
    requirements: ['CRED-5.1.4-01', 'WSVID-2.4-03'],
    header: { crit: ['shop.example/h'], 'shop.example/h': 1 },
    code: 'ERR_WIT_MALFORMED',
  },
  { title: 'no typ', requirements: ['CRED-5.1-04', 'WSVID-2.2-01'], header: { typ: undefined }, code: 'ERR_WIT_TYP' },
  { title: 'typ JWT', requirements: ['CRED-5.1.4-05', 'WSVID-2.2-02'], header: { typ: 'JWT' }, code: 'ERR_WIT_TYP' },
  { title: 'typ wpt+jwt', requirements: ['CRED-5.1.4-05', 'WSVID-2.2-02'], header: { typ: 'wpt+jwt' }, code: 'ERR_WIT_TYP' },
  {
    title: 'typ with application/',
    requirements: ['WSVID-2.2-02'],
    profiles: ['wit-svid'],
    header: { typ: 'application/wit+jwt' },
    code: 'ERR_WIT_TYP',
  },
  { title: 'no alg', requirements: ['CRED-5.1-02', 'WSVID-2.3-01'], header: { alg: undefined }, code: 'ERR_WIT_ALG' },
  { title: 'alg none', requirements: ['CRED-5.1-03', 'WSVID-2.3-02'], header: { alg: 'none' }, code: 'ERR_WIT_ALG' },
  { title: 'alg HS256', requirements: ['CRED-5.1-02', 'WSVID-2.3-02'], header: { alg: 'HS256' }, code: 'ERR_WIT_ALG' },
  {
    title: 'signed with Ed25519',
    requirements: ['WSVID-2.3-02'],
    profiles: ['wit-svid'],
    key: 'shopEdIssuer',
    header: { kid: 'shop-ed' },
    code: 'ERR_WIT_ALG',
  },
  { title: 'no sub', requirements: ['CRED-5.1.4-03', 'WSVID-3.1-01'], claims: { sub: undefined }, code: 'ERR_WIT_SUB' },
  {
    title: 'two identifiers',
    requirements: ['CRED-4-01'],
    claims: { sub: [SUBJECT, 'spiffe://shop.example/payments'] },
    code: 'ERR_WIT_SUB',
  },
  {
    title: 'sub that is not canonical',
    requirements: ['CRED-5.1.4-03'],
    claims: { sub: 'spiffe://SHOP.example/orders' },
    code: 'ERR_WIT_SUB',
  },
  { title: 'sub with a port', requirements: ['CRED-1.3-01'], claims: { sub: 'spiffe://shop.example:443/orders' }, code: 'ERR_WIT_SUB' },
  {
    title: 'a wimse identifier',
    requirements: ['WSVID-3.1-02'],
    profiles: ['wit-svid'],
    claims: { sub: 'wimse://shop.example/orders' },
    code: 'ERR_WIT_SUB',
  },
  { title: 'no kid', requirements: ['WSVID-2.1-01'], profiles: ['wit-svid'], header: { kid: undefined }, code: 'ERR_WIT_KID_MISSING' },
  {
    title: 'a trust domain without anchors',
    requirements: ['CRED-5.1.4-04'],
    claims: { sub: 'spiffe://evil.example/orders', iss: 'https://issuer.shop.example' },
    code: 'ERR_WIT_TRUST_DOMAIN',
  },
  { title: 'a kid that no anchor has', requirements: ['CRED-3-08'], header: { kid: 'shop-2' }, code: 'ERR_WIT_KEY_UNKNOWN' },
  { title: 'kid in another case', requirements: ['WSVID-2.1-02'], header: { kid: 'SHOP-1' }, code: 'ERR_WIT_KEY_UNKNOWN' },
  {
    title: 'an identifier of one trust domain under the kid of another',
    requirements: ['CRED-9.1-01'],
    key: 'bankIssuer',
    header: { kid: 'bank-1' },
    code: 'ERR_WIT_KEY_UNKNOWN',
  },
  { title: 'signed by a stranger', requirements: ['CRED-5.1.4-06', 'CRED-3-04'], key: 'strangerIssuer', code: 'ERR_WIT_SIGNATURE' },
  { title: 'a changed claim', requirements: ['CRED-5.1.4-06', 'WSVID-4-01'], change: changeSubject, code: 'ERR_WIT_SIGNATURE' },
  { title: 'no exp', requirements: ['CRED-5.1-08', 'WSVID-3.4-02'], claims: { exp: undefined }, code: 'ERR_WIT_EXP' },
  { title: 'exp as text', requirements: ['CRED-5.1-08'], claims: { exp: String(VECTOR_TIME + 300) }, code: 'ERR_WIT_EXP' },
  { title: 'expired', requirements: ['CRED-9.2.1-01', 'WSVID-3.4-03'], claims: { exp: VECTOR_TIME - 30 }, code: 'ERR_WIT_EXPIRED' },
  { title: 'nbf in the future', requirements: ['WSVID-3.5-02'], claims: { nbf: VECTOR_TIME + 60 }, code: 'ERR_WIT_NOT_YET_VALID' },
  {
    title: 'exp too far ahead',
    requirements: ['CRED-5.1.4-10', 'WSVID-3.5-05'],
    claims: { exp: VECTOR_TIME + 100_000 },
    code: 'ERR_WIT_LIFETIME',
  },
  { title: 'iss that is no URI', requirements: ['CRED-5.1-06'], claims: { iss: 'issuer' }, code: 'ERR_WIT_CLAIM' },
  {
    title: 'aud',
    requirements: ['WSVID-3.8-01', 'WSVID-B-04'],
    profiles: ['wit-svid'],
    claims: { aud: 'https://payments.shop.example' },
    code: 'ERR_WIT_AUD',
  },
  { title: 'no cnf', requirements: ['CRED-5.1.4-07', 'WSVID-3.2-02'], claims: { cnf: undefined }, code: 'ERR_WIT_CNF' },
  {
    title: 'cnf with a thumbprint only',
    requirements: ['CRED-5.1-11', 'WSVID-3.2-03'],
    claims: { cnf: { jkt: 'abc' } },
    code: 'ERR_WIT_CNF',
  },
  { title: 'cnf.jwk without alg', requirements: ['CRED-5.1.4-08', 'WSVID-3.2-04'], jwk: { alg: undefined }, code: 'ERR_WIT_CNF_ALG' },
  { title: 'cnf.jwk.alg none', requirements: ['CRED-5.1-17'], jwk: { alg: 'none' }, code: 'ERR_WIT_CNF_ALG' },
  { title: 'cnf.jwk.alg for encryption', requirements: ['CRED-5.1-19'], jwk: { alg: 'ECDH-ES' }, code: 'ERR_WIT_CNF_ALG' },
  {
    title: 'a key of Ed25519 in cnf',
    requirements: ['WSVID-3.2-04'],
    profiles: ['wit-svid'],
    claims: { cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), alg: 'Ed25519' } } },
    code: 'ERR_WIT_CNF_ALG',
  },
  {
    title: 'a symmetric key in cnf',
    requirements: ['CRED-5.1-18'],
    claims: { cnf: { jwk: { kty: 'oct', k: 'AAAA', alg: 'ES256' } } },
    code: 'ERR_WIT_CNF_KEY',
  },
  { title: 'a private key in cnf', requirements: ['CRED-9.4-01'], jwk: { d: 'A'.repeat(43) }, code: 'ERR_WIT_CNF_KEY' },
  { title: 'a key in cnf that does not fit its alg', requirements: ['CRED-5.1.4-08'], jwk: { alg: 'ES384' }, code: 'ERR_WIT_CNF_KEY' },
]

/** Makes the vectors anew; signatures that `existing` holds already are kept. */
export async function makeWitVectors(existing: string): Promise<WitVectors> {
  const signer = vectorSigner(existing)
  const anchor = async (key: string, kid: string): Promise<Members> => {
    const { alg: _, ...members } = await signer.publicJwk(key)
    return { ...members, use: 'wit-svid', kid }
  }
  const workload = await signer.publicJwk('orders')
  const vectors: WitVector[] = []
  const both: readonly WitProfileName[] = ['wimse', 'wit-svid']
  for (const { title, requirements, profiles = both, key = 'shopIssuer', ...recipe } of recipes) {
    const header = { typ: 'wit+jwt', alg: signer.keys[key]?.['alg'], kid: 'shop-1', ...recipe.header }
    const jwk = JSON.parse(JSON.stringify({ ...workload, ...recipe.jwk })) as Members
    const claims = { sub: SUBJECT, iat: VECTOR_TIME, exp: VECTOR_TIME + 300, cnf: { jwk }, ...recipe.claims }
    const token = await signer.sign(key, header, claims)
    const { code, change = (text) => text } = recipe
    const expect: WitExpectation =
      code === undefined
        ? { result: 'accepted', identifier: String(claims.sub) }
        : { result: 'refused', reason: errorTable[code].reason, code }
    for (const profile of profiles) vectors.push({ title, requirements, profile, token: change(token), expect })
  }
  return {
    about: 'WITs and what a verifier makes of them. `now` in seconds since the epoch; private keys are those of vectors/keys.json.',
    now: VECTOR_TIME,
    clockToleranceSeconds: 30,
    maxLifetimeSeconds: 86_400,
    keys: signer.keys,
    trust: {
      'shop.example': {
        keys: [await anchor('shopIssuer', 'shop-1'), await anchor('shopRsaIssuer', 'shop-rsa'), await anchor('shopEdIssuer', 'shop-ed')],
      },
      'bank.example': { keys: [await anchor('bankIssuer', 'bank-1')] },
    },
    vectors,
  }
}

function changeSubject(token: string): string {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const changed = Buffer.from(claims, 'base64url').toString().replace(SUBJECT, 'spiffe://shop.example/admins')
  return [header, Buffer.from(changed).toString('base64url'), signature].join('.')
}
