import { formatBase64url, isWimseError, type JsonObject, parseTrustDomain, type Runtime, utf8 } from '@wimse/core'
import { generateSigner, type SignatureAlgorithm, type Signer } from '@wimse/keys'
import { createTestRuntime, TEST_EPOCH_MS, type TestRuntime } from '@wimse/testing'
import { type KeyAuthority, keyAuthority, staticTrust, type TrustStore } from '@wimse/trust'
import { type VerifiedJwtSvid, type VerifyJwtSvidOptions, verifyJwtSvid } from '../../src/index.ts'

/** Seconds since the epoch at which every test starts. */
export const NOW: number = TEST_EPOCH_MS / 1000
export const SUBJECT = 'spiffe://shop.example/orders'
export const AUDIENCE = 'https://payments.shop.example'

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

/** A trust domain with one issuer, key `1`. */
export interface World {
  readonly runtime: TestRuntime
  readonly trust: TrustStore
  readonly issuer: Signer
  /** A JWT-SVID without fault but for what is told: signed whatever it says. */
  forge(forgery?: Forgery): Promise<string>
  verify(token: string, options?: Partial<VerifyJwtSvidOptions>): Promise<VerifiedJwtSvid>
}

export async function createWorld(): Promise<World> {
  const runtime = createTestRuntime()
  const issuer = await signerOf('issuer')
  const trust = trustIn('shop.example', { '1': issuer })
  return {
    runtime,
    trust,
    issuer,
    forge: ({ header, claims, signer = issuer } = {}) =>
      forgeJws(
        { alg: signer.algorithm, kid: '1', typ: 'JWT', ...header },
        { sub: SUBJECT, aud: [AUDIENCE], iat: NOW, exp: NOW + 300, ...claims },
        signer,
      ),
    verify: (token, options) => verifyJwtSvid(token, { trust, audience: AUDIENCE, runtime, ...options }),
  }
}

/** A store of one trust domain with keys for JWT-SVIDs by `kid`. */
export function trustIn(trustDomain: string, keys: Readonly<Record<string, Signer>>, runtime?: Runtime): TrustStore {
  return storeOf(
    trustDomain,
    Object.entries(keys).map(([kid, { publicJwk }]) => keyAuthority({ ...publicJwk, kid }, runtime && { runtime })),
  )
}

/** A store of one trust domain. */
export function storeOf(trustDomain: string, jwtAuthorities: readonly KeyAuthority[]): TrustStore {
  return staticTrust([{ trustDomain: parseTrustDomain(trustDomain), jwtAuthorities }])
}

/** A compact JWS with exactly this header, whatever the signer's algorithm is. */
export async function forgeJws(header: Changes, claims: Changes, signer: Signer): Promise<string> {
  const input = [header, claims].map((part) => formatBase64url(utf8(JSON.stringify(defined(part))))).join('.')
  return `${input}.${formatBase64url(await signer.sign(utf8(input)))}`
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
