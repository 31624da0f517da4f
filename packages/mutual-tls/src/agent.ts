import type { ClientRequest } from 'node:http'
import { Agent, type RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { isWimseError, parseWorkloadIdentifier, WimseError } from '@wimse/core'
import { connectMutualTls, type ExpectedPeer, type MutualTlsClientOptions } from './connect.ts'
import { isPeerCurrent, peerOf } from './verified-peer.ts'
import type { X509Credential } from './x509-source.ts'

/** Options of {@link createMutualTlsAgent}. */
export interface MutualTlsAgentOptions extends MutualTlsClientOptions {
  /** Who is expected at an origin, such as `https://payments.shop.example` or `https://10.0.0.7:8443`: `createPeerLookup` of core makes one. */
  readonly peers: (origin: string) => ExpectedPeer
  /** Idle connections that are kept for each host. Default 16. */
  readonly maxIdleConnections?: number
}

/** Node calls this for each request, before it looks for an idle connection; its types leave it out. */
interface RequestTaker {
  addRequest(request: ClientRequest, options: RequestOptions): void
}

/** How long a connection is kept that nobody uses and whose server says nothing about that. */
const MAX_IDLE_MS = 60_000

const base = Agent.prototype as Agent & RequestTaker

/**
 * An agent for `request` of node:https: its connections are those of `connectMutualTls`, kept alive and used again as long as neither the
 * own credential nor an anchor of the peer's trust domain nor who is expected at that origin has changed. A connection that is in use is never cut; one that is idle ends
 * before its server would end it (`Keep-Alive`), or after a minute. No session is resumed.
 * Failures reach the request as its `error`, which is a `WimseError`. Options of a request that concern TLS are not heeded.
 */
export function createMutualTlsAgent(options: MutualTlsAgentOptions): Agent {
  return new MutualTlsAgent(options)
}

/** What a connection was made for and with. */
interface Dialled {
  readonly origin: string
  readonly credential: X509Credential | undefined
}

class MutualTlsAgent extends Agent implements RequestTaker {
  readonly #options: MutualTlsAgentOptions
  readonly #dialled = new WeakMap<object, Dialled>()

  constructor(options: MutualTlsAgentOptions) {
    // With a `timeout`, and only then, node ends an idle connection a second before the server has said it would: whoever waits for the server sends into
    // one that is just being closed. It ends none that is in use.
    super({ keepAlive: true, maxCachedSessions: 0, maxFreeSockets: options.maxIdleConnections ?? 16, timeout: MAX_IDLE_MS })
    this.#options = options
  }

  override createConnection(request: RequestOptions, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    const done = callback as ((error: Error | null, stream?: Duplex) => void) | undefined
    this.#connect(request).then(
      (socket) => done?.(null, socket),
      (cause: unknown) => done?.(isWimseError(cause) ? cause : new WimseError('ERR_MTLS_CONNECTION', { cause })),
    )
  }

  override keepSocketAlive(socket: Duplex): boolean {
    const kept: unknown = super.keepSocketAlive(socket)
    return kept === true && this.#isCurrent(socket)
  }

  addRequest(request: ClientRequest, options: RequestOptions): void {
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of sockets ?? []) if (!this.#isCurrent(socket)) socket.destroy()
    }
    base.addRequest.call(this, request, options)
  }

  async #connect(request: RequestOptions): Promise<Duplex> {
    const { peers, source, ...rest } = this.#options
    const host = request.host ?? request.hostname ?? 'localhost'
    const port = Number(request.port ?? 443)
    const origin = `https://${host.includes(':') ? `[${host}]` : host}${port === 443 ? '' : `:${port}`}`
    const credential = source?.current()
    const own = credential === undefined ? {} : { source: { current: () => credential } }
    const socket = await connectMutualTls({ ...rest, ...own, host, port, expectedPeer: peers(origin) })
    // As node's own agents have it: a body that goes out apart from its header would wait 40 ms for the acknowledgement of that.
    socket.setNoDelay(true)
    this.#dialled.set(socket, { origin, credential })
    return socket
  }

  #isCurrent(socket: object): boolean {
    const dialled = this.#dialled.get(socket)
    const peer = peerOf(socket)
    if (dialled === undefined || peer === undefined || !isPeerCurrent(socket)) return false
    const { peers, source } = this.#options
    try {
      const expected = peers(dialled.origin)
      const isExpected = typeof expected === 'function' ? expected(peer) === true : peer.identifier === parseWorkloadIdentifier(expected)
      return isExpected && source?.current() === dialled.credential
    } catch {
      // CRED-9.4-03: no live credential, no request under the old one. MTLS-3.2.1-04: no expectation, no peer.
      return false
    }
  }
}
