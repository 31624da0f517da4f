import { parseWorkloadIdentifier, type Runtime, sameOctets, trustDomainOf, WimseError } from '@wimse/core'
import type { NodeSvid } from '@wimse/spire-api'
import type { X509Credential } from '@wimse/workload-api'
import { createCertificateRequest, formatPem, generateCertificateKey, spkiOf } from '@wimse/x509'

/** An X.509-SVID of this process with its key, and when to ask for the next. */
export interface HeldSvid extends X509Credential {
  /** Seconds since the epoch. */
  readonly renewAt: number
}

/**
 * Makes a key, has `ask` get a certificate for it, and checks that it is for that key. The next one is due at half of its life,
 * five per cent earlier or later, so that agents which were started together don't come back together.
 *
 * @throws WimseError `ERR_SPIRE_API_…`, `ERR_X509_MALFORMED`, and those of parsing an identifier
 */
export async function obtainSvid(runtime: Runtime, ask: (csr: Uint8Array) => Promise<NodeSvid>): Promise<HeldSvid> {
  const key = await generateCertificateKey('ES256', runtime)
  const { spiffeId, certificateChain: chain, expiresAt } = await ask(await createCertificateRequest(key))
  const identifier = parseWorkloadIdentifier(spiffeId)
  if (!sameOctets(spkiOf(chain[0] ?? new Uint8Array()), key.publicKey)) {
    throw new WimseError('ERR_SPIRE_API_MALFORMED', { detail: 'an X.509-SVID is for another key' })
  }
  const now = runtime.now() / 1000
  const renewAt = now + (expiresAt - now) * (0.45 + 0.1 * randomFraction(runtime))
  return { identifier, trustDomain: trustDomainOf(identifier), chain, privateKey: key.privateKey, notAfter: expiresAt, renewAt }
}

/** Whether the certificate has not ended yet. */
export function isLive(svid: HeldSvid | undefined, runtime: Pick<Runtime, 'now'>): svid is HeldSvid {
  return svid !== undefined && runtime.now() / 1000 < svid.notAfter
}

/** The forms that TLS stacks of Node take. */
export function formatSvidPem({ chain, privateKey }: Pick<X509Credential, 'chain' | 'privateKey'>): {
  readonly certificateChainPem: string
  readonly privateKeyPem: string
} {
  return {
    certificateChainPem: chain.map((certificate) => formatPem('CERTIFICATE', certificate)).join(''),
    privateKeyPem: formatPem('PRIVATE KEY', privateKey),
  }
}

/** From 0 up to, not including, 1. */
function randomFraction(runtime: Pick<Runtime, 'randomBytes'>): number {
  const [high = 0, low = 0] = runtime.randomBytes(2)
  return (high * 256 + low) / 65_536
}
