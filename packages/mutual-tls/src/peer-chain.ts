import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** Certificates that are taken from a peer at most; validation has a lower bound of its own. */
const MAX_CERTIFICATES = 16

/** The certificates that the peer showed, in DER, leaf first; none where it showed none. */
export function peerChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  // Without a certificate node gives an object without members.
  let next: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  while (next?.raw !== undefined && chain.length < MAX_CERTIFICATES) {
    chain.push(new Uint8Array(next.raw))
    // A self-signed certificate is its own issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate
  }
  return chain
}
