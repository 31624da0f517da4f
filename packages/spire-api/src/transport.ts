import { createConnection } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import type { Transport } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { spireApiError } from './errors.ts'

/** A certificate chain (leaf first) and its private key, both PEM: what a SPIRE agent authenticates with. */
export interface SpireClientCredential {
  readonly certificateChainPem: string
  readonly privateKeyPem: string
}

export interface SpireServerAddress {
  readonly host: string
  readonly port: number
  /** Name of the trust domain, for example `shop.example`. */
  readonly trustDomain: string
  /** X.509 roots of that trust domain, PEM. */
  readonly trustAnchorsPem: readonly string[]
  /** Absent: the server authenticates itself, the caller stays anonymous (node attestation, `getBundle`). */
  readonly credential?: SpireClientCredential
  /** Closes the connection, and fails what is under way on it. Without it an idle connection closes after 15 minutes. */
  readonly signal?: AbortSignal
}

/**
 * Opens the server's administration socket. Whoever may open that socket is an administrator: SPIRE asks for nothing else.
 *
 * @param path file system path of the unix socket, at most about 100 bytes on Linux.
 */
export function openAdminSocket(path: string): Transport {
  return createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: { createConnection: () => createConnection(path) },
  })
}

/**
 * Opens the server's TLS port.
 *
 * Checks, in order: the chain ends in one of `trustAnchorsPem`; the leaf holds exactly one URI name and it is
 * `spiffe://<trustDomain>/spire/server`. The host name is not checked: SPIRE authenticates servers by identifier. A call over it
 * fails with ERR_SPIRE_API_PEER otherwise.
 */
export function openServerPort(address: SpireServerAddress): Transport {
  const { host, port, trustDomain, trustAnchorsPem, credential, signal } = address
  const baseUrl = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  const sessionManager = new Http2SessionManager(
    baseUrl,
    {},
    {
      ca: [...trustAnchorsPem],
      minVersion: 'TLSv1.2',
      checkServerIdentity: (_host, certificate) => checkServerIdentifier(certificate, trustDomain),
      ...(credential && { cert: credential.certificateChainPem, key: credential.privateKeyPem }),
    },
  )
  signal?.addEventListener('abort', () => sessionManager.abort(), { once: true })
  return createGrpcTransport({ baseUrl, sessionManager })
}

/** The check of {@link openServerPort} on the leaf; `undefined` when it holds, as `tls.connect` expects. */
export function checkServerIdentifier(certificate: Pick<PeerCertificate, 'subjectaltname'>, trustDomain: string): Error | undefined {
  const uris = (certificate.subjectaltname ?? '').split(', ').filter((name) => name.startsWith('URI:'))
  return uris.length === 1 && uris[0] === `URI:spiffe://${trustDomain}/spire/server`
    ? undefined
    : spireApiError('ERR_SPIRE_API_PEER', 'the leaf certificate names somebody else')
}
