import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { parseTrustDomain, parseWorkloadIdentifier, type Runtime, type TrustDomain } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createTrustStore, type ManagedTrustStore, type TrustSink } from '@wimse/trust'
import { type CertificateAuthority, type ExtendedKeyUsageName, generateCertificateKey, issueAuthority, issueCertificate } from '@wimse/x509'
import { afterEach } from 'vitest'
import {
  type ConnectMutualTlsOptions,
  connectMutualTls,
  createMutualTlsServer,
  type MutualTlsServerOptions,
  type X509Credential,
  type X509Source,
} from '../src/index.ts'

/** Seconds; the world's clock starts here. */
export const NOW = 1_800_000_000
export const SHOP: TrustDomain = parseTrustDomain('shop.example')
export const BANK: TrustDomain = parseTrustDomain('bank.example')
export const ORDERS = 'spiffe://shop.example/orders'
export const PAYMENTS = 'spiffe://shop.example/payments'

export interface Clock {
  seconds: number
}

export function runtimeOf(clock: Clock): Runtime {
  return { ...defaultRuntime(), now: () => clock.seconds * 1000 }
}

export interface CredentialOptions {
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  readonly notAfter?: number
  readonly purposes?: readonly ExtendedKeyUsageName[]
}

const runtime = runtimeOf({ seconds: NOW })

export async function authority(trustDomain: TrustDomain, issuer?: CertificateAuthority): Promise<CertificateAuthority> {
  return issueAuthority({
    key: await generateCertificateKey('ES256', runtime),
    ...(issuer === undefined ? { trustDomain } : { issuer }),
    subject: { organization: trustDomain, commonName: issuer === undefined ? 'root' : 'intermediate' },
    notBefore: NOW - 3600,
    notAfter: NOW + 7200,
    runtime,
  })
}

export async function credential(
  issuer: CertificateAuthority,
  identifier: string,
  options: CredentialOptions = {},
): Promise<X509Credential> {
  const key = await generateCertificateKey('ES256', runtime)
  const parsed = parseWorkloadIdentifier(identifier)
  const notAfter = options.notAfter ?? NOW + 3600
  const { chain } = await issueCertificate({
    issuer,
    publicKey: key.publicKey,
    identifier: parsed,
    notBefore: NOW - 3600,
    runtime,
    ...options,
    notAfter,
  })
  return { identifier: parsed, chain, privateKey: key.privateKey, notAfter }
}

/** A source whose credential a test replaces. */
export interface MovableSource extends X509Source {
  credential: X509Credential
}

export function sourceOf(first: X509Credential): MovableSource {
  return {
    credential: first,
    current() {
      return this.credential
    },
  }
}

/** A trust store whose one source a test speaks for; `onRefresh` is what the source says when it is asked again. */
export interface MovableTrust {
  readonly store: ManagedTrustStore
  set(roots: Readonly<Record<string, readonly CertificateAuthority[]>>): void
  onRefresh: (() => void) | undefined
}

export async function trustOf(roots: Readonly<Record<string, readonly CertificateAuthority[]>>): Promise<MovableTrust> {
  let sink: TrustSink | undefined
  const set: MovableTrust['set'] = (next) =>
    sink?.replace(
      Object.entries(next).map(([name, authorities]) => ({
        trustDomain: parseTrustDomain(name),
        x509Authorities: authorities.map(({ certificate }) => certificate),
      })),
    )
  const store = createTrustStore({
    runtime,
    sources: [
      {
        origin: 'test',
        async start(given) {
          sink = given
          set(roots)
        },
        async refresh() {
          trust.onRefresh?.()
        },
        close: () => undefined,
      },
    ],
  })
  const trust: MovableTrust = { store, set, onRefresh: undefined }
  await store.start()
  closers.push(() => store.close())
  return trust
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

export function closeLater(close: () => void): void {
  closers.push(close)
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A server that answers each octet string with the identifier of its client, and keeps what it refused. */
export interface EchoServer {
  readonly port: number
  readonly refused: string[]
  readonly served: (string | undefined)[]
  /** Resolves with the next refusal's code. */
  nextRefusal(): Promise<string>
}

export async function echoServer(options: Omit<MutualTlsServerOptions, 'onRefused'>): Promise<EchoServer> {
  const refused: string[] = []
  const served: (string | undefined)[] = []
  const waiting: ((code: string) => void)[] = []
  const server = createMutualTlsServer(
    {
      ...options,
      onRefused(error) {
        refused.push(error.code)
        waiting.shift()?.(error.code)
      },
    },
    (socket, peer) => {
      served.push(peer?.identifier)
      closers.push(() => socket.destroy())
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(peer?.identifier ?? 'anonymous'))
    },
  )
  return {
    port: await listen(server),
    refused,
    served,
    nextRefusal: () => new Promise((resolve) => waiting.push(resolve)),
  }
}

/** Sends something and gives the answer; rejects when the connection ends instead. */
export async function ask(socket: TLSSocket): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('data', (data: Buffer) => resolve(data.toString()))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed')))
  })
  socket.write('?')
  return answer
}

export async function dial(
  port: number,
  options: Omit<ConnectMutualTlsOptions, 'host' | 'port'> & { readonly host?: string },
): Promise<TLSSocket> {
  const socket = await connectMutualTls({ host: '127.0.0.1', ...options, port })
  closers.push(() => socket.destroy())
  socket.on('error', () => undefined)
  return socket
}
