import { X509Certificate } from 'node:crypto'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Code, ConnectError, createContextKey, createContextValues, type HandlerContext } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { type JsonObject, parseTrustDomain, parseWorkloadIdentifier, type Runtime } from '@wimse/core'
import { generateSigner, type Signer, signCompactJws } from '@wimse/keys'
import type { X509Credential } from '@wimse/workload-api'
import {
  type CertificateAuthority,
  formatPem,
  generateCertificateKey,
  issueAuthority,
  issueCertificate,
  jwkOfSpki,
  spkiOfJwk,
  verifyCertificateRequest,
} from '@wimse/x509'
import { Agent } from '../../../packages/spire-api/src/generated/spire/api/server/agent/v1/agent_pb.ts'
import { Bundle } from '../../../packages/spire-api/src/generated/spire/api/server/bundle/v1/bundle_pb.ts'
import { Entry } from '../../../packages/spire-api/src/generated/spire/api/server/entry/v1/entry_pb.ts'
import { SVID } from '../../../packages/spire-api/src/generated/spire/api/server/svid/v1/svid_pb.ts'

// OpenSSL judges the server's certificate by the system's clock, everything else here goes by the test's.
const LONG_AGO = Date.UTC(2020, 0, 1) / 1000
const FAR_AWAY = Date.UTC(2049, 0, 1) / 1000

export interface FakeEntry {
  readonly id: string
  readonly path: string
  readonly hint?: string
  readonly expiresAt?: number
  readonly ttlSeconds?: number
}

type Method = 'attest' | 'renew' | 'entries' | 'bundle' | 'x509' | 'wit'
type Authority = CertificateAuthority & { tainted: boolean }
interface KnownNode {
  readonly path: string
  readonly notAfter: number
}

/** The server API of a SPIRE as far as a WIT agent speaks to it: gRPC over TLS, with real keys and certificates. */
export interface FakeSpireServer {
  /** The same at each start. */
  port: number
  readonly bootstrapPem: string
  readonly roots: readonly Uint8Array[]
  entries: readonly FakeEntry[]
  nodeTtlSeconds: number
  /** What the method answers with instead of its work. */
  readonly failures: Map<Method, Code>
  /** How often each method was called. */
  readonly calls: Map<Method, number>
  /** Makes WIT-SVIDs say something else than what was asked for. */
  tamperWith: JsonObject | undefined
  addJoinToken(token: string): void
  addWitKey(keyId?: string): Promise<void>
  /** Signs with a new root from now on; the old ones stay. */
  addRoot(): Promise<void>
  taintOldRoots(): void
  /** Forgets every node, as when an operator evicts them. */
  evict(): void
  /** An X.509-SVID of a workload, as the SPIRE agent beside would give it. */
  workloadSvid(path: string, lifetimeSeconds?: number): Promise<X509Credential>
  stop(): Promise<void>
  start(): Promise<void>
}

const peerKey = createContextKey<string | undefined>(undefined)

async function issueSvid(issuer: CertificateAuthority, identifier: string, publicKey: Uint8Array, ttlSeconds: number, runtime: Runtime) {
  const now = Math.floor(runtime.now() / 1000)
  const notAfter = now + ttlSeconds
  const { chain } = await issueCertificate({
    issuer,
    publicKey,
    identifier: parseWorkloadIdentifier(identifier),
    notBefore: now - 30,
    notAfter,
    runtime,
  })
  return { identifier: parseWorkloadIdentifier(identifier), chain, notAfter }
}

export async function startFakeSpireServer(trustDomain: string, runtime: Runtime): Promise<FakeSpireServer> {
  const roots: Authority[] = []
  const addRoot = async (): Promise<void> => {
    const key = await generateCertificateKey('ES256', runtime)
    const subject = { commonName: `root ${roots.length}` }
    const validity = { notBefore: LONG_AGO, notAfter: FAR_AWAY }
    roots.unshift({
      ...(await issueAuthority({ key, trustDomain: parseTrustDomain(trustDomain), subject, ...validity, runtime })),
      tainted: false,
    })
  }
  await addRoot()
  const newest = (): Authority => roots[0] ?? unreachable()
  const witKeys: { readonly keyId: string; readonly signer: Signer }[] = []
  const addWitKey = async (keyId = `wit-${witKeys.length}`): Promise<void> => {
    witKeys.unshift({ keyId, signer: (await generateSigner('ES256', runtime)).signer })
  }
  await addWitKey()
  const jwtKey = (await generateSigner('ES256', runtime)).signer

  const tokens = new Set<string>()
  const nodes = new Map<string, KnownNode>()
  const pendingOf = new Map<string, string>()
  const failures = new Map<Method, Code>()
  const calls = new Map<Method, number>()

  const begin = (method: Method): void => {
    calls.set(method, (calls.get(method) ?? 0) + 1)
    const code = failures.get(method)
    if (code !== undefined) throw new ConnectError('told to', code)
  }
  const nodeOf = (context: HandlerContext): KnownNode => {
    const fingerprint = context.values.get(peerKey)
    const node = fingerprint === undefined ? undefined : nodes.get(fingerprint)
    if (fingerprint === undefined || node === undefined || node.notAfter <= runtime.now() / 1000) {
      throw new ConnectError('no active agent', Code.PermissionDenied)
    }
    // With the first use of the next SVID the one before is dropped.
    for (const [old, next] of pendingOf) {
      if (next !== fingerprint) continue
      nodes.delete(old)
      pendingOf.delete(old)
    }
    return node
  }
  const nodeSvid = async (path: string, csr: Uint8Array) => {
    const { publicKey } = await verifyCertificateRequest(csr, runtime)
    const { chain, notAfter } = await issueSvid(newest(), `spiffe://${trustDomain}${path}`, publicKey, server.nodeTtlSeconds, runtime)
    const fingerprint = new X509Certificate(chain[0] ?? new Uint8Array()).fingerprint256
    nodes.set(fingerprint, { path, notAfter })
    return { fingerprint, svid: { certChain: [...chain], id: { trustDomain, path }, expiresAt: BigInt(notAfter) } }
  }
  const entryOf = (id: string): FakeEntry => {
    const entry = server.entries.find((candidate) => candidate.id === id)
    if (entry === undefined) throw new ConnectError('entry not found or not authorized', Code.NotFound)
    return entry
  }
  const ok = { code: 0, message: '' }

  const adapter = connectNodeAdapter({
    contextValues: (request) => {
      const socket: unknown = 'stream' in request ? request.stream.session?.socket : undefined
      const certificate = (socket as Partial<Pick<TLSSocket, 'getPeerX509Certificate'>> | undefined)?.getPeerX509Certificate?.()
      return createContextValues().set(peerKey, certificate?.fingerprint256)
    },
    routes: ({ service }) => {
      service(Agent, {
        async *attestAgent(requests) {
          begin('attest')
          for await (const { step } of requests) {
            const token = new TextDecoder().decode(step.case === 'params' ? step.value.data?.payload : new Uint8Array())
            if (step.case !== 'params' || !tokens.delete(token)) throw new ConnectError('join token', Code.InvalidArgument)
            const { svid } = await nodeSvid(`/spire/agent/join_token/${nodes.size}`, step.value.params?.csr ?? new Uint8Array())
            yield { step: { case: 'result' as const, value: { svid, reattestable: false } } }
            return
          }
        },
        async renewAgent({ params }, context) {
          begin('renew')
          const { path } = nodeOf(context)
          const { svid, fingerprint } = await nodeSvid(path, params?.csr ?? new Uint8Array())
          pendingOf.set(context.values.get(peerKey) ?? '', fingerprint)
          return { svid }
        },
      })
      service(Entry, {
        getAuthorizedEntries(_request, context) {
          begin('entries')
          const { path } = nodeOf(context)
          return {
            entries: server.entries.map(({ id, path: entryPath, hint = '', expiresAt = 0 }) => ({
              id,
              spiffeId: { trustDomain, path: entryPath },
              parentId: { trustDomain, path },
              hint,
              expiresAt: BigInt(expiresAt),
            })),
          }
        },
      })
      service(Bundle, {
        getBundle() {
          begin('bundle')
          const key = (keyId: string, { publicJwk }: Signer) => ({ keyId, publicKey: spkiOfJwk(publicJwk) })
          return {
            trustDomain,
            x509Authorities: roots.map(({ certificate, tainted }) => ({ asn1: certificate, tainted })),
            jwtAuthorities: [key('jwt-0', jwtKey)],
            witAuthorities: witKeys.map(({ keyId, signer }) => key(keyId, signer)),
            refreshHint: 10n,
            sequenceNumber: 1n,
          }
        },
      })
      service(SVID, {
        async batchNewX509SVID({ params }, context) {
          begin('x509')
          nodeOf(context)
          const [request] = params
          const { path, ttlSeconds = 60 } = entryOf(request?.entryId ?? '')
          const { publicKey } = await verifyCertificateRequest(request?.csr ?? new Uint8Array(), runtime)
          const { chain, notAfter } = await issueSvid(newest(), `spiffe://${trustDomain}${path}`, publicKey, ttlSeconds, runtime)
          return { results: [{ status: ok, svid: { certChain: [...chain], id: { trustDomain, path }, expiresAt: BigInt(notAfter) } }] }
        },
        async batchNewWITSVID({ params }, context) {
          begin('wit')
          nodeOf(context)
          const [request] = params
          const entry = server.entries.find(({ id }) => id === request?.entryId)
          if (request === undefined || entry === undefined) return { results: [{ status: { code: Code.NotFound, message: '' } }] }
          const { path, ttlSeconds = 60 } = entry
          const iat = Math.floor(runtime.now() / 1000)
          const { keyId, signer } = witKeys[0] ?? unreachable()
          const jwk = { ...jwkOfSpki(request.publicKey), alg: request.signingAlgorithm }
          const claims = { sub: `spiffe://${trustDomain}${path}`, iat, exp: iat + ttlSeconds, cnf: { jwk }, ...server.tamperWith }
          const token = await signCompactJws({ typ: 'wit+jwt', kid: keyId }, claims, signer)
          const svid = { token, id: { trustDomain, path }, issuedAt: BigInt(iat), expiresAt: BigInt(iat + ttlSeconds) }
          return { results: [{ status: ok, svid }] }
        },
      })
    },
  })

  const sessions = new Set<ServerHttp2Session>()
  let listening: Http2SecureServer | undefined
  const server: FakeSpireServer = {
    port: 0,
    get roots(): readonly Uint8Array[] {
      return roots.map(({ certificate }) => certificate)
    },
    bootstrapPem: formatPem('CERTIFICATE', newest().certificate),
    entries: [],
    nodeTtlSeconds: 3600,
    failures,
    calls,
    tamperWith: undefined,
    addJoinToken: (token: string): void => void tokens.add(token),
    addWitKey,
    addRoot,
    taintOldRoots(): void {
      for (const root of roots.slice(1)) root.tainted = true
    },
    evict(): void {
      nodes.clear()
    },
    async workloadSvid(path: string, lifetimeSeconds = 3600) {
      const key = await generateCertificateKey('ES256', runtime)
      const svid = await issueSvid(newest(), `spiffe://${trustDomain}${path}`, key.publicKey, lifetimeSeconds, runtime)
      return { ...svid, trustDomain: parseTrustDomain(trustDomain), privateKey: key.privateKey }
    },
    async stop(): Promise<void> {
      const closing = listening
      listening = undefined
      if (closing === undefined) return
      const closed = new Promise<void>((resolve) => closing.close(() => resolve()))
      for (const session of sessions) session.destroy()
      await closed
    },
    async start(): Promise<void> {
      const root = newest()
      const key = await generateCertificateKey('ES256', runtime)
      const { chain } = await issueCertificate({
        issuer: root,
        publicKey: key.publicKey,
        identifier: parseWorkloadIdentifier(`spiffe://${trustDomain}/spire/server`),
        notBefore: LONG_AGO,
        notAfter: FAR_AWAY,
        runtime,
      })
      const secure = createSecureServer({
        cert: chain.map((der) => formatPem('CERTIFICATE', der)).join(''),
        key: formatPem('PRIVATE KEY', key.privateKey),
        requestCert: true,
        rejectUnauthorized: false,
      })
      secure.on('session', (session) => {
        sessions.add(session)
        session.once('close', () => sessions.delete(session))
      })
      secure.on('request', adapter)
      await new Promise<void>((resolve) => secure.listen(server.port, '127.0.0.1', resolve))
      server.port = (secure.address() as AddressInfo).port
      listening = secure
    },
  }
  await server.start()
  return server
}

function unreachable(): never {
  throw new Error('unreachable')
}
