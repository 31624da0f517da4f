import type { Runtime } from '@wimse/core'
import { generateCertificateKey, issueAuthority, issueCertificate } from '@wimse/x509'
import { type PemCredential, pemCredentialOf } from './pem-credential.ts'

/** A certificate of Web PKI kind, and the authority (PEM) that clients have to be told to believe. */
export interface WebCertificate extends PemCredential {
  readonly authorityPem: string
}

/** Node judges such certificates by the clock of the machine, whatever the clock of the test says. */
const WINDOW = { notBefore: Date.UTC(2020) / 1000, notAfter: Date.UTC(2049) / 1000 }

/** Issues a certificate for loopback by a new authority. */
export async function issueWebCertificate(runtime: Runtime): Promise<WebCertificate> {
  const issuer = await issueAuthority({
    key: await generateCertificateKey('ES256', runtime),
    subject: { organization: 'web authority for tests' },
    ...WINDOW,
    runtime,
  })
  const { publicKey, privateKey } = await generateCertificateKey('ES256', runtime)
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
  const { chain } = await issueCertificate({ issuer, publicKey, ...names, ...WINDOW, runtime })
  return { ...pemCredentialOf({ chain, privateKey }), authorityPem: pemCredentialOf({ chain: [issuer.certificate], privateKey }).cert }
}
