import type { IncomingMessage } from 'node:http'
import { recheckPeer } from '@wimse/mutual-tls'
import type { ConnectionPeer } from '../authenticate/authenticated-peer.ts'

/**
 * The workload on the other end of the connection that a request came over, for servers of `@wimse/mutual-tls`. It is validated again when an anchor of its
 * trust domain has changed since the handshake, so that a withdrawn federation ends what open connections may do.
 *
 * @throws WimseError as for a new connection
 */
export async function connectionPeerOf({ socket }: IncomingMessage): Promise<ConnectionPeer | undefined> {
  const peer = await recheckPeer(socket)
  return peer && { identifier: peer.identifier, notAfter: peer.certificate.notAfter }
}
