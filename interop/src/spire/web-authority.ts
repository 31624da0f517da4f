import { isIP } from 'node:net'
import { defaultRuntime } from '@wimse/keys'
import { formatPem, generateCertificateKey, issueAuthority, issueCertificate } from '@wimse/x509'
import type { ServingCertificate } from './spire-domain.ts'

/** A private web authority: stands in for the Web PKI, for servers that are told to believe it. */
export interface WebAuthority {
  /** PEM; for `SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS` or a client's own list. */
  readonly certificatePem: string
  /** @param names DNS names and IP addresses. */
  readonly issueServingCertificate: (names: readonly string[]) => Promise<ServingCertificate>
}

const LIFETIME_SECONDS = 24 * 60 * 60
// Clocks of containers and of this machine may differ a little.
const BACKDATING_SECONDS = 60

export async function createWebAuthority(): Promise<WebAuthority> {
  const runtime = defaultRuntime()
  const now = Math.floor(runtime.now() / 1000)
  const validity = { notBefore: now - BACKDATING_SECONDS, notAfter: now + LIFETIME_SECONDS }
  const authority = await issueAuthority({
    key: await generateCertificateKey('ES256', runtime),
    subject: { commonName: 'WIMSE interop web authority' },
    ...validity,
    runtime,
  })
  return {
    certificatePem: formatPem('CERTIFICATE', authority.certificate),
    issueServingCertificate: async (names) => {
      const { publicKey, privateKey } = await generateCertificateKey('ES256', runtime)
      const { chain } = await issueCertificate({
        issuer: authority,
        publicKey,
        dnsNames: names.filter((name) => isIP(name) === 0),
        ipAddresses: names.filter((name) => isIP(name) !== 0),
        purposes: ['serverAuth'],
        ...validity,
        runtime,
      })
      return {
        certificateChainPem: chain.map((certificate) => formatPem('CERTIFICATE', certificate)).join(''),
        privateKeyPem: formatPem('PRIVATE KEY', privateKey),
      }
    },
  }
}
