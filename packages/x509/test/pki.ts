import { parseTrustDomain, parseWorkloadIdentifier, type Runtime, type TrustDomain } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import {
  basicConstraints,
  type CertificateAuthority,
  type CertificateExtension,
  type CertificateKey,
  decodeUnverifiedCertificate,
  encodeCertificate,
  encodeName,
  extendedKeyUsage,
  type GeneratedCertificateKey,
  generateCertificateKey,
  issueAuthority,
  issueCertificate,
  keyUsage,
  subjectAltName,
  type VerifiedCertificate,
  type VerifyX509SvidOptions,
  verifyX509Svid,
} from '../src/index.ts'

/** Seconds; every certificate here is made around it. */
export const NOW = 1_800_000_000
export const runtime: Runtime = { ...defaultRuntime(), now: () => NOW * 1000 }
export const SHOP: TrustDomain = parseTrustDomain('shop.example')
export const BANK: TrustDomain = parseTrustDomain('bank.example')
export const ORDERS = parseWorkloadIdentifier('spiffe://shop.example/orders')
export const WINDOW = { notBefore: NOW - 60, notAfter: NOW + 3600 }

export interface Pki {
  readonly root: CertificateAuthority
  readonly leafKey: GeneratedCertificateKey
  readonly chain: readonly Uint8Array[]
}

/** The root of a trust domain with a leaf that nothing is wrong with. */
export async function createPki(trustDomain: TrustDomain = SHOP): Promise<Pki> {
  const key = await generateCertificateKey('ES256', runtime)
  const root = await issueAuthority({ key, trustDomain, subject: { organization: trustDomain }, ...WINDOW, runtime })
  const leafKey = await generateCertificateKey('ES256', runtime)
  const identifier = parseWorkloadIdentifier(`spiffe://${trustDomain}/orders`)
  const { chain } = await issueCertificate({ issuer: root, publicKey: leafKey.publicKey, identifier, ...WINDOW, runtime })
  return { root, leafKey, chain }
}

/** What a leaf consists of; a fixture changes one thing. */
export interface LeafParts {
  readonly issuer: CertificateAuthority
  readonly publicKey: Uint8Array
  readonly key?: CertificateKey
  readonly issuerName?: Uint8Array
  readonly subject?: Uint8Array
  readonly notBefore?: number
  readonly notAfter?: number
  readonly constraints?: CertificateExtension | undefined
  readonly usage?: CertificateExtension | undefined
  readonly purposes?: CertificateExtension | undefined
  readonly names?: CertificateExtension | undefined
  readonly authorityKey?: CertificateExtension | undefined
  readonly more?: readonly CertificateExtension[]
}

/** A leaf whose parts are as they should be but for those given; `undefined` leaves an extension out. */
export function leafOf(parts: LeafParts): Promise<Uint8Array> {
  const defaults = {
    constraints: basicConstraints(false),
    usage: keyUsage(['digitalSignature']),
    purposes: extendedKeyUsage(['serverAuth', 'clientAuth']),
    names: subjectAltName({ uris: [ORDERS] }, true),
    authorityKey: undefined,
  }
  const { constraints, usage, purposes, names, authorityKey } = { ...defaults, ...parts }
  const fields = {
    issuer: parts.issuerName ?? decodeUnverifiedCertificate(parts.issuer.certificate).subject,
    subject: parts.subject ?? encodeName({}),
    notBefore: parts.notBefore ?? WINDOW.notBefore,
    notAfter: parts.notAfter ?? WINDOW.notAfter,
    publicKey: parts.publicKey,
    extensions: [constraints, usage, purposes, names, authorityKey, ...(parts.more ?? [])].filter((extension) => extension !== undefined),
  }
  return encodeCertificate(fields, parts.key ?? parts.issuer.key, runtime)
}

/** An authority below another one whose extensions are as they should be but for those given. */
export async function authorityOf(
  issuer: CertificateAuthority,
  organization: string,
  parts: { readonly [K in 'constraints' | 'usage' | 'names']?: CertificateExtension | undefined } & {
    readonly notAfter?: number
    readonly more?: readonly CertificateExtension[]
  } = {},
): Promise<CertificateAuthority> {
  const key = await generateCertificateKey('ES256', runtime)
  const { constraints, usage, names } = {
    constraints: basicConstraints(true),
    usage: keyUsage(['keyCertSign']),
    names: undefined,
    ...parts,
  }
  const fields = {
    issuer: decodeUnverifiedCertificate(issuer.certificate).subject,
    subject: encodeName({ organization }),
    notBefore: WINDOW.notBefore,
    notAfter: parts.notAfter ?? WINDOW.notAfter,
    publicKey: key.publicKey,
    extensions: [constraints, usage, names, ...(parts.more ?? [])].filter((extension) => extension !== undefined),
  }
  const certificate = await encodeCertificate(fields, issuer.key, runtime)
  return { certificate, key, intermediates: [certificate, ...issuer.intermediates] }
}

/** Verifies with one root for shop.example and none for others, as an X509-SVID of a client. */
export function verify(
  chain: readonly Uint8Array[],
  roots: readonly Uint8Array[],
  options: Partial<VerifyX509SvidOptions> = {},
): Promise<VerifiedCertificate> {
  const anchors = (trustDomain: TrustDomain): readonly Uint8Array[] => (trustDomain === SHOP ? roots : [])
  return verifyX509Svid(chain, { profile: 'x509-svid', purpose: 'client', anchors, runtime, ...options })
}
