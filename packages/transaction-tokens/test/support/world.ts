import { type CryptoEngine, formatBase64url, isWimseError, type JsonObject, type Runtime, utf8 } from '@wimse/core'
import { generateSigner, type SignatureAlgorithm, type Signer } from '@wimse/keys'
import { createTestRuntime, TEST_EPOCH_MS, type TestRuntime } from '@wimse/testing'
import {
  createTransactionTokenVerifier,
  staticTokenServiceKeys,
  type TransactionTokenKeys,
  type VerifiedTransactionToken,
  type VerifyTransactionTokenOptions,
} from '../../src/index.ts'

/** Seconds since the epoch at which every test starts. */
export const NOW: number = TEST_EPOCH_MS / 1000
export const SHOP = 'shop.example'
export const STOREFRONT = 'spiffe://shop.example/storefront'
export const ORDERS = 'spiffe://shop.example/orders'

/** The members of a token that a fixture changes; undefined leaves one out. */
export type Changes = Readonly<Record<string, unknown>>

/** What is different from a token without fault. */
export interface Forgery {
  readonly header?: Changes
  readonly claims?: Changes
  readonly signer?: Signer
}

const signers = new Map<string, Promise<Signer>>()

/** One signer for each name and algorithm in a test file; RSA keys are slow to make. */
export function signerOf(name: string, algorithm: SignatureAlgorithm = 'ES256'): Promise<Signer> {
  const id = `${name} ${algorithm}`
  const known = signers.get(id) ?? generateSigner(algorithm, createTestRuntime()).then(({ signer }) => signer)
  signers.set(id, known)
  return known
}

/** A trust domain with a token service, key `1`. */
export interface World {
  readonly runtime: TestRuntime
  readonly service: Signer
  readonly keys: TransactionTokenKeys
  /** A transaction token without fault but for what is told: signed whatever it says. */
  forge(forgery?: Forgery): Promise<string>
  verify(token: string, options?: Partial<VerifyTransactionTokenOptions>): Promise<VerifiedTransactionToken>
}

export async function createWorld(algorithm: SignatureAlgorithm = 'ES256'): Promise<World> {
  const runtime = createTestRuntime({ seed: 1 })
  const service = await signerOf('service', algorithm)
  const keys = staticTokenServiceKeys({ [SHOP]: jwksOf({ '1': service }) }, { runtime })
  return {
    runtime,
    service,
    keys,
    forge: ({ header, claims, signer = service } = {}) =>
      forgeJws({ typ: 'txntoken+jwt', alg: signer.algorithm, kid: '1', ...header }, { ...CLAIMS, ...claims }, signer),
    verify: (token, options) => createTransactionTokenVerifier({ keys, audience: SHOP, runtime, ...options })(token),
  }
}

/** The claims of a token without fault. */
export const CLAIMS: Changes = {
  iat: NOW,
  aud: SHOP,
  exp: NOW + 60,
  txn: '97053963-771d-49cc-a4e3-20aad399c312',
  sub: 'd084sdrt234fsaw34tr23t',
  scope: 'orders.place payments.charge',
  req_wl: STOREFRONT,
  tctx: { action: 'buy', amount: 4250, items: ['book', 'pen'], customer: { level: 'gold' } },
  rctx: { req_ip: '192.0.2.17', authn: 'urn:ietf:rfc:6749' },
}

/** The JWK set of signers by `kid`. */
export function jwksOf(keys: Readonly<Record<string, Signer>>): { readonly keys: readonly JsonObject[] } {
  return { keys: Object.entries(keys).map(([kid, { publicJwk }]) => ({ ...publicJwk, kid })) }
}

/** The same runtime with an engine that counts the signatures that it verifies. */
export function countingRuntime(runtime: Runtime): { readonly runtime: Runtime; verifications(): number } {
  let verifications = 0
  const crypto: CryptoEngine = {
    ...runtime.crypto,
    verify(...args) {
      verifications += 1
      return runtime.crypto.verify(...args)
    },
  }
  return { runtime: { ...runtime, now: () => runtime.now(), crypto }, verifications: () => verifications }
}

/** A compact JWS with exactly this header, whatever the signer's algorithm is. */
export async function forgeJws(header: Changes, claims: Changes, signer: Signer): Promise<string> {
  const input = [header, claims].map((part) => formatBase64url(utf8(JSON.stringify(defined(part))))).join('.')
  return `${input}.${formatBase64url(await signer.sign(utf8(input)))}`
}

/** The header and claims of a token, whatever it is. */
export function partsOf(token: string): readonly JsonObject[] {
  return token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as JsonObject)
}

function defined(members: Changes): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject
}

/** The code that a step ends with: `ok`, the code of a WimseError, or the text of any other error, which no test expects. */
export async function codeOf(step: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof step === 'function' ? step() : step)
    return 'ok'
  } catch (error) {
    return isWimseError(error) ? error.code : `uncoded: ${String(error)}`
  }
}
