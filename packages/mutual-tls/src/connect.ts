import type { LookupFunction } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { parseWorkloadIdentifier, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type CertificateProfile, parseIpAddress } from '@wimse/x509'
import type { Authorizer } from './authorizers.ts'
import { DEFAULT_HANDSHAKE_TIMEOUT_MS } from './server.ts'
import { checkServerName } from './server-name.ts'
import { type PeerRules, verifyPeer, type X509Trust } from './verified-peer.ts'
import { clientContext, DEFAULT_MIN_VERSION, type MinVersion, type X509Source } from './x509-source.ts'

/** Who a server has to be: an identifier, compared whole (MTLS-3.2.1-06), or an authorizer. */
export type ExpectedPeer = string | Authorizer

/** What the clients of this package have in common. */
export interface MutualTlsClientOptions {
  /** The client's own certificate. Without it only the server is authenticated, as for calls that carry a WPT or an HTTP signature. */
  readonly source?: X509Source
  readonly trust: X509Trust
  readonly profile: CertificateProfile
  /**
   * Whether a DNS name that was dialled has to be in the certificate. Default true; false only beside an expected identifier, never
   * beside an authorizer, for deployments that don't identify servers by name.
   */
  readonly verifyHostName?: boolean
  /** Whether an IP address that was dialled has to be in the certificate. Default false. */
  readonly verifyIpAddress?: boolean
  readonly minVersion?: MinVersion
  readonly alpnProtocols?: readonly string[]
  /** Resolves DNS names, as node:net takes it. Whatever address it gives, the peer has to be the expected one. */
  readonly lookup?: LookupFunction
  readonly timeoutMs?: number
  readonly clockToleranceSeconds?: number
  /** Certificates in a path, leaf and anchor included. */
  readonly maxDepth?: number
  readonly runtime?: Pick<Runtime, 'crypto' | 'now'>
}

/** Options of {@link connectMutualTls}. */
export interface ConnectMutualTlsOptions extends MutualTlsClientOptions {
  /** A DNS name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
  readonly expectedPeer: ExpectedPeer
  readonly signal?: AbortSignal
}

/**
 * Connects to a workload and authenticates it before anything is sent or read. In order: an expectation is configured (MTLS-3.2.1-03);
 * the own credential is live; handshake; the server's path under the anchors of its trust domain (MTLS-3.2-01), with extended key usage
 * for servers (MTLS-5-02); the expected identifier (MTLS-3.2.1-04, MTLS-3.2-03); the DNS name that was used (MTLS-3.2.1-02,
 * MTLS-3.2.1-08). No session is resumed. Whether the server accepted the client's certificate shows only when it answers: TLS 1.3
 * ends the handshake before.
 *
 * @returns the connected socket, of which {@link peerOf} knows the server
 * @throws WimseError `ERR_MTLS_EXPECTATION`, `ERR_OPTIONS_INVALID`, `ERR_MTLS_CONNECTION`, `ERR_MTLS_PEER`, `ERR_MTLS_SERVER_NAME`,
 *   `ERR_MTLS_CERTIFICATE_MISSING`, `ERR_X509_…`, those of the source and of the trust store
 * @see draft-ietf-wimse-mutual-tls section 3.2
 */
export async function connectMutualTls(options: ConnectMutualTlsOptions): Promise<TLSSocket> {
  const rules = peerRules(options)
  const { host, port, minVersion = DEFAULT_MIN_VERSION, alpnProtocols, timeoutMs = DEFAULT_HANDSHAKE_TIMEOUT_MS } = options
  const socket = connect({
    host,
    port,
    secureContext: clientContext(options.source?.current(), minVersion),
    minVersion,
    // Judged after the handshake, by path validation of our own and the expected identifier.
    rejectUnauthorized: false,
    ...(parseIpAddress(host) === undefined && { servername: host }),
    ...(alpnProtocols !== undefined && { ALPNProtocols: [...alpnProtocols] }),
    ...(options.lookup !== undefined && { lookup: options.lookup }),
  })
  // Until the caller has the socket no one else would take its errors.
  const ignore = (): void => undefined
  socket.on('error', ignore)
  try {
    await handshake(socket, timeoutMs, options.signal)
    await verifyPeer(socket, rules)
    if (socket.destroyed) throw new WimseError('ERR_MTLS_CONNECTION', { detail: 'closed by the peer' })
  } catch (error) {
    socket.destroy()
    throw error
  }
  socket.off('error', ignore)
  return socket
}

function peerRules(options: ConnectMutualTlsOptions): PeerRules {
  const { trust, profile, host, expectedPeer, maxDepth, verifyHostName = true, verifyIpAddress = false } = options
  if (typeof expectedPeer !== 'string' && typeof expectedPeer !== 'function') throw new WimseError('ERR_MTLS_EXPECTATION')
  if (!verifyHostName && typeof expectedPeer !== 'string') {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'without the host name, the identifier has to be exact' })
  }
  const expected = typeof expectedPeer === 'string' ? parseWorkloadIdentifier(expectedPeer) : undefined
  return {
    trust,
    profile,
    purpose: 'server',
    runtime: options.runtime ?? defaultRuntime(),
    clockToleranceSeconds: options.clockToleranceSeconds ?? 0,
    ...(maxDepth !== undefined && { maxDepth }),
    accept(peer) {
      const isExpected = typeof expectedPeer === 'function' ? expectedPeer(peer) === true : peer.identifier === expected
      if (!isExpected) throw new WimseError('ERR_MTLS_PEER')
      checkServerName(peer.certificate, { host, verifyHostName, verifyIpAddress })
    },
  }
}

function handshake(socket: TLSSocket, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (failure?: string): void => {
      signal?.removeEventListener('abort', onAbort)
      socket.setTimeout(0)
      socket.off('timeout', onTimeout).off('error', onError).off('close', onClose).off('secureConnect', onSecure)
      if (failure === undefined) resolve()
      else reject(new WimseError('ERR_MTLS_CONNECTION', { detail: failure }))
    }
    const onAbort = (): void => settle('aborted')
    const onTimeout = (): void => settle('timeout')
    const onClose = (): void => settle('closed by the peer')
    const onSecure = (): void => settle()
    const onError = ({ code }: Error & { readonly code?: unknown }): void => settle(typeof code === 'string' ? code : 'failed')
    if (signal?.aborted === true) return onAbort()
    signal?.addEventListener('abort', onAbort)
    socket.setTimeout(timeoutMs)
    socket.on('timeout', onTimeout).on('error', onError).on('close', onClose).on('secureConnect', onSecure)
  })
}
