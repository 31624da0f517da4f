import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type JsonObject, parseStrictJsonObject, readBody, requestViewOfRequest } from '@wimse/core'
import { defaultRuntime, generateSigner, signCompactJws } from '@wimse/keys'
import { createMutualTlsAgent, createMutualTlsHttpsServer } from '@wimse/mutual-tls'
import { createTestAuthority, createTestRuntime, startFakeWorkloadApi } from '@wimse/testing'
import { createTransactionTokenVerifier, tokenServiceEndpointKeys } from '@wimse/transaction-tokens'
import { type CallInit, createHttpsTransport, createWorkload, type Workload, workloadApi } from '@wimse/workload/node'
import type { TokenClient } from '../src/index.ts'
import { createTokenClient } from '../src/token-client.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const READY_TIMEOUT_MS = 60_000
const SERVICES = ['storefront', 'orders', 'fraud', 'payments', 'ledger'] as const
/** Those that work is left to, where there is a broker: by program. */
const LATER = { 'orders-evening': 'orders', settlement: 'settlement', 'settlement-2': 'settlement' } as const
const HOSTS = {
  'login.shop.example': 'spiffe://shop.example/login',
  'tokens.shop.example': 'spiffe://shop.example/token-service',
  'tokens.bank.example': 'spiffe://bank.example/token-service',
  'storefront.shop.example': 'spiffe://shop.example/storefront',
  'orders.shop.example': 'spiffe://shop.example/orders',
  'fraud.shop.example': 'spiffe://shop.example/fraud',
  'payments.shop.example': 'spiffe://shop.example/payments',
  'ledger.bank.example': 'spiffe://bank.example/ledger',
  'orders-evening.shop.example': 'spiffe://shop.example/orders-evening',
  'settlement.shop.example': 'spiffe://shop.example/settlement',
  'settlement-2.shop.example': 'spiffe://shop.example/settlement',
  'concierge.shop.example': 'spiffe://shop.example/concierge',
  'buyer.shop.example': 'spiffe://shop.example/buyer',
} as const

type Host = keyof typeof HOSTS
/** The host of a service, without the trust domain where that is the shop's. */
export type Place = 'login' | 'tokens' | 'bank' | (typeof SERVICES)[number] | keyof typeof LATER | 'concierge' | 'buyer'

/** An answer, read. */
export interface Answer {
  readonly status: number
  readonly body: JsonObject
}

/** The shop as programs of their own on loopback, with two token services and a Workload API for each; the users' identity provider is the test. */
export interface ShopWorld {
  origin(place: Place): string
  /** A workload with this identity, which may be that of a service: as somebody has it who broke into that. */
  as(identifier: string): Promise<Workload>
  /** An access token of the identity provider. */
  signIn(claims: { readonly aud: string; readonly scope: string; readonly [claim: string]: unknown }): Promise<string>
  /** A call over TLS without any certificate, as people make it. */
  visit(url: string, init: RequestInit): Promise<Answer>
  /** Lines of the logs so far: hops of services, events of token services. */
  readonly lines: readonly JsonObject[]
  /** The first line with these members after the first `since`; waits for it, since an answer may be faster than the line about it. */
  heard(members: JsonObject, since?: number): Promise<JsonObject>
  readonly log: readonly string[]
  /** Ends a program without a goodbye, and starts it again as it was. */
  kill(place: Place): Promise<void>
  start(place: Place): Promise<void>
  /** Stops a program where it stands: connections stay, answers don't come. */
  pause(place: Place): void
  resume(place: Place): void
  close(): Promise<void>
}

/** A workload of the shop in foreign hands, with what it may ask of the token service. */
export interface Intruder {
  readonly workload: Workload
  readonly tokens: TokenClient
}

/** Breaks into a workload. */
export async function intruder(shop: ShopWorld, name: string): Promise<Intruder> {
  const workload = await shop.as(`spiffe://shop.example/${name}`)
  const tokens = shop.origin('tokens')
  const runtime = { ...defaultRuntime(), fetch: workload.fetch }
  const keys = tokenServiceEndpointKeys({ trustDomain: 'shop.example', url: `${tokens}/jwks`, runtime })
  await keys.start()
  const verify = createTransactionTokenVerifier({ keys, audience: 'shop.example' })
  return { workload, tokens: createTokenClient(workload, { tokens, trustDomain: 'shop.example', verify }) }
}

/** Reads an answer. */
export async function answerOf(response: Response): Promise<Answer> {
  const octets = await readBody(response.body)
  return { status: response.status, body: octets.length === 0 ? {} : parseStrictJsonObject(octets) }
}

/** A POST of JSON. */
export function post(body: JsonObject, token?: string, choice: Pick<CallInit, 'transaction' | 'proof'> = {}): CallInit {
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  return { method: 'POST', headers, body: JSON.stringify(body), ...choice }
}

/** @param broker `nats://…`: with it, work can be done later, and two workers are there to do it */
export async function startShop({ broker }: { readonly broker?: string } = {}): Promise<ShopWorld> {
  const runtime = createTestRuntime({ now: Date.now() })
  const directory = await mkdtemp(join(tmpdir(), 'shop-'))
  const closers: (() => unknown)[] = [() => rm(directory, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const step of closers.splice(0).reverse()) await step()
  }
  try {
    return await start()
  } catch (error) {
    await close()
    throw error
  }

  async function start(): Promise<ShopWorld> {
    const shop = await createTestAuthority({ trustDomain: 'shop.example', runtime })
    const bank = await createTestAuthority({ trustDomain: 'bank.example', runtime })
    const ports = new Map<Host, number>()
    for (const host of Object.keys(HOSTS) as Host[]) ports.set(host, await freePort())
    const addresses = Object.fromEntries(Object.keys(HOSTS).map((host) => [host, '127.0.0.1']))
    const originOf = (host: Host): string => `https://${host}:${ports.get(host)}`
    const origin = (place: Place): string => originOf(hostOf(place))
    const rewritten = async (path: string): Promise<JsonObject> => {
      const text = await readFile(join(ROOT, 'apps/shop', path), 'utf8')
      return parseStrictJsonObject(
        new TextEncoder().encode(
          text.replace(/https:\/\/([a-z0-9.-]+\.example)/g, (whole, host) => (host in HOSTS ? originOf(host) : whole)),
        ),
      )
    }
    const openApi = async (identifier: string, host?: string): Promise<string> => {
      const [authority, federated] = identifier.startsWith('spiffe://bank.example/') ? [bank, shop] : [shop, bank]
      const dnsNames = host === undefined ? {} : { dnsNames: [host] }
      const api = await startFakeWorkloadApi({ authority, federated: [federated], identities: [{ identifier, ...dnsNames }] })
      closers.push(() => api.close())
      return api.address
    }
    const peers = Object.fromEntries((Object.keys(HOSTS) as Host[]).map((host) => [originOf(host), HOSTS[host]]))
    const lookup = {
      lookup: (_host: string, _options: unknown, done: (error: null, found: never) => void) =>
        done(null, [{ address: '127.0.0.1', family: 4 }] as never),
    }

    const lines: JsonObject[] = []
    const listeners = new Set<() => void>()
    const log: string[] = []
    const programs = new Map<Host, { child: ChildProcess; start(): Promise<void> }>()
    const programOf = (place: Place) => programs.get(hostOf(place)) ?? absent(place)
    const run = async (host: Host, main: string, args: (path: string) => string[], config: JsonObject): Promise<void> => {
      const path = join(directory, `${host}.json`)
      await writeFile(path, JSON.stringify(config))
      const begin = (): ChildProcess =>
        spawn(process.execPath, ['--conditions=wimse-source', join(ROOT, main), ...args(path)], { stdio: ['ignore', 'ignore', 'pipe'] })
      const ready = (child: ChildProcess): Promise<void> =>
        readyOf(child, host, (line) => {
          log.push(line)
          const parsed: unknown = line.startsWith('{') ? JSON.parse(line) : undefined
          if (isJsonObject(parsed)) lines.push(parsed)
          for (const listener of listeners) listener()
        })
      const program = {
        child: begin(),
        start: () => {
          program.child = begin()
          return ready(program.child)
        },
      }
      programs.set(host, program)
      closers.push(() => ended(program.child))
      await ready(program.child)
    }

    const login = await workloadApi({ address: await openApi(HOSTS['login.shop.example'], 'login.shop.example'), wit: 'none' })
    await login.ready()
    closers.push(() => login.close())
    const { signer } = await generateSigner('ES256', runtime)
    const jwks = JSON.stringify({ keys: [{ ...signer.publicJwk, kid: 'login-1', use: 'sig' }] })
    const provider = createMutualTlsHttpsServer(
      { source: login.x509, trust: login.trust, profile: 'x509-svid', clientCertificate: 'optional', authorize: () => true },
      (_request, response) => response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(jwks),
    )
    await new Promise<void>((resolve) => provider.listen(ports.get('login.shop.example'), '127.0.0.1', resolve))
    closers.push(() => provider.close().closeAllConnections())

    const service = async (name: Place, program: string, settings: JsonObject = {}): Promise<void> => {
      const host = hostOf(name)
      const api = await openApi(HOSTS[host], host)
      const jobs = broker === undefined ? {} : { broker: { url: broker } }
      const platform = { listen: listen(host), workloadApi: api, addresses, ...jobs }
      const config = { ...(await rewritten(`${program}/config.json`)), ...settings, platform }
      await run(host, `apps/shop/${program}/src/main.ts`, (path) => [path], config)
    }
    const listen = (host: Host) => ({ host: '127.0.0.1', port: ports.get(host) ?? 0 })
    const starting = [
      ...(['tokens.shop.example', 'tokens.bank.example'] as const).map(async (host) =>
        run(host, 'apps/token-service/src/main.ts', (path) => ['--config', path], {
          ...(await rewritten(`policies/${host}.json`)),
          listen: listen(host),
          workloadApi: await openApi(HOSTS[host], host),
          addresses,
        }),
      ),
      ...SERVICES.map((name) => service(name, name, name === 'storefront' && broker !== undefined ? { restockEverySeconds: 1 } : {})),
      ...(broker === undefined ? [] : Object.entries(LATER)).map(([name, program]) =>
        service(name as Place, program, { name, origin: origin(name as Place) }),
      ),
    ]
    try {
      await Promise.all(starting)
    } catch (error) {
      // What is still on its way is ended as well: no program outlives the test.
      await close()
      await Promise.allSettled(starting)
      throw error
    }

    const visitor = createHttpsTransport(
      createMutualTlsAgent({ profile: 'x509-svid', trust: login.trust, peers: (to) => peers[to] ?? '', ...lookup }),
    )
    return {
      origin,
      lines,
      log,
      close,
      async kill(place) {
        const { child } = programOf(place)
        const exit = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        await exit
      },
      start: (place) => programOf(place).start(),
      pause: (place) => void programOf(place).child.kill('SIGSTOP'),
      resume: (place) => void programOf(place).child.kill('SIGCONT'),
      heard: (members, since = 0) =>
        new Promise((resolve) => {
          const look = (): void => {
            const found = lines
              .slice(since)
              .find((line) => Object.entries(members).every(([name, value]) => isDeepStrictEqual(line[name], value)))
            if (found === undefined) return
            listeners.delete(look)
            resolve(found)
          }
          listeners.add(look)
          look()
        }),
      async as(identifier) {
        const workload = await createWorkload({ source: workloadApi({ address: await openApi(identifier) }), peers, tls: lookup })
        closers.push(() => workload.close())
        return workload
      },
      signIn({ aud, ...claims }) {
        const iat = Math.floor(runtime.now() / 1000)
        const payload = { iss: origin('login'), sub: 'ada', aud, iat, exp: iat + 300, client_id: 'web', ...claims }
        return signCompactJws({ typ: 'at+jwt', kid: 'login-1' }, payload as JsonObject, signer)
      },
      async visit(url, init) {
        const { response } = await visitor(requestViewOfRequest(new Request(url, init)))
        // The constructor takes no content, however empty, with a status that has none.
        const body = response.status === 204 ? null : (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
        return answerOf(new Response(body, { status: response.status }))
      },
    }
  }
}

function hostOf(place: Place): Host {
  if (place === 'bank') return 'tokens.bank.example'
  return place === 'ledger' ? 'ledger.bank.example' : `${place}.shop.example`
}

function absent(place: Place): never {
  throw new Error(`${place} is not here`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function ended(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  // One that is paused would never hear of it.
  child.kill('SIGCONT')
  return exit
}

/** Resolves when the program says that it is ready; what it says goes on to be read. */
function readyOf(child: ChildProcess, name: string, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = AbortSignal.timeout(READY_TIMEOUT_MS)
    late.addEventListener('abort', () => reject(new Error(`${name} is not ready\n${said}${rest}`)))
    let rest = ''
    let said = ''
    child.stderr?.on('data', (chunk) => {
      const parts = `${rest}${String(chunk)}`.split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        said += `${line}\n`
        onLine(line)
        if (line.includes('"service.ready"')) resolve()
      }
    })
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}\n${said}${rest}`)))
  })
}
