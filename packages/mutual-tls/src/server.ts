import { constants } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer as createHttps, type Server as HttpsServer } from 'node:https'
import { Socket } from 'node:net'
import { createServer, type Server, TLSSocket, type TlsOptions } from 'node:tls'
import { isWimseError, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import type { CertificateProfile } from '@wimse/x509'
import type { Authorizer } from './authorizers.ts'
import { type PeerRules, peerOf, type VerifiedPeer, verifyPeer, type X509Trust } from './verified-peer.ts'
import {
  contextOptions,
  DEFAULT_MIN_VERSION,
  type MinVersion,
  withPrivateKey,
  type X509Credential,
  type X509Source,
} from './x509-source.ts'

/** Time for a handshake unless told otherwise, in milliseconds. */
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000

/** Options of the servers of this package. */
export interface MutualTlsServerOptions {
  readonly source: X509Source
  readonly trust: X509Trust
  readonly profile: CertificateProfile
  /** Which clients may connect at all, such as those of a trust domain (MTLS-3.2-03); what they may do is decided by request. */
  readonly authorize: Authorizer
  /**
   * `required` (the default, MTLS-3.2-04), or `optional` where callers may prove themselves by other means, such as a WPT. A certificate
   * that is shown has to be valid in either case.
   */
  readonly clientCertificate?: 'required' | 'optional'
  readonly minVersion?: MinVersion
  readonly handshakeTimeoutMs?: number
  readonly alpnProtocols?: readonly string[]
  readonly clockToleranceSeconds?: number
  /** Certificates in a path, leaf and anchor included. */
  readonly maxDepth?: number
  readonly runtime?: Pick<Runtime, 'crypto' | 'now'>
  /** For the operator's log: a connection was refused. The peer sees that it is closed and nothing else. What this throws is dropped. */
  readonly onRefused?: (error: WimseError, connection: { readonly remoteAddress: string | undefined }) => void
}

/** What a server calls with each authenticated connection; `peer` is undefined only where client certificates are optional. */
export type MutualTlsListener = (socket: TLSSocket, peer: VerifiedPeer | undefined) => void

/**
 * A TLS server whose clients are authenticated by their workload certificates. The credential is taken from the source at each
 * connection: new connections use the new one at once when it rotates, old ones stay, and without a live one none is accepted
 * (CRED-9.4-03). After the handshake, before any listener sees the socket: client certificate there (MTLS-3.2-04), path, identifier and
 * extended key usage (MTLS-3.2-01, MTLS-5-01, MTLS-5-02, MTLS-5-03), authorizer (MTLS-5-07). Sessions are not resumed.
 *
 * Refusals end the connection and go to `onRefused` with `ERR_MTLS_CERTIFICATE_MISSING`, `ERR_POLICY_DENIED`, `ERR_X509_…`, those of the
 * trust store or of the source.
 *
 * @see draft-ietf-wimse-mutual-tls sections 3.2 and 3.3
 */
export function createMutualTlsServer(options: MutualTlsServerOptions, listener?: MutualTlsListener): Server {
  const server = createServer(tlsOptions(options))
  if (listener !== undefined) server.on('secureConnection', (socket) => listener(socket, peerOf(socket)))
  return admitOnlyAuthenticated(server, options)
}

/** The same as a server of node:https; {@link peerOf} of `request.socket` is the client. */
export function createMutualTlsHttpsServer(options: MutualTlsServerOptions, listener?: RequestListener): HttpsServer {
  const server = createHttps({ ...tlsOptions(options), ALPNProtocols: [...(options.alpnProtocols ?? ['http/1.1'])] }, listener)
  return admitOnlyAuthenticated(server, options)
}

function tlsOptions(options: MutualTlsServerOptions): TlsOptions {
  return {
    requestCert: true,
    // What node would reject by is OpenSSL's judgement under a store of roots; ours comes after the handshake, per trust domain.
    rejectUnauthorized: false,
    handshakeTimeout: options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS,
    ...(options.alpnProtocols !== undefined && { ALPNProtocols: [...options.alpnProtocols] }),
    ...serverContext(options, undefined),
  }
}

function serverContext({ minVersion = DEFAULT_MIN_VERSION }: MutualTlsServerOptions, credential: X509Credential | undefined): TlsOptions {
  return { ...contextOptions(credential, minVersion), secureOptions: constants.SSL_OP_NO_TICKET }
}

/**
 * Stands between a server's events and its listeners, whoever adds them and when: a connection begins only with a live credential, and
 * `secureConnection` goes out only for peers that were authenticated.
 */
function admitOnlyAuthenticated<T extends Server>(server: T, options: MutualTlsServerOptions): T {
  const { source, clientCertificate = 'required', onRefused } = options
  const rules = peerRules(options)
  const emit = server.emit.bind(server) as (event: string | symbol, ...values: readonly unknown[]) => boolean
  let shown: X509Credential | undefined

  const refuse = (socket: Socket, cause: unknown): void => {
    const { remoteAddress } = socket
    socket.destroy()
    try {
      // A source or an authorizer that fails in a way of its own refuses as well.
      onRefused?.(isWimseError(cause) ? cause : new WimseError('ERR_MTLS_CONNECTION', { cause }), { remoteAddress })
    } catch {
      // Nobody would catch it: a log that fails must not let one refused peer end the process.
    }
  }
  const begin = (socket: Socket): boolean => {
    try {
      const credential = source.current()
      if (credential !== shown) withPrivateKey(() => server.setSecureContext(serverContext(options, credential)))
      shown = credential
    } catch (error) {
      refuse(socket, error)
      return true
    }
    return emit('connection', socket)
  }
  const admit = async (socket: TLSSocket): Promise<void> => {
    const ignore = (): void => undefined
    // Until a listener has the socket no one else would take its errors.
    socket.on('error', ignore)
    try {
      // Another certificate halfway, as TLS 1.2 has it, would not be the one that was validated.
      socket.disableRenegotiation()
      const anonymous = clientCertificate === 'optional' && socket.getPeerX509Certificate() === undefined
      if (!anonymous) await verifyPeer(socket, rules)
    } catch (error) {
      return refuse(socket, error)
    }
    if (socket.destroyed) return
    emit('secureConnection', socket)
    socket.off('error', ignore)
  }
  const gate = (event: string | symbol, ...values: readonly unknown[]): boolean => {
    const [socket] = values
    if (event === 'connection' && socket instanceof Socket) return begin(socket)
    if (event !== 'secureConnection' || !(socket instanceof TLSSocket)) return emit(event, ...values)
    void admit(socket)
    return true
  }
  Object.defineProperty(server, 'emit', { value: gate, writable: true, configurable: true })
  return server
}

function peerRules(options: MutualTlsServerOptions): PeerRules {
  const { trust, profile, authorize, maxDepth } = options
  return {
    trust,
    profile,
    purpose: 'client',
    runtime: options.runtime ?? defaultRuntime(),
    clockToleranceSeconds: options.clockToleranceSeconds ?? 0,
    ...(maxDepth !== undefined && { maxDepth }),
    accept(peer) {
      if (authorize(peer) !== true) throw new WimseError('ERR_POLICY_DENIED', { detail: 'by the authorizer of the server' })
    },
  }
}
