import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:https'
import { createServer } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type JsonObject, parseStrictJsonObject } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createApp, openService, parseServiceConfig, type ShopApp, type ShopService, serveTls } from '@wimse/shop-platform'
import { createTestAuthority, startFakeWorkloadApi, type TestAuthority, trustAuthorities } from '@wimse/testing'
import { decodeTokenServiceConfig, jsonLinesLog, startTokenService } from '@wimse/token-service'
import { buyer } from '../../buyer/src/buyer.ts'
import { fraud } from '../../fraud/src/fraud.ts'
import { ledger } from '../../ledger/src/ledger.ts'
import { decodeLoginConfig } from '../../login/src/login-config.ts'
import { startLogin } from '../../login/src/start-login.ts'
import { type SignInOptions, signIn, userFetch } from '../../login/src/user.ts'
import { orders } from '../../orders/src/orders.ts'
import { payments } from '../../payments/src/payments.ts'
import { storefront } from '../../storefront/src/storefront.ts'
import { concierge } from '../src/concierge.ts'

const SERVICES = { storefront, orders, fraud, payments, ledger, concierge, buyer }
const HOSTS = ['login', 'tokens', ...Object.keys(SERVICES)].map((name) => hostOf(name)).concat('tokens.bank.example')

export type ServiceName = keyof typeof SERVICES

/** A line of a service's log. */
export type Line = JsonObject

/** The whole shop on loopback, in one process: each program with its own configuration, credentials and connections. */
export interface ShopWorld {
  url(service: ServiceName): string
  signIn(options: Pick<SignInOptions, 'scope'> & Partial<SignInOptions>): Promise<string>
  /** A user's call. */
  call(
    service: ServiceName,
    path: string,
    token: string,
    json?: JsonObject,
  ): Promise<{ readonly status: number; readonly body: JsonObject }>
  /** Somebody with the identity of a service and credentials of that, in hands of their own. */
  as(service: ServiceName | 'tester', identifier?: string): Promise<ShopService>
  /** The requests that services have handled since the last time. */
  takeHops(): readonly Line[]
  readonly lines: readonly string[]
  close(): Promise<void>
}

export async function startShop(): Promise<ShopWorld> {
  const closers: (() => unknown)[] = []
  const [shop, bank] = await Promise.all([
    createTestAuthority({ trustDomain: 'shop.example' }),
    createTestAuthority({ trustDomain: 'bank.example' }),
  ])
  const ports = new Map(await Promise.all(HOSTS.map(async (host) => [host, await freePort()] as const)))
  const originOf = (host: string): string => `https://${host}:${ports.get(host)}`
  const addresses = Object.fromEntries(HOSTS.map((host) => [host, '127.0.0.1']))
  const lines: string[] = []
  let seen = 0
  const write = (line: string): void => void lines.push(line)

  /** A file of the repository with the origins of this world. */
  const read = async (path: string): Promise<JsonObject> => {
    let text = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
    for (const host of HOSTS) text = text.replaceAll(`https://${host}`, originOf(host))
    return parseStrictJsonObject(new TextEncoder().encode(text))
  }
  const platform = async (identifier: string, host: string): Promise<JsonObject> => {
    const [authority, other]: readonly TestAuthority[] = identifier.startsWith('spiffe://bank.example/') ? [bank, shop] : [shop, bank]
    if (authority === undefined || other === undefined) throw new Error('no authority')
    const api = await startFakeWorkloadApi({ authority, federated: [other], identities: [{ identifier, dnsNames: [host] }] })
    closers.push(() => api.close())
    return { workloadApi: api.address, listen: { host: '127.0.0.1', port: ports.get(host) ?? 0 }, addresses }
  }
  /** A tester knows where everybody is. */
  const document = async (name: ServiceName | 'tester'): Promise<JsonObject> => {
    if (name !== 'tester') return read(`${name}/config.json`)
    const { peers, ...concierge } = await read('concierge/config.json')
    return { ...concierge, peers: { ...(peers as JsonObject), [originOf(hostOf('concierge'))]: 'spiffe://shop.example/concierge' } }
  }
  const open = async (name: ServiceName | 'tester', identifier = identifierOf(name)): Promise<ShopService> => {
    const config = parseServiceConfig({ ...(await document(name)), platform: await platform(identifier, hostOf(name)) })
    const service = await openService(config)
    closers.push(() => service.close())
    return service
  }
  const start = async (name: ServiceName, routes: (app: ShopApp, service: ShopService) => void): Promise<void> => {
    const service = await open(name)
    const app = createApp(name, write, defaultRuntime())
    routes(app, service)
    const { server } = await serveTls(service.workload, getRequestListener(app.fetch), service.config)
    closers.push(() => end(server))
  }
  const startTokens = async (domain: string): Promise<void> => {
    const policy = await read(`policies/tokens.${domain}.json`)
    const { config, faults } = decodeTokenServiceConfig({
      ...policy,
      ...(await platform(`spiffe://${domain}/token-service`, `tokens.${domain}`)),
    })
    if (config === undefined) throw new Error(JSON.stringify(faults))
    const service = await startTokenService(config, { log: jsonLinesLog(write, defaultRuntime()) })
    closers.push(() => service.close())
  }

  const loginPlatform = await platform('spiffe://shop.example/login', hostOf('login'))
  const login = await startLogin(decodeLoginConfig({ ...(await read('login/config.json')), platform: loginPlatform }), () => undefined)
  closers.push(() => login.close())
  await Promise.all([startTokens('shop.example'), startTokens('bank.example')])
  await Promise.all(Object.entries(SERVICES).map(([name, routes]) => start(name as ServiceName, routes)))
  const fetch = userFetch({
    trust: trustAuthorities([shop]),
    peers: Object.fromEntries(
      ['login', 'storefront', 'concierge'].map((name) => [originOf(hostOf(name)), `spiffe://shop.example/${name}`]),
    ),
    lookup: (_name, options, done) =>
      options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
  })
  closers.push(() => fetch.close())
  return {
    url: (service) => originOf(hostOf(service)),
    signIn: (options) => {
      const ada = { user: 'ada', password: 'sample-password-of-ada', resource: originOf(hostOf('concierge')) }
      return signIn({ issuer: originOf(hostOf('login')), fetch, ...ada, ...options })
    },
    async call(service, path, token, json) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const content = json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) }
      const response = await fetch(`${originOf(hostOf(service))}${path}`, { headers, ...content })
      return { status: response.status, body: parseStrictJsonObject(new Uint8Array(await response.arrayBuffer())) }
    },
    as: open,
    takeHops() {
      const fresh = lines.slice(seen).map((line) => parseStrictJsonObject(new TextEncoder().encode(line)))
      seen = lines.length
      return fresh.filter(({ event }) => event === 'hop')
    },
    lines,
    async close() {
      for (const step of closers.reverse()) await step()
    },
  }
}

function hostOf(name: string): string {
  return name === 'ledger' ? 'ledger.bank.example' : `${name}.shop.example`
}

function identifierOf(name: string): string {
  return name === 'ledger' ? 'spiffe://bank.example/ledger' : `spiffe://shop.example/${name}`
}

function end(server: Server): Promise<unknown> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
