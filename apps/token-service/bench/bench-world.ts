import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isJsonObject } from '@wimse/core'
import { defaultRuntime, generateSigner, type Signer } from '@wimse/keys'
import { createMutualTlsAgent } from '@wimse/mutual-tls'
import { createTestAuthority, startFakeWorkloadApi, type TestAuthority, trustAuthorities } from '@wimse/testing'
import { type ServiceProcess, startServiceProcess } from './service-process.ts'

export const ISSUER = 'https://tokens.shop.example'
export const IDP = 'https://login.shop.example'
export const SHOP = 'https://shop.example'
export const CHARGES = 'https://payments.shop.example'
export const STOREFRONT = 'spiffe://shop.example/storefront'
export const ORDERS = 'spiffe://shop.example/orders'
const SERVICE = 'spiffe://shop.example/token-service'

/** Keys that the service signs with, or whose tokens it takes. */
export interface NamedKey {
  readonly signer: Signer
  readonly keyId: string
}

/** A request to `POST /token`, whole. */
export interface TokenRequest {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly form: Readonly<Record<string, string>>
}

/** The service under load, an authority with its Workload API, and an identity provider. */
export interface BenchWorld {
  readonly service: ServiceProcess
  readonly authority: TestAuthority
  readonly idp: NamedKey
  readonly tokens: NamedKey
  /** Makes a request ready to be sent: what is left is one write and the answer, which has to be a token. */
  prepared(request: TokenRequest): () => Promise<void>
  close(): Promise<void>
}

const runtime = defaultRuntime()

/** Starts the service in its own process, on loopback. `connections` are kept open. */
export async function startBenchWorld(connections: number, nodeOptions: readonly string[] = []): Promise<BenchWorld> {
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const step of closers.splice(0).reverse()) await step()
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'token-service-bench-'))
    closers.push(() => rm(directory, { recursive: true, force: true }))
    const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
    const identities = [{ identifier: SERVICE, dnsNames: ['localhost'] }]
    const api = await startFakeWorkloadApi({ authority, identities })
    closers.push(() => api.close())
    const [idpKey, tokenKey] = [await generateSigner('ES256', runtime), await generateSigner('ES256', runtime)]
    const path = (name: string): string => join(directory, name)
    await writeFile(path('idp.json'), JSON.stringify({ keys: [{ ...idpKey.signer.publicJwk, kid: 'idp-1' }] }))
    await writeFile(path('keys.json'), JSON.stringify({ keys: [{ ...tokenKey.exportPrivateJwk(), kid: 'txn-1' }] }), { mode: 0o600 })
    await writeFile(path('config.json'), JSON.stringify(configuration(api.address, path)))
    const service = await startServiceProcess(path('config.json'), nodeOptions)
    closers.push(() => service.stop())

    const trust = trustAuthorities([authority])
    const agent = createMutualTlsAgent({
      trust,
      profile: 'x509-svid',
      peers: () => SERVICE,
      runtime,
      maxIdleConnections: connections,
    })
    agent.maxSockets = connections
    closers.push(() => agent.destroy())
    return {
      service,
      authority,
      idp: { signer: idpKey.signer, keyId: 'idp-1' },
      tokens: { signer: tokenKey.signer, keyId: 'txn-1' },
      prepared({ fields, form }) {
        const body = Buffer.from(new URLSearchParams(form).toString())
        const headers = [
          ['host', 'tokens.shop.example'],
          ['content-type', 'application/x-www-form-urlencoded'],
          ['accept', 'application/json'],
          ['content-length', String(body.length)],
          ...fields,
        ].flat()
        const options = { agent, host: 'localhost', port: service.port, method: 'POST', path: '/token', headers } as const
        return () =>
          new Promise((resolve, reject) => {
            const request = httpsRequest(options, (response) => {
              const chunks: Buffer[] = []
              response.on('data', (chunk: Buffer) => chunks.push(chunk))
              response.on('error', reject)
              response.on('end', () => {
                const text = Buffer.concat(chunks).toString()
                if (response.statusCode === 200 && holdsToken(text)) resolve()
                else reject(new Error(`the service answered ${response.statusCode}: ${text.slice(0, 200)}`))
              })
            })
            request.on('error', reject)
            request.end(body)
          })
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function holdsToken(text: string): boolean {
  const body: unknown = JSON.parse(text)
  return isJsonObject(body) && typeof body['access_token'] === 'string'
}

function configuration(workloadApi: string, path: (name: string) => string): object {
  return {
    trustDomain: 'shop.example',
    issuer: ISSUER,
    listen: { host: '127.0.0.1', port: 0 },
    workloadApi,
    keys: { file: path('keys.json') },
    clients: {
      admit: ['spiffe://shop.example/*'],
      audiences: [{ clients: [STOREFRONT], audiences: [SHOP] }],
    },
    accessTokenIssuers: [{ issuer: IDP, jwksFile: path('idp.json'), subjectPrefix: 'user:' }],
    transactionTokens: {
      rules: [
        { requesters: [STOREFRONT], scope: { 'orders:place': ['orders'] }, requestContext: ['ip'], requestDetails: ['amount'] },
        {
          requesters: ['spiffe://shop.example/batch/*'],
          subjectTokenTypes: ['unsigned_json'],
          subjects: ['spiffe://shop.example/batch/*'],
          scope: { 'orders:settle': [] },
        },
      ],
      replacements: [{ requesters: [ORDERS], mayAdd: ['fraud'], narrowing: { amount: 'at-most' } }],
    },
    accessTokens: { targets: [{ audience: CHARGES, names: ['payments'], allow: [STOREFRONT] }] },
    acting: { delegation: [{ actors: [STOREFRONT], subjects: ['*'], targets: [CHARGES], scope: ['orders'] }] },
  }
}
