import {
  type FieldLines,
  formatBase64url,
  type InMemoryReplayStore,
  inMemoryReplayStore,
  isWimseError,
  type JsonObject,
  parseTrustDomain,
  utf8,
} from '@wimse/core'
import { generateSigner, type SignatureAlgorithm, type Signer } from '@wimse/keys'
import { createTestRuntime, TEST_EPOCH_MS, type TestRuntime } from '@wimse/testing'
import { keyAuthority, staticTrust, type TrustStore } from '@wimse/trust'
import { createWitCredential, issueWit, type VerifiedWit, verifyWit, WIT_FIELD, type WitCredential } from '@wimse/wit'
import { type VerifiedWpt, verifyWpt, type WptVerifierOptions } from '../../src/index.ts'

/** Seconds since the epoch at which every test starts. */
export const NOW: number = TEST_EPOCH_MS / 1000
export const AUDIENCE = 'https://payments.shop.example'
export const PATH = '/charges'

/** The members of a token that a fixture changes; undefined leaves one out. */
export type Changes = Readonly<Record<string, unknown>>

/** What is different from a proof without fault. */
export interface Forgery {
  readonly header?: Changes
  readonly claims?: Changes
  readonly signer?: Signer
}

/** A request as the verifier sees it. */
export interface Request {
  readonly path: string
  readonly fields: FieldLines
}

/** A trust domain, a workload with a WIT, and the service that it calls. */
export interface World {
  readonly runtime: TestRuntime
  readonly trust: TrustStore
  readonly credential: WitCredential
  readonly wit: VerifiedWit
  readonly replay: InMemoryReplayStore
  /** A WIT for the key given. */
  issue(signer: Signer, lifetimeSeconds?: number): Promise<WitCredential>
  verifyWit(token: string): Promise<VerifiedWit>
  /** A proof without fault but for what is told, signed whatever it says. A new `jti` each time. */
  forge(forgery?: Forgery): Promise<string>
  verify(request: Request, options?: Partial<WptVerifierOptions> & { readonly wit?: VerifiedWit }): Promise<VerifiedWpt>
}

export async function createWorld(algorithm: SignatureAlgorithm = 'ES256'): Promise<World> {
  const runtime = createTestRuntime()
  const { signer: issuer } = await generateSigner('ES256', runtime)
  const trust = staticTrust([
    { trustDomain: parseTrustDomain('shop.example'), witAuthorities: [keyAuthority({ ...issuer.publicJwk, kid: '1' })] },
  ])
  const { signer: own } = await generateSigner(algorithm, runtime)
  const issue: World['issue'] = async ({ publicJwk, ...signer }, lifetimeSeconds = 3600) => {
    const profile = algorithm.startsWith('RS') ? 'wit-svid' : 'wimse'
    const grant = { profile, subject: 'spiffe://shop.example/orders', confirmationKey: publicJwk, lifetimeSeconds } as const
    return createWitCredential(await issueWit(grant, { signer: issuer, keyId: '1', runtime }), { publicJwk, ...signer })
  }
  const check: World['verifyWit'] = (token) =>
    verifyWit(token, { trust, profile: algorithm.startsWith('RS') ? 'wit-svid' : 'wimse', runtime })
  const credential = await issue(own)
  const wit = await check(credential.token)
  const replay = inMemoryReplayStore({ capacity: 100_000 })
  let count = 0
  return {
    runtime,
    trust,
    credential,
    wit,
    replay,
    issue,
    verifyWit: check,
    forge({ header, claims, signer = own } = {}) {
      count += 1
      return forgeJws(
        { alg: signer.algorithm, typ: 'wpt+jwt', ...header },
        { aud: AUDIENCE + PATH, exp: NOW + 60, jti: `jti-${count}`, wth: wit.hash, ...claims },
        signer,
      )
    },
    verify: (request, options) => verifyWpt(request, { wit, audience: AUDIENCE, replay, runtime, ...options }),
  }
}

/** A request with this proof and these other fields. */
export function requestWith(authorization: string, fields: FieldLines = [], path: string = PATH): Request {
  return { path, fields: [['Host', 'payments.shop.example'], [WIT_FIELD, 'x.y.z'], ...fields, ['Authorization', authorization]] }
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
