import type { SignatureAlgorithm } from '@wimse/keys'
import type { X509Credential } from '@wimse/workload-api'
import type { CertificateAlgorithm } from '@wimse/x509'
import type { TestAuthority, TestWit, TestX509SvidOptions } from '../authority/create-test-authority.ts'

/** An identity that a fake Workload API gives to whoever connects. */
export interface FakeIdentity {
  readonly identifier: string
  readonly hint?: string
  readonly x509LifetimeSeconds?: number
  readonly tokenLifetimeSeconds?: number
  readonly x509Algorithm?: CertificateAlgorithm
  readonly witAlgorithm?: SignatureAlgorithm
  readonly dnsNames?: readonly string[]
}

/** What was issued for one identity. */
export interface IssuedIdentity {
  readonly identity: FakeIdentity
  readonly x509: X509Credential
  readonly wit: TestWit
}

export async function issueIdentity(authority: TestAuthority, identity: FakeIdentity): Promise<IssuedIdentity> {
  const { identifier, x509LifetimeSeconds, tokenLifetimeSeconds, x509Algorithm, witAlgorithm, dnsNames } = identity
  const svid: TestX509SvidOptions = {
    ...(x509LifetimeSeconds !== undefined && { lifetimeSeconds: x509LifetimeSeconds }),
    ...(x509Algorithm && { algorithm: x509Algorithm }),
    ...(dnsNames && { dnsNames }),
  }
  const wit = {
    ...(tokenLifetimeSeconds !== undefined && { lifetimeSeconds: tokenLifetimeSeconds }),
    ...(witAlgorithm && { algorithm: witAlgorithm }),
  }
  return { identity, x509: await authority.issueX509Svid(identifier, svid), wit: await authority.issueWit(identifier, wit) }
}
