import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import * as honoServer from '@hono/node-server'
import * as core from '@wimse/core'
import * as keys from '@wimse/keys'
import * as mutualTls from '@wimse/mutual-tls'
import { createTestAuthority, type FakeWorkloadApi, startFakeWorkloadApi, type TestAuthority } from '@wimse/testing'
import * as transactionTokens from '@wimse/transaction-tokens'
import * as trust from '@wimse/trust'
import * as wit from '@wimse/wit'
import * as wpt from '@wimse/wpt'
import * as hono from 'hono'
import ts from 'typescript'
import { beforeEach, describe, expect, it } from 'vitest'
import * as workloadHono from '../src/hono.ts'
import * as workload from '../src/index.ts'
import * as workloadNode from '../src/node.ts'
import { makeTokenService } from './transactions.ts'
import { closeLater, field, ORDERS, ORIGIN, PAYMENTS } from './world.ts'

const folder = dirname(import.meta.dirname)
const MODULES: Readonly<Record<string, object>> = {
  '@hono/node-server': honoServer,
  '@wimse/core': core,
  '@wimse/keys': keys,
  '@wimse/mutual-tls': mutualTls,
  '@wimse/transaction-tokens': transactionTokens,
  '@wimse/trust': trust,
  '@wimse/wit': wit,
  '@wimse/workload': workload,
  '@wimse/workload/hono': workloadHono,
  '@wimse/workload/node': workloadNode,
  '@wimse/wpt': wpt,
  hono,
}

/** What a program finds where it stands, by type. */
const GIVEN = `
  declare const workload: import('@wimse/workload/node').Workload
  declare const body: string
  declare const bundles: Record<string, Uint8Array>
  declare const audience: string
  declare const request: Request & import('@wimse/core').RequestView
  declare const token: string
  declare const trust: import('@wimse/trust').TrustStore
  declare const replay: import('@wimse/core').ReplayStore
`

const programs = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => text)

/** Runs a program of the README as it stands there, but for the addresses. @returns what it defines under the name */
async function run<T>(
  index: number,
  result: string,
  given: Readonly<Record<string, unknown>>,
  origins: Readonly<Record<string, string>> = {},
): Promise<T> {
  const moved = Object.entries(origins).reduce((program, [from, to]) => program.replaceAll(from, to), programs[index] ?? '')
  const text = moved.replace('listen(8443)', "listen(0, '127.0.0.1')")
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  })
  const statements = outputText.replaceAll(
    /^import \{(.*)\} from ['"](.*)['"];$/gm,
    (_line, names, from) => `const {${names}} = modules['${from}'];`,
  )
  const AsyncFunction = (async () => undefined).constructor as new (...parts: string[]) => (...values: unknown[]) => Promise<T>
  return new AsyncFunction('modules', ...Object.keys(given), `${statements}\nreturn ${result}`)(MODULES, ...Object.values(given))
}

async function apiOf(authority: TestAuthority, identifier: string): Promise<FakeWorkloadApi> {
  const api = await startFakeWorkloadApi({ authority, identities: [{ identifier, dnsNames: ['localhost'] }] })
  closeLater(() => api.close())
  return api
}

async function originOf(server: Server): Promise<string> {
  if (!server.listening) await once(server, 'listening')
  closeLater(() => server.closeAllConnections())
  closeLater(() => server.close())
  return `https://localhost:${(server.address() as AddressInfo).port}`
}

describe('the programs of the README', () => {
  // These run as a user would run them: on the system's clock.
  let shop: TestAuthority
  let payments: workloadNode.Workload
  let orders: FakeWorkloadApi
  let paymentsApi: FakeWorkloadApi
  beforeEach(async () => {
    shop = await createTestAuthority({ trustDomain: 'shop.example' })
    orders = await apiOf(shop, ORDERS)
    paymentsApi = await apiOf(shop, PAYMENTS)
    const { address } = paymentsApi
    payments = await workloadNode.createWorkload({ source: workloadNode.workloadApi({ address }), peers: {} })
    closeLater(() => payments.close())
  })

  const callFrom = async (origin: string): Promise<Response> => {
    const before = process.env['SPIFFE_ENDPOINT_SOCKET']
    process.env['SPIFFE_ENDPOINT_SOCKET'] = orders.address
    try {
      const result = await run<{ response: Response; workload: workloadNode.Workload }>(
        0,
        '{ workload, response }',
        { body: 'x' },
        { [ORIGIN]: origin },
      )
      closeLater(() => result.workload.close())
      return result.response
    } finally {
      if (before === undefined) delete process.env['SPIFFE_ENDPOINT_SOCKET']
      else process.env['SPIFFE_ENDPOINT_SOCKET'] = before
    }
  }
  const tls = () => {
    const { x509, trust: anchors } = payments.source
    return { source: x509, trust: anchors, profile: 'x509-svid', clientCertificate: 'optional', authorize: () => true } as const
  }

  it('a service calls another, which is called', async () => {
    let app: hono.Hono | undefined
    const listener: ReturnType<typeof honoServer.getRequestListener> = (incoming, outgoing) =>
      honoServer.getRequestListener((request, environment) => app?.fetch(request, environment) ?? new Response())(incoming, outgoing)
    const origin = await originOf(mutualTls.createMutualTlsHttpsServer(tls(), listener).listen(0, '127.0.0.1'))
    app = await run<hono.Hono>(1, 'app', { workload: payments }, { [ORIGIN]: origin })
    const response = await callFrom(origin)
    expect([response.status, await response.json()]).toEqual([200, { for: ORDERS }])
  })

  it.each([
    [2, 'the server of Hono'],
    [3, 'no framework'],
  ])('program %i serves on Node with %s', async (index) => {
    // The audience has to be known before the port is: the caller says whom it means.
    const server = await run<Server>(index, 'server', { workload: payments })
    const origin = await originOf(server)
    const source = workloadNode.workloadApi({ address: orders.address })
    const caller = await workloadNode.createWorkload({ source, peers: { [origin]: PAYMENTS } })
    closeLater(() => caller.close())
    const view = core.requestViewOfRequest(new Request(`${origin}/`))
    for (const choice of [{ proof: 'wpt', audience: `${ORIGIN}/` }, { proof: 'mutual-tls' }] as const) {
      const { response } = await caller.send((await caller.prepare(view, choice)).request)
      expect([response.status, await new Response(response.body as BodyInit).text()]).toEqual([200, expect.stringContaining(ORDERS)])
    }
  })

  it('TXN-12.2-05: a service in the middle of a transaction decides by it and carries it on', async () => {
    const service = await makeTokenService(keys.defaultRuntime())
    const carried: unknown[] = []
    const behind = mutualTls.createMutualTlsHttpsServer(tls(), (incoming, outgoing) => {
      if (incoming.url !== '/jwks') carried.push(incoming.headers['txn-token'])
      outgoing.end(incoming.url === '/jwks' ? JSON.stringify(service.jwks) : '')
    })
    const behindOrigin = await originOf(behind.listen(0, '127.0.0.1'))
    const source = workloadNode.workloadApi({ address: paymentsApi.address })
    const own = await workloadNode.createWorkload({ source, peers: { [behindOrigin]: PAYMENTS } })
    closeLater(() => own.close())
    let app: hono.Hono | undefined
    const front = mutualTls.createMutualTlsHttpsServer(tls(), (incoming, outgoing) =>
      honoServer.getRequestListener((request, environment) => app?.fetch(request, environment) ?? new Response())(incoming, outgoing),
    )
    const origin = await originOf(front.listen(0, '127.0.0.1'))
    const origins = { [ORIGIN]: origin, 'https://tokens.shop.example': behindOrigin, 'https://fraud.shop.example': behindOrigin }
    const made = await run<{ app: hono.Hono; keys: transactionTokens.TokenServiceEndpointKeys }>(
      4,
      '{ app, keys }',
      { workload: own },
      origins,
    )
    closeLater(() => made.keys.close())
    app = made.app

    const callerSource = workloadNode.workloadApi({ address: orders.address })
    const caller = await workloadNode.createWorkload({ source: callerSource, peers: { [origin]: PAYMENTS } })
    closeLater(() => caller.close())
    const token = await service.issue()
    const charge = (transaction?: workloadNode.CallInit['transaction']): Promise<Response> =>
      caller.fetch(`${origin}/charges`, { method: 'POST', body: '{}', transaction })
    const answer = await charge(await service.verifier()(token))
    expect([answer.status, await answer.json(), carried]).toEqual([200, { for: 'user:ada', by: ORDERS, checked: true }, [token]])
    expect(await (await charge()).json()).toMatchObject({ code: 'ERR_TXN_TOKEN_MISSING' })
    const other = await service.verifier()(await service.issue({ scope: ['payments.refund'] }))
    expect((await charge(other)).status).toBe(403)
  })

  it('an edge function knows its caller, and the steps can be taken one by one', async () => {
    const audience = ORIGIN
    const bundles = { 'shop.example': shop.spiffeBundle() }
    const { credential } = await shop.issueWit(ORDERS)
    const make = async () => {
      const headers = {
        'workload-identity-token': credential.token,
        authorization: await wpt.createWpt({ credential, audience: `${ORIGIN}/charges` }),
      }
      return new Request(`${ORIGIN}/charges`, { headers })
    }
    const peer = await run<workload.AuthenticatedPeer>(5, 'peer', { bundles, audience, request: await make() })
    expect(peer.identifier).toBe(ORDERS)

    const request = core.requestViewOfRequest(await make())
    const given = { token: field(request, 'workload-identity-token'), trust: trust.staticTrust(bundles), request, audience }
    const proof = await run<wpt.VerifiedWpt>(6, 'proof', { ...given, replay: core.inMemoryReplayStore({ capacity: 10 }) })
    expect(proof.identifier).toBe(ORDERS)
  })

  it('all of them have the types that they say', { timeout: 120_000 }, () => {
    const files = new Map(programs.map((text, index) => [join(folder, `test/readme-program-${index}.ts`), text]))
    const { config } = ts.readConfigFile(join(folder, '../../tsconfig.test.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, join(folder, '../..'))
    const host = ts.createCompilerHost({ ...options, noUnusedLocals: false })
    const { readFile, fileExists, getSourceFile } = host
    const textOf = (file: string): string | undefined => {
      const text = files.get(file)
      if (text === undefined) return undefined
      const defined = new Set(
        [...text.matchAll(/^const (?:\{ (.*) \}|(\w+)) =/gm)].flatMap(([, several, one]) => several?.split(', ') ?? [one]),
      )
      return GIVEN.split('\n')
        .filter((line) => !defined.has(/const (\w+)/.exec(line)?.[1]))
        .concat(text, 'export {}')
        .join('\n')
    }
    host.readFile = (file) => textOf(file) ?? readFile(file)
    host.fileExists = (file) => files.has(file) || fileExists(file)
    host.getSourceFile = (file, ...rest) => {
      const text = textOf(file)
      return text === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, text, ts.ScriptTarget.ESNext)
    }
    const program = ts.createProgram([...files.keys()], { ...options, noUnusedLocals: false, isolatedDeclarations: false }, host)
    const found = [...files.keys()].flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)))
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
    expect(files.size).toBe(7)
  })
})
