import type { Agent } from 'node:https'
import {
  isWimseError,
  parseWorkloadIdentifier,
  type RequestView,
  type ResponseView,
  type Runtime,
  readBody,
  requestViewOfParts,
  utf8,
  type WimseError,
} from '@wimse/core'
import { createSigner, defaultRuntime } from '@wimse/keys'
import { createMutualTlsAgent, type VerifiedPeer, type X509Source } from '@wimse/mutual-tls'
import { createWitCredential, createWitVerifier, type WitCredential } from '@wimse/wit'
import {
  createHttpsTransport,
  type PreparedCall,
  type ProofChoice,
  prepareCall,
  processResponse,
  type WorkloadSource,
} from '@wimse/workload/node'
import { decodeUnverifiedIdentifier } from '@wimse/x509'
import {
  type CallResult,
  type CallSpec,
  type ForgedCredential,
  MAX_RETURNED_BODY_BYTES,
  type ProofName,
} from '../world/control-protocol.ts'
import { fixedLookup } from './fixed-lookup.ts'
import { offsetRuntime } from './offset-runtime.ts'
import { describePeer, describeRequest, describeResponse, describeSignatureBase, describeToken } from './redact.ts'
import { tamperRequest, tamperResponse } from './tamper.ts'
import type { WorkloadConfig } from './workload-config.ts'

/** Makes calls as the suite asks for them. */
export interface Caller {
  call(spec: CallSpec): Promise<CallResult>
  close(): void
}

const CHOICES: Readonly<Record<Exclude<ProofName, 'none'>, ProofChoice>> = {
  'mutual-tls': 'mutual-tls',
  wpt: 'wpt',
  'http-signature': 'http-signature',
  'http-signature-response': 'http-signature-and-response',
  'jwt-svid': 'jwt-svid',
}

interface Sent {
  readonly response: ResponseView
  readonly connection: VerifiedPeer | undefined
}

/** A caller with the workload's own source. The calls that carry a proof in the message show no client certificate: the proof alone counts. */
export function createCaller(config: WorkloadConfig, source: WorkloadSource): Caller {
  const runtime = defaultRuntime()
  const { trust } = source
  const { addresses } = config
  const verifyWit = createWitVerifier({ trust, profile: 'wit-svid', runtime })
  const agentFor = (x509: X509Source | undefined, expected?: string): Agent =>
    createMutualTlsAgent({
      profile: 'x509-svid',
      trust,
      peers: (origin) => expected ?? config.peers[origin] ?? '',
      ...(x509 !== undefined && { source: x509 }),
      ...(addresses !== undefined && { lookup: fixedLookup(addresses) }),
    })
  const anonymous = agentFor(undefined)
  const mutual = agentFor(source.x509)

  const agentOf = (spec: CallSpec): { readonly agent: Agent; readonly own: boolean } => {
    const forged = spec.forgedCredential?.x509
    if (forged !== undefined) return { agent: agentFor(forgedX509(forged), spec.expectPeer), own: true }
    const certificate = spec.proof === 'mutual-tls' ? source.x509 : undefined
    if (spec.expectPeer !== undefined) return { agent: agentFor(certificate, spec.expectPeer), own: true }
    return { agent: certificate === undefined ? anonymous : mutual, own: false }
  }

  const prepare = async (spec: CallSpec, request: RequestView): Promise<PreparedCall> => {
    const peer = parseWorkloadIdentifier(spec.expectPeer ?? config.peers[spec.to] ?? '')
    if (spec.proof === 'none') return { request, peer, proof: 'mutual-tls' }
    const credential = await witOf(spec, source, runtime)
    return prepareCall(request, {
      peer,
      proof: CHOICES[spec.proof],
      credentials: {
        wit: () => credential ?? fail(),
        jwtSvid: (audience) => source.jwt?.fetch(audience) ?? fail(),
      },
      runtime: offsetRuntime(runtime, spec.clockOffsetSeconds ?? 0),
      ...(spec.audience !== undefined && { audience: spec.audience }),
    })
  }

  return {
    async call(spec) {
      const started = performance.now()
      const evidence: Record<string, unknown> = {}
      const { agent, own } = agentOf(spec)
      const send = createHttpsTransport(agent)
      let accepted = false
      try {
        const call = await prepare(spec, requestOf(spec))
        const request = (spec.tamper ?? []).reduce(tamperRequest, call.request)
        describeCall(evidence, call, request)
        if (spec.tamper?.some(({ kind }) => kind === 'replay')) await whole(await send(request))
        const other = spec.tamperResponse === 'of-another-request' ? await prepare(spec, requestOf(spec)) : undefined
        const sent = await whole(await send(other?.request ?? request))
        evidence['peer'] = describePeer(sent.connection)
        evidence['response'] = describeResponse(sent.response)
        evidence['responseSignatureBase'] = describeSignatureBase(sent.response, request)
        const seen = spec.tamperResponse === undefined ? sent.response : tamperResponse(sent.response, spec.tamperResponse)
        accepted = true
        const { response } = await processResponse(seen, call, { verifyWit, runtime })
        const body = spec.returnBody === true ? { body: textOf(response) } : {}
        return { ...answered(response), ...body, durationMs: performance.now() - started, evidence }
      } catch (error) {
        if (!isWimseError(error)) throw error
        const outcome = accepted ? 'refused-by-caller' : 'connection-failed'
        evidence['cause'] = causeOf(error)
        return { outcome, callerCode: error.code, durationMs: performance.now() - started, evidence }
      } finally {
        if (own) agent.destroy()
      }
    },
    close() {
      anonymous.destroy()
      mutual.destroy()
    },
  }
}

/** What lies behind a failure: our own word for it, or the system's code. No text of an error is in it. */
function causeOf({ detail, cause }: WimseError): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : (detail ?? (cause instanceof Error ? cause.name : undefined))
}

function requestOf(spec: CallSpec): RequestView {
  const { method = 'POST', path = '/charges', query, body = '{"amount":12}', headers = [] } = spec
  const withBody = method !== 'GET' && method !== 'HEAD'
  const ownType = headers.some(([name]) => name.toLowerCase() === 'content-type')
  return requestViewOfParts({
    method,
    scheme: 'https',
    authority: new URL(spec.to).host,
    target: query === undefined ? path : `${path}?${query}`,
    fields: [
      ...(withBody && !ownType ? [['content-type', 'application/json'] as const] : []),
      ...headers,
      ...(spec.transactionToken === undefined ? [] : [['txn-token', spec.transactionToken] as const]),
    ],
    body: withBody ? utf8(body) : null,
  })
}

async function witOf(spec: CallSpec, source: WorkloadSource, runtime: Runtime): Promise<WitCredential | undefined> {
  const forged = spec.forgedCredential?.wit
  if (forged !== undefined) return createWitCredential(forged.token, await createSigner(forged.privateJwk, { runtime }))
  if (spec.proof === 'mutual-tls' || spec.proof === 'jwt-svid') return undefined
  const own = source.wit?.current()
  return own && (spec.borrowedWit === undefined ? own : { ...own, token: spec.borrowedWit })
}

function forgedX509({ chain, privateKey }: NonNullable<ForgedCredential['x509']>): X509Source {
  const der = chain.map((text) => new Uint8Array(Buffer.from(text, 'base64')))
  const [leaf = new Uint8Array()] = der
  const identifier = decodeUnverifiedIdentifier(leaf)
  const credential = {
    identifier,
    chain: der,
    privateKey: new Uint8Array(Buffer.from(privateKey, 'base64')),
    notAfter: Number.MAX_SAFE_INTEGER,
  }
  return { current: () => credential }
}

function describeCall(evidence: Record<string, unknown>, call: PreparedCall, request: RequestView): void {
  const field = (name: string): string | undefined => request.fields.find(([line]) => line.toLowerCase() === name)?.[1]
  evidence['request'] = describeRequest(request)
  evidence['expectedPeer'] = call.peer
  evidence['wit'] = describeToken(field('workload-identity-token'))
  const [scheme = '', token] = field('authorization')?.split(' ') ?? []
  evidence[scheme.toLowerCase() === 'bearer' ? 'accessToken' : 'wpt'] = describeToken(token)
  evidence['transactionToken'] = describeToken(field('txn-token'))
  evidence['signatureBase'] = describeSignatureBase(request)
}

async function whole({ response, connection }: Sent): Promise<Sent> {
  return { response: { ...response, body: await readBody(response.body) }, connection }
}

/** What the callee answers on success and in problem details. */
interface AnswerBody {
  readonly servedFor?: string
  readonly servedBy?: string
  readonly verified?: readonly string[]
  readonly algorithm?: string
  readonly code?: string
  readonly type?: string
  readonly title?: string
}

function answered(response: ResponseView): Omit<CallResult, 'durationMs' | 'evidence'> {
  const challenge = response.fields.find(([name]) => name.toLowerCase() === 'www-authenticate')?.[1]
  const { servedFor, servedBy, verified, algorithm, code, type, title } = parseAnswer(response)
  const defined = <T extends object>(values: T): T =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
  return {
    outcome: 'answered',
    status: response.status,
    ...defined({ challenge, servedFor, servedBy, verified, algorithm }),
    ...(code !== undefined && { problem: defined({ code, type, title }) }),
  } as Omit<CallResult, 'durationMs' | 'evidence'>
}

function textOf({ body }: ResponseView): string {
  if (!(body instanceof Uint8Array)) return ''
  if (body.length > MAX_RETURNED_BODY_BYTES) throw new Error('the answer is too long')
  return new TextDecoder().decode(body)
}

function parseAnswer({ body }: ResponseView): AnswerBody {
  try {
    return body instanceof Uint8Array ? (JSON.parse(new TextDecoder().decode(body)) as AnswerBody) : {}
  } catch {
    return {}
  }
}

function fail(): never {
  throw new Error('the workload has no such credential')
}
