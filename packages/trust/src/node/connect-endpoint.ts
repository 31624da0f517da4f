import { isIP } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Runtime, trustDomainOf, WimseError } from '@wimse/core'
import { verifyX509Svid } from '@wimse/x509'
import type { BundleRequest } from '../source/fetch-bundle.ts'
import { peerChain } from './peer-chain.ts'

/** What a connection to an endpoint is made with. */
export interface ConnectEndpointOptions {
  /** Web PKI authorities in PEM instead of the platform's. */
  readonly ca?: readonly string[]
  readonly runtime: Pick<Runtime, 'crypto' | 'now'>
}

/** Opens a TLS connection to the server of a bundle endpoint and authenticates it before a single octet of HTTP is sent. */
export async function connectEndpoint(request: BundleRequest, { ca, runtime }: ConnectEndpointOptions): Promise<TLSSocket> {
  const { url, authentication, signal } = request
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket = await handshake(
    {
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      // A SPIFFE server has no name that Node could check: its identifier is checked below, and nothing is sent before.
      rejectUnauthorized: authentication.kind === 'web-pki',
      ...(authentication.kind === 'web-pki' && ca !== undefined ? { ca: [...ca] } : {}),
    },
    signal,
  )
  if (authentication.kind === 'web-pki') return socket
  const { endpointIdentifier, anchors } = authentication
  try {
    // FED-5.2.2.4-01: a valid X509-SVID, by the anchors of the configured identifier's trust domain alone.
    const { identifier } = await verifyX509Svid(peerChain(socket), {
      profile: 'x509-svid',
      purpose: 'server',
      anchors: (trustDomain) => (trustDomain === trustDomainOf(endpointIdentifier) ? anchors : []),
      runtime,
    })
    if (identifier !== endpointIdentifier) throw new WimseError('ERR_TRUST_ENDPOINT_PEER')
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function handshake(options: ConnectionOptions, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options)
    const end = (cause?: unknown): void => {
      socket.destroy()
      reject(new WimseError('ERR_TRUST_ENDPOINT', { detail: 'the connection failed', cause }))
    }
    const abort = (): void => end(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    // Stays for the life of the socket: once the promise is settled, what fails shows in the request.
    socket.on('error', end)
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', abort)
      resolve(socket)
    })
  })
}
