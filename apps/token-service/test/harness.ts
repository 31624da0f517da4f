import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isJsonObject, type JsonObject, parseStrictJsonObject, type RequestView, readBody, requestViewOfRequest } from '@wimse/core'
import { generateSigner, type Signer, signCompactJws } from '@wimse/keys'
import {
  createTestAuthority,
  createTestRuntime,
  type FakeIdentity,
  startFakeWorkloadApi,
  type TestAuthority,
  type TestRuntime,
} from '@wimse/testing'
import { type TokenExchangeRequestOptions, tokenExchangeRequest } from '@wimse/token-exchange'
import { createWorkload, type ProofChoice, type Workload, workloadApi } from '@wimse/workload/node'
import { jsonLinesLog, parseTokenServiceConfig, startTokenService, type TokenService } from '../src/index.ts'

export const ISSUER = 'https://tokens.shop.example'
export const BANK_ISSUER = 'https://tokens.bank.example'
export const IDP = 'https://login.shop.example'
export const STOREFRONT = 'spiffe://shop.example/storefront'
export const ORDERS = 'spiffe://shop.example/orders'
export const PAYMENTS = 'spiffe://shop.example/payments'
export const LEDGER = 'https://ledger.bank.example'
export const CHARGES = 'https://payments.shop.example'
export const TXN_TYPE = 'urn:ietf:params:oauth:token-type:txn_token'
export const ACCESS_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
export const JSON_TYPE = 'urn:ietf:params:oauth:token-type:unsigned_json'
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'

/** Options of the configuration that every test begins with. */
export type Options = Readonly<Record<string, unknown>>

/** An answer of the token endpoint. */
export interface Answer {
  readonly status: number
  readonly fields: readonly (readonly [string, string])[]
  readonly body: JsonObject
}

/** The token services of two trust domains, an identity provider, and workloads, all of them on loopback. */
export interface World {
  readonly runtime: TestRuntime
  readonly shop: TestAuthority
  readonly bank: TestAuthority
  readonly directory: string
  readonly events: JsonObject[]
  readonly log: string[]
  /** Starts a token service of a trust domain. */
  start(
    options?: Options,
    domain?: 'shop' | 'bank',
    api?: { readonly wit?: boolean; readonly x509LifetimeSeconds?: number },
  ): Promise<TokenService>
  /** `x509LifetimeSeconds`: for one whose clock stands still, so that it doesn't notice the end of it. */
  workload(identifier: string, services: readonly TokenService[], x509LifetimeSeconds?: number): Promise<Workload>
  /** An access token of the identity provider. */
  accessToken(claims?: Options): Promise<string>
  lastEvent(): JsonObject
}

const closers: (() => unknown)[] = []

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

export async function createWorld(): Promise<World> {
  const runtime = createTestRuntime()
  const [shop, bank] = await Promise.all([
    createTestAuthority({ trustDomain: 'shop.example', runtime }),
    createTestAuthority({ trustDomain: 'bank.example', runtime }),
  ])
  const directory = await mkdtemp(join(tmpdir(), 'token-service-'))
  closers.push(() => rm(directory, { recursive: true, force: true }))
  const idp: Signer = (await generateSigner('ES256', runtime)).signer
  await writeFile(join(directory, 'idp.json'), JSON.stringify({ keys: [{ ...idp.publicJwk, kid: 'idp-1' }] }))
  const events: JsonObject[] = []
  const log: string[] = []
  const domains = new Map<TokenService, 'shop' | 'bank'>()

  const open = async (authority: TestAuthority, federated: TestAuthority, identity: FakeIdentity, wit = true) => {
    const api = await startFakeWorkloadApi({
      authority,
      federated: [federated],
      identities: [{ dnsNames: ['localhost'], ...identity }],
      wit,
    })
    closers.push(() => api.close())
    return api.address
  }
  return {
    runtime,
    shop,
    bank,
    directory,
    events,
    log,
    async start(options = {}, domain = 'shop', { wit = true, ...lifetime } = {}) {
      const own = domain === 'shop' ? shop : bank
      const address = await open(
        own,
        own === shop ? bank : shop,
        { identifier: `spiffe://${own.trustDomain}/token-service`, ...lifetime },
        wit,
      )
      const base = domain === 'shop' ? shopConfig(directory) : bankConfig()
      const config = parseTokenServiceConfig({ ...base, workloadApi: address, ...options })
      const write = (line: string): void => {
        log.push(line)
        events.push(parseStrictJsonObject(new TextEncoder().encode(line)))
      }
      const service = await startTokenService(config, { log: jsonLinesLog(write, runtime), runtime })
      closers.push(() => service.close())
      domains.set(service, domain)
      return service
    },
    async workload(identifier, services, x509LifetimeSeconds) {
      const authority = identifier.startsWith('spiffe://bank.example/') ? bank : shop
      const address = await open(authority, authority === shop ? bank : shop, {
        identifier,
        ...(x509LifetimeSeconds !== undefined && { x509LifetimeSeconds }),
      })
      const clock = x509LifetimeSeconds === undefined ? runtime : createTestRuntime()
      const peers = Object.fromEntries(
        services.map((service) => [
          `https://localhost:${service.port}`,
          `spiffe://${domains.get(service) ?? 'shop'}.example/token-service`,
        ]),
      )
      const workload = await createWorkload({ source: workloadApi({ address, runtime: clock }), peers, runtime: clock })
      closers.push(() => workload.close())
      return workload
    },
    accessToken(claims = {}) {
      const iat = Math.floor(runtime.now() / 1000)
      const payload = {
        iss: IDP,
        sub: 'alice',
        aud: 'https://shop.example',
        iat,
        exp: iat + 300,
        client_id: 'web',
        scope: 'orders profile',
        ...claims,
      }
      return signCompactJws({ typ: 'at+jwt', kid: 'idp-1' }, payload as JsonObject, idp)
    },
    lastEvent: () => events.at(-1) ?? {},
  }
}

/** Asks a token service: the form of an exchange, with a proof of the workload. */
export async function exchange(
  workload: Workload,
  service: TokenService,
  options: TokenExchangeRequestOptions,
  proof: ProofChoice = 'wpt',
): Promise<Answer> {
  return send(workload, requestViewOfRequest(tokenExchangeRequest(`https://localhost:${service.port}/token`, options)), proof)
}

/** Sends a request with a proof that names the service by its issuer. */
export async function send(
  workload: Workload,
  view: RequestView,
  proof: ProofChoice = 'wpt',
  audience = `${ISSUER}/token`,
): Promise<Answer> {
  const call = await workload.prepare(view, proof === 'mutual-tls' ? { proof } : { proof, audience })
  return answerOf(await workload.send(call.request))
}

export async function answerOf({ response }: Awaited<ReturnType<Workload['send']>>): Promise<Answer> {
  const octets = await readBody(response.body, 65_536)
  const body = octets.length === 0 ? {} : parseStrictJsonObject(octets)
  return { status: response.status, fields: response.fields, body }
}

/** The claims of a token, unverified: what a test looks at. */
export function claimsOf(token: unknown): JsonObject {
  const [, payload = ''] = String(token).split('.')
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
  if (!isJsonObject(claims)) throw new Error('no claims')
  return claims
}

export function fieldOf({ fields }: Answer, name: string): string | undefined {
  return fields.find(([line]) => line.toLowerCase() === name)?.[1]
}

/** A request over plain http, as an orchestrator asks for health. */
export function probe(port: number, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, agent: false }, async (response) => {
      let body = ''
      for await (const chunk of response) body += String(chunk)
      resolve({ status: response.statusCode ?? 0, body })
    })
    request.on('error', reject).end()
  })
}

export function shopConfig(directory: string): Options {
  return {
    trustDomain: 'shop.example',
    issuer: ISSUER,
    listen: { host: '127.0.0.1', port: 0 },
    health: { port: 0 },
    clients: {
      admit: ['spiffe://shop.example/*'],
      audiences: [
        { clients: [STOREFRONT], audiences: ['https://shop.example'] },
        { clients: [PAYMENTS], audiences: [CHARGES] },
      ],
    },
    accessTokenIssuers: [{ issuer: IDP, jwksFile: join(directory, 'idp.json'), subjectPrefix: 'user:' }],
    transactionTokens: {
      rules: [
        {
          requesters: [STOREFRONT],
          scope: { 'orders:place': ['orders'], 'orders:refund': ['refunds'] },
          requestContext: ['ip'],
          requestDetails: ['amount', 'items'],
        },
        {
          requesters: ['spiffe://shop.example/batch/*'],
          subjectTokenTypes: ['unsigned_json'],
          subjects: ['spiffe://shop.example/batch/*'],
          scope: { 'orders:settle': [] },
        },
      ],
      replacements: [{ requesters: [ORDERS], mayAdd: ['fraud'], narrowing: { amount: 'at-most' } }],
      maxRequestingWorkloads: 3,
    },
    accessTokens: {
      targets: [{ audience: CHARGES, names: ['payments'], allow: [STOREFRONT, ORDERS] }],
    },
    acting: {
      delegation: [
        { actors: [STOREFRONT, ORDERS], subjects: ['*'], targets: [CHARGES], scope: ['orders:place', 'orders'] },
        { actors: [PAYMENTS], subjects: ['*'], targets: [BANK_ISSUER], scope: ['*'] },
      ],
      impersonation: [],
    },
    chaining: {
      outbound: [
        {
          audience: BANK_ISSUER,
          names: ['bank'],
          allow: [PAYMENTS],
          transcription: {
            subjects: [{ from: '*', to: 'shop-customer' }],
            actors: [{ from: 'spiffe://shop.example/*', to: 'shop' }],
            scope: { 'orders:place': 'ledger:post' },
          },
        },
      ],
    },
  }
}

export function bankConfig(): Options {
  return { trustDomain: 'bank.example', issuer: BANK_ISSUER, listen: { host: '127.0.0.1', port: 0 }, clients: { admit: [PAYMENTS] } }
}
