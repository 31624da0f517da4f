import {
  type ErrorCode,
  formatBase64url,
  type InMemoryReplayStore,
  inMemoryReplayStore,
  isWimseError,
  type JsonObject,
  parseWorkloadIdentifier,
  utf8,
  WimseError,
} from '@wimse/core'
import { generateSigner, type Signer } from '@wimse/keys'
import {
  createTestAuthority,
  createTestRuntime,
  TEST_EPOCH_MS,
  type TestAuthority,
  type TestRuntime,
  trustAuthorities,
} from '@wimse/testing'
import type { TrustStore } from '@wimse/trust'
import { createWitVerifier, type VerifiedWit, type WitCredential } from '@wimse/wit'
import {
  type AuthenticatedClient,
  type ClientAuthentication,
  type ClientAuthenticator,
  type ClientAuthenticatorOptions,
  type ClientRequest,
  createAttestationAuthentication,
  createClientAuthenticator,
  type IssuerKeys,
  parseTokenRequest,
  staticIssuerKeys,
  tokenExchangeRequest,
} from '../../src/index.ts'

/** Seconds since the epoch at which every test starts. */
export const NOW: number = TEST_EPOCH_MS / 1000
/** The authorization server of the home trust domain, and that of the partner. */
export const SHOP = 'https://tokens.shop.example'
export const BANK = 'https://tokens.bank.example'
export const ENDPOINT: string = `${SHOP}/token`
export const PAYMENTS = 'spiffe://shop.example/payments'
export const ORDERS = 'spiffe://shop.example/orders'
export const LEDGER = 'https://ledger.bank.example'

/** The members of a token that a fixture changes; undefined leaves one out. */
export type Changes = Readonly<Record<string, unknown>>

/** What is different from a token without fault. */
export interface Forgery {
  readonly header?: Changes
  readonly claims?: Changes
  readonly signer?: Signer
}

/** Two trust domains, each with an authorization server that has a key. */
export interface World {
  readonly runtime: TestRuntime
  readonly shop: TestAuthority
  readonly trust: TrustStore
  readonly replay: InMemoryReplayStore
  readonly signer: Signer
  readonly issuers: IssuerKeys
  readonly payments: WitCredential
  readonly orders: WitCredential
  verifyWit(token: string): Promise<VerifiedWit>
  authenticator(changes?: Partial<ClientAuthenticatorOptions>): ClientAuthenticator
  /** The client that a credential authenticates. */
  clientOf(credential: WitCredential): Promise<AuthenticatedClient>
  /** A compact JWS with exactly these members. */
  forge(base: { readonly header: Changes; readonly claims: Changes }, forgery?: Forgery): Promise<string>
}

export async function createWorld(): Promise<World> {
  const runtime = createTestRuntime()
  const shop = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const trust = trustAuthorities([shop])
  const replay = inMemoryReplayStore({ capacity: 100_000 })
  const { signer } = await generateSigner('ES256', runtime)
  const issuers = staticIssuerKeys({ [SHOP]: { keys: [{ ...signer.publicJwk, kid: '1' }] } }, { runtime })
  const verifyWit = createWitVerifier({ trust, profile: 'wit-svid', runtime })
  const [payments, orders] = await Promise.all([shop.issueWit(PAYMENTS), shop.issueWit(ORDERS)])
  const authenticator: World['authenticator'] = (changes = {}) =>
    createClientAuthenticator({
      issuer: SHOP,
      admit: ['spiffe://shop.example/*'],
      jwtSvid: { trust },
      wit: { verifyWit, replay },
      x509: true,
      wimse: true,
      runtime,
      ...changes,
    })
  return {
    runtime,
    shop,
    trust,
    replay,
    signer,
    issuers,
    payments: payments.credential,
    orders: orders.credential,
    verifyWit,
    authenticator,
    async clientOf(credential) {
      const client = await createAttestationAuthentication({ credential, issuer: SHOP, runtime })
      return authenticator().authenticate(await clientRequest(client))
    },
    forge: ({ header, claims }, forgery = {}) =>
      forgeJws({ alg: 'ES256', ...header, ...forgery.header }, { ...claims, ...forgery.claims }, forgery.signer ?? signer),
  }
}

/** What a server sees of a client that adds this to an exchange. */
export async function clientRequest(client: ClientAuthentication | undefined, more: Partial<ClientRequest> = {}): Promise<ClientRequest> {
  const subjectToken = { token: 'a.b.c', type: 'urn:ietf:params:oauth:token-type:access_token' }
  const request = tokenExchangeRequest(ENDPOINT, { subjectToken, ...(client === undefined ? {} : { client }) })
  const fields = [...request.headers]
  const parameters = await parseTokenRequest(request, {
    grantTypes: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    subjectTokenTypes: [subjectToken.type],
  })
  return { fields, parameters: parameters.client, ...more }
}

/** A proof as `@wimse/wpt` or `@wimse/http-signature` gives it, as far as this package looks at it. */
export function proofOf(wit: VerifiedWit): { readonly kind: 'wpt'; readonly wit: VerifiedWit } {
  return { kind: 'wpt', wit }
}

/** A connection whose certificate the caller has verified. */
export function connectionOf(identifier: string, certificateThumbprint?: string): ClientRequest['connection'] & object {
  const name = parseWorkloadIdentifier(identifier)
  return certificateThumbprint === undefined ? { identifier: name } : { identifier: name, certificateThumbprint }
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

/** The error that a step ends with. */
export async function errorOf(step: Promise<unknown> | (() => unknown)): Promise<WimseError> {
  try {
    await (typeof step === 'function' ? step() : step)
  } catch (error) {
    if (isWimseError(error)) return error
    throw error
  }
  throw new Error('no error')
}

/** An error as the servers answer it. */
export function failure(code: ErrorCode): WimseError {
  return new WimseError(code)
}
