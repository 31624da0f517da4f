import {
  type JsonObject,
  parseTrustDomain,
  parseWorkloadIdentifier,
  type Runtime,
  schemeOf,
  type TrustDomain,
  trustDomainOf,
} from '@wimse/core'
import { issueJwtSvid } from '@wimse/jwt-svid'
import { defaultRuntime, generateSigner, type SignatureAlgorithm, type Signer } from '@wimse/keys'
import { type AnchorKind, type BundleContents, formatSpiffeBundle, type KeyAuthority, keyAuthority } from '@wimse/trust'
import { createWitCredential, issueWit, type WitCredential } from '@wimse/wit'
import type { X509Credential } from '@wimse/workload-api'
import {
  type CertificateAlgorithm,
  type CertificateAuthority,
  type CertificateKey,
  type ExtendedKeyUsageName,
  generateCertificateKey,
  issueAuthority,
  issueCertificate,
  pkcs8OfPrivateJwk,
} from '@wimse/x509'
import { createAuthorityRing } from './authority-ring.ts'

/** Options of {@link createTestAuthority}. */
export interface TestAuthorityOptions {
  /** Such as `shop.example`. */
  readonly trustDomain: string
  readonly runtime?: Runtime
  /** Of the authority's own keys, ES256 unless told; what an issued credential binds is told when it is issued. */
  readonly algorithms?: {
    readonly x509?: CertificateAlgorithm
    readonly jwt?: SignatureAlgorithm
    readonly wit?: SignatureAlgorithm
  }
  /** Puts an intermediate between the root and what it issues. */
  readonly intermediate?: boolean
}

/** Options of {@link TestAuthority.issueX509Svid}. */
export interface TestX509SvidOptions {
  readonly lifetimeSeconds?: number
  readonly algorithm?: CertificateAlgorithm
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  readonly purposes?: readonly ExtendedKeyUsageName[]
}

/** Options of {@link TestAuthority.issueWit}. */
export interface TestWitOptions {
  readonly lifetimeSeconds?: number
  readonly algorithm?: SignatureAlgorithm
  readonly issuer?: string
  readonly claims?: JsonObject
}

/** A WIT with the key that it binds. */
export interface TestWit {
  readonly credential: WitCredential
  readonly privateJwk: Readonly<Record<string, unknown>>
}

/** Private keys in PKCS#8, DER. */
export interface TestIssuingKeys {
  readonly x509: { readonly certificate: Uint8Array; readonly privateKey: Uint8Array }
  readonly wit: { readonly keyId: string; readonly privateKey: Uint8Array }
}

/** An authority in memory: everything that it issues is what a real one would issue. */
export interface TestAuthority {
  readonly trustDomain: TrustDomain
  readonly runtime: Runtime
  /** {@link TEST_X509_LIFETIME_SECONDS} unless told. The identifier may be of any trust domain: tests need liars as well. */
  issueX509Svid(identifier: string, options?: TestX509SvidOptions): Promise<X509Credential>
  /** {@link TEST_TOKEN_LIFETIME_SECONDS} unless told. The profile is that of the identifier's scheme. */
  issueWit(identifier: string, options?: TestWitOptions): Promise<TestWit>
  /** {@link TEST_TOKEN_LIFETIME_SECONDS} unless told. */
  issueJwtSvid(identifier: string, options: { readonly audience: readonly string[]; readonly lifetimeSeconds?: number }): Promise<string>
  /** What it publishes now, for a trust store. */
  contents(): BundleContents
  /** What it publishes now, as a SPIFFE bundle with the keys of WIT-SVIDs: JSON in UTF-8. */
  spiffeBundle(): Uint8Array
  /** Publishes the key that the next rotation takes, so that others can fetch it before it signs. */
  prepare(kind: AnchorKind): Promise<void>
  /** Begins to sign with the prepared key, or else a new one; the old one stays in the bundle. */
  rotate(kind: AnchorKind): Promise<void>
  /** Takes the old keys of a kind out of the bundle. */
  withdraw(kind: AnchorKind): void
  /** The keys that it signs with, as somebody has them who broke into an issuer: for tests of what that can and can't do. */
  issuingKeys(): Promise<TestIssuingKeys>
  /** Calls the listener after each change of the bundle. @returns what ends that. */
  onChange(listener: () => void): () => void
}

export const TEST_X509_LIFETIME_SECONDS = 3600
export const TEST_TOKEN_LIFETIME_SECONDS = 300
const AUTHORITY_LIFETIME_SECONDS = 30 * 86_400
/** Certificates begin in the past, as those of real authorities do. */
const BACKDATED_SECONDS = 30

interface RootAuthority {
  readonly root: CertificateAuthority
  readonly issuing: CertificateAuthority
  readonly privateKey: Uint8Array
}

interface TokenAuthority {
  readonly signer: Signer
  exportPrivateJwk(): Readonly<Record<string, unknown>>
}

/** Makes an authority of one trust domain with new keys for the three kinds of credentials. */
export async function createTestAuthority(options: TestAuthorityOptions): Promise<TestAuthority> {
  const runtime = options.runtime ?? defaultRuntime()
  const trustDomain = parseTrustDomain(options.trustDomain)
  const { x509: x509Algorithm = 'ES256', jwt: jwtAlgorithm = 'ES256', wit: witAlgorithm = 'ES256' } = options.algorithms ?? {}
  const seconds = (): number => Math.floor(runtime.now() / 1000)
  const listeners = new Set<() => void>()
  let sequence = 1
  const changed = (): void => {
    sequence += 1
    for (const listener of [...listeners]) listener()
  }

  const makeAuthority = (commonName: string, key: CertificateKey, issuer?: CertificateAuthority): Promise<CertificateAuthority> =>
    issueAuthority({
      key,
      ...(issuer && { issuer }),
      trustDomain,
      subject: { commonName },
      notBefore: seconds() - BACKDATED_SECONDS,
      notAfter: seconds() + AUTHORITY_LIFETIME_SECONDS - (issuer ? BACKDATED_SECONDS : 0),
      runtime,
    })
  const rings = {
    x509: await createAuthorityRing<RootAuthority>(async () => {
      const rootKey = await generateCertificateKey(x509Algorithm, runtime)
      const root = await makeAuthority(`${trustDomain} root`, rootKey)
      if (options.intermediate !== true) return { root, issuing: root, privateKey: rootKey.privateKey }
      const key = await generateCertificateKey(x509Algorithm, runtime)
      return { root, issuing: await makeAuthority(`${trustDomain} intermediate`, key, root), privateKey: key.privateKey }
    }),
    jwt: await createAuthorityRing<TokenAuthority>(() => generateSigner(jwtAlgorithm, runtime)),
    wit: await createAuthorityRing<TokenAuthority>(() => generateSigner(witAlgorithm, runtime)),
  }
  const authoritiesOf = (kind: 'jwt' | 'wit'): readonly KeyAuthority[] =>
    rings[kind].published.map(({ signer: { publicJwk, thumbprint } }) => keyAuthority({ ...publicJwk, kid: thumbprint }, { runtime }))
  const contents = (): BundleContents => ({
    trustDomain,
    x509Authorities: rings.x509.published.map(({ root }) => root.certificate),
    jwtAuthorities: authoritiesOf('jwt'),
    witAuthorities: authoritiesOf('wit'),
    sequence,
  })

  return {
    trustDomain,
    runtime,
    async issueX509Svid(name, svid = {}) {
      const identifier = parseWorkloadIdentifier(name)
      const key = await generateCertificateKey(svid.algorithm ?? 'ES256', runtime)
      const notAfter = seconds() + (svid.lifetimeSeconds ?? TEST_X509_LIFETIME_SECONDS)
      const { chain } = await issueCertificate({
        issuer: rings.x509.active.issuing,
        publicKey: key.publicKey,
        identifier,
        ...(svid.dnsNames && { dnsNames: svid.dnsNames }),
        ...(svid.ipAddresses && { ipAddresses: svid.ipAddresses }),
        ...(svid.purposes && { purposes: svid.purposes }),
        // A certificate that is issued as already expired begins before its end all the same.
        notBefore: Math.min(seconds(), notAfter) - BACKDATED_SECONDS,
        notAfter,
        runtime,
      })
      return { identifier, trustDomain: trustDomainOf(identifier), chain, privateKey: key.privateKey, notAfter }
    },
    async issueWit(name, wit = {}) {
      const identifier = parseWorkloadIdentifier(name)
      const { signer, exportPrivateJwk } = await generateSigner(wit.algorithm ?? 'ES256', runtime)
      const { signer: active } = rings.wit.active
      const token = await issueWit(
        {
          profile: schemeOf(identifier) === 'spiffe' ? 'wit-svid' : 'wimse',
          subject: identifier,
          confirmationKey: signer.publicJwk,
          lifetimeSeconds: wit.lifetimeSeconds ?? TEST_TOKEN_LIFETIME_SECONDS,
          ...(wit.issuer !== undefined && { issuer: wit.issuer }),
          ...(wit.claims && { claims: wit.claims }),
        },
        { signer: active, keyId: active.thumbprint, runtime },
      )
      return { credential: createWitCredential(token, signer), privateJwk: exportPrivateJwk() }
    },
    issueJwtSvid(name, { audience, lifetimeSeconds = TEST_TOKEN_LIFETIME_SECONDS }) {
      const { signer: active } = rings.jwt.active
      return issueJwtSvid({ subject: name, audience, lifetimeSeconds }, { signer: active, keyId: active.thumbprint, runtime })
    },
    contents,
    spiffeBundle: () => formatSpiffeBundle({ ...contents(), refreshHintSeconds: 60 }),
    async prepare(kind) {
      await rings[kind].prepare()
      changed()
    },
    async rotate(kind) {
      await rings[kind].rotate()
      changed()
    },
    withdraw(kind) {
      rings[kind].withdraw()
      changed()
    },
    async issuingKeys() {
      const { issuing, privateKey } = rings.x509.active
      const { signer, exportPrivateJwk } = rings.wit.active
      return {
        x509: { certificate: issuing.certificate, privateKey },
        wit: { keyId: signer.thumbprint, privateKey: pkcs8OfPrivateJwk(exportPrivateJwk()) },
      }
    },
    onChange(listener) {
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
