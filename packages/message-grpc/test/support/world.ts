import { once } from 'node:events'
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type Client, createClient, type HandlerContext, type ServiceImpl } from '@connectrpc/connect'
import { Http2SessionManager } from '@connectrpc/connect-node'
import { inMemoryDeliveryStore, isWimseError, parseTrustDomain } from '@wimse/core'
import { generateSigner, type Signer } from '@wimse/keys'
import type { VerifiedMessage } from '@wimse/message-proof'
import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import { keyAuthority, staticTrust } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit, type WitCredential, type WitVerifier } from '@wimse/wit'
import {
  createProvingTransport,
  createVerifyingHandler,
  errorCodeOf,
  type ProvingTransportOptions,
  type VerifyingHandlerOptions,
  verifiedCallOf,
} from '../../src/index.ts'
import { Echo, type EchoService } from './echo-service.ts'
import { type Interceptor, startProxy } from './proxy.ts'

export const AUTHORITY = 'echo.shop.example'
export const CLIENT = 'spiffe://shop.example/orders'
export const SERVER = 'spiffe://shop.example/echo'

/** A trust domain, a server behind a proxy that anybody may have taken over, and clients of it. */
export interface World {
  readonly runtime: TestRuntime
  readonly verifyWit: WitVerifier
  readonly proxy: Interceptor
  /** The server itself. */
  readonly direct: string
  readonly client: Client<EchoService>
  /** Proofs of the calls that reached an implementation. */
  readonly calls: VerifiedMessage[]
  /** What implementations read. */
  readonly read: string[]
  /** What the server refused, with its details. */
  readonly refusals: unknown[]
  issue(subject: string, signer?: Signer, lifetimeSeconds?: number): Promise<WitCredential>
  connect(options?: Partial<ProvingTransportOptions>): Client<EchoService>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly server?: Partial<VerifyingHandlerOptions>
  readonly implementation?: Partial<ServiceImpl<EchoService>>
  /** Both sides prove. */
  readonly proveResponses?: true
}

export async function createWorld({ server: more = {}, implementation, proveResponses }: WorldOptions = {}): Promise<World> {
  const runtime = createTestRuntime()
  const { signer: issuer } = await generateSigner('ES256', runtime)
  const trust = staticTrust([
    { trustDomain: parseTrustDomain('shop.example'), witAuthorities: [keyAuthority({ ...issuer.publicJwk, kid: '1' })] },
  ])
  const verifyWit = createWitVerifier({ trust, profile: 'wimse', runtime })
  const issue: World['issue'] = async (subject, given, lifetimeSeconds = 3600) => {
    const signer = given ?? (await generateSigner('ES256', runtime)).signer
    const grant = { profile: 'wimse', subject, confirmationKey: signer.publicJwk, lifetimeSeconds } as const
    return createWitCredential(await issueWit(grant, { signer: issuer, keyId: '1', runtime }), signer)
  }
  const [calls, read, refusals]: [VerifiedMessage[], string[], unknown[]] = [[], [], []]
  const own = await issue(SERVER)
  const handler = createVerifyingHandler({
    routes: (router) => router.service(Echo, { ...echo(calls, read), ...implementation }),
    authority: AUTHORITY,
    verifyWit,
    deliveries: inMemoryDeliveryStore({ capacity: 1000 }),
    onRefusal: (failure) => refusals.push(failure),
    ...(proveResponses && { responses: { credential: () => own } }),
    runtime,
    ...more,
  })
  const server = createServer(handler)
  const sessions: ServerHttp2Session[] = []
  server.on('session', (session) => sessions.push(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const direct = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const proxy = await startProxy(direct)
  const managers: Http2SessionManager[] = []
  const credential = await issue(CLIENT)
  const connect: World['connect'] = (options = {}) => {
    const sessionManager = new Http2SessionManager(proxy.url)
    managers.push(sessionManager)
    return createClient(
      Echo,
      createProvingTransport({
        baseUrl: proxy.url,
        authority: AUTHORITY,
        credential: () => credential,
        sessionManager,
        ...(proveResponses && { responses: { verifyWit, server: SERVER } }),
        runtime,
        ...options,
      }),
    )
  }
  return {
    runtime,
    verifyWit,
    proxy,
    direct,
    client: connect(),
    calls,
    read,
    refusals,
    issue,
    connect,
    async close() {
      for (const manager of managers) manager.abort()
      await proxy.close()
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

function echo(calls: VerifiedMessage[], read: string[]): ServiceImpl<EchoService> {
  const entered = (context: HandlerContext): void => void calls.push(verifiedCallOf(context))
  const heard = (value: string): string => {
    read.push(value)
    return value
  }
  return {
    async say({ value }, context) {
      entered(context)
      return { value: heard(value) }
    },
    async whisper({ value }, context) {
      entered(context)
      return { value: heard(value).toLowerCase() }
    },
    async collect(messages, context) {
      entered(context)
      const all: string[] = []
      for await (const { value } of messages) all.push(heard(value))
      return { value: all.join(' ') }
    },
    async *repeat({ value }, context) {
      entered(context)
      for (const word of heard(value).split(' ')) yield { value: word }
    },
    async *chat(messages, context) {
      entered(context)
      for await (const { value } of messages) yield { value: heard(value).toUpperCase() }
    },
  }
}

/** Values as messages. */
export async function* sending(values: Iterable<string>): AsyncIterable<{ value: string }> {
  for (const value of values) yield { value }
}

/** What a stream of responses says, word by word. */
export async function wordsOf(messages: AsyncIterable<{ readonly value: string }>): Promise<string> {
  const all: string[] = []
  for await (const { value } of messages) all.push(value)
  return all.join(' ')
}

/** The outcome of a call, or the code that it is refused with. */
export async function outcome(call: Promise<string | { readonly value: string }>): Promise<string> {
  try {
    const result = await call
    return typeof result === 'string' ? result : result.value
  } catch (error) {
    return errorCodeOf(error) ?? (isWimseError(error) ? error.code : `uncoded: ${String(error)}`)
  }
}

/** The code that a step ends with. */
export async function codeOf(step: () => unknown): Promise<string> {
  return outcome(
    (async () => {
      await step()
      return 'ok'
    })(),
  )
}
