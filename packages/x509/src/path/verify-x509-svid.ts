import {
  isWimseError,
  type MaybePromise,
  type Runtime,
  type TrustDomain,
  trustDomainOf,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import {
  DEFAULT_MAX_CERTIFICATE_BYTES,
  decodeUnverifiedCertificate,
  firstOf,
  type UnverifiedCertificate,
} from '../certificate/decode-certificate.ts'
import { formatIpAddress } from '../certificate/general-names.ts'
import { type CertificateProfile, leafIdentifier } from '../certificate/leaf-identifier.ts'
import { formatHex } from '../der/read-values.ts'
import { jwkOfSpki } from '../key/public-key-info.ts'
import { decodeAnchors } from './anchors.ts'
import { type CertificatePurpose, checkPath, type PathRules } from './check-path.ts'
import { type CandidatePath, findPaths } from './find-paths.ts'
import { verifySignature } from './verify-signature.ts'

declare const verifiedBrand: unique symbol
const verified = /* @__PURE__ */ new WeakSet<object>()

/** A certificate whose path holds. Only {@link verifyX509Svid} makes one; {@link isVerifiedCertificate} tells a copy from it. */
export interface VerifiedCertificate {
  readonly [verifiedBrand]: true
  readonly profile: CertificateProfile
  readonly purpose: CertificatePurpose
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** Seconds since the epoch, of the leaf. */
  readonly notBefore: number
  /** Seconds since the epoch: the leaf is valid in that second and no longer. */
  readonly notAfter: number
  /** The earliest end in the path, anchor included. */
  readonly pathNotAfter: number
  /** As written in the certificate. They are addresses, never the identity. */
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  /** Of the leaf, hexadecimal. */
  readonly serialNumber: string
  /** SubjectPublicKeyInfo of the leaf in DER. */
  readonly publicKey: Uint8Array
  /** The leaf in DER. */
  readonly leaf: Uint8Array
  /** The path in DER, leaf first, without its anchor. */
  readonly chain: readonly Uint8Array[]
  /** SHA-256 of the anchor's DER, hexadecimal. */
  readonly anchorSha256: string
}

/** Options of {@link verifyX509Svid}. */
export interface VerifyX509SvidOptions {
  readonly profile: CertificateProfile
  /** The side that the holder is on: `client` when a server verifies. */
  readonly purpose: CertificatePurpose
  /**
   * The roots, in DER, of a trust domain, from local configuration (MTLS-3.2-08); nothing or an empty list where there are none. What
   * it throws passes through. An array that is handed out again is read once.
   */
  readonly anchors: (trustDomain: TrustDomain) => MaybePromise<readonly Uint8Array[] | undefined>
  readonly runtime: Pick<Runtime, 'crypto' | 'now'>
  /** Seconds since the epoch; the runtime's time unless told. */
  readonly at?: number
  /** Default 0, 120 at most. */
  readonly clockToleranceSeconds?: number
  /** Certificates in a path, leaf and anchor included, and in what the peer sends. Default {@link DEFAULT_MAX_DEPTH}. */
  readonly maxDepth?: number
  readonly maxCertificateBytes?: number
  /** Admits signing certificates above the leaf's issuer that name another trust domain (XSVID-3.2-04). Default false. */
  readonly allowForeignSigningIdentifiers?: boolean
}

const MAX_CLOCK_TOLERANCE_SECONDS = 120

/** Certificates in a path unless told otherwise, leaf and anchor included. */
export const DEFAULT_MAX_DEPTH = 6

/**
 * Verifies who holds a certificate. In order: every certificate is well-formed (CRED-6.1-01) and the leaf's key of a known kind and
 * size; the leaf names exactly one Workload Identifier; the anchors of that identifier's own trust domain, and no others
 * (MTLS-3.2-01, CRED-9.3-01, XSVID-5.2-01); a path by names (XSVID-5.1-02); its signatures, of allowed algorithms; then validity,
 * critical extensions, CA flag, key usage, extended key usage, path length, names of the authorities, name constraints
 * (XSVID-5.1-01, MTLS-3.2-02). Where several paths are possible one that holds is enough.
 *
 * Not checked: revocation, certificate policies, that the peer has the private key (the TLS handshake does), that the identifier or
 * a DNS name is the one that the caller expects.
 *
 * @param chain certificates in DER, leaf first; the order of the others and superfluous ones don't matter
 * @throws WimseError `ERR_X509_…`, `ERR_OPTIONS_INVALID`, and what `anchors` throws
 * @see RFC 5280 section 6, X509-SVID section 5, draft-ietf-wimse-workload-creds section 6.1
 */
export async function verifyX509Svid(chain: readonly Uint8Array[], options: VerifyX509SvidOptions): Promise<VerifiedCertificate> {
  const { profile, purpose, runtime, maxDepth = DEFAULT_MAX_DEPTH } = options
  const { at = runtime.now() / 1000, clockToleranceSeconds = 0 } = options
  // Compared with what is no number, no certificate would ever have expired.
  if (!Number.isFinite(at) || !(clockToleranceSeconds >= 0 && clockToleranceSeconds <= MAX_CLOCK_TOLERANCE_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a time' })
  }
  const certificates = decodeChain(chain, maxDepth, options.maxCertificateBytes)
  const leaf = firstOf(certificates)
  jwkOfSpki(leaf.publicKey)
  const identifier = leafIdentifier(leaf, profile)
  const trustDomain = trustDomainOf(identifier)
  // XSVID-6.2-05: a trust domain without anchors takes no certificates.
  const anchors = decodeAnchors((await options.anchors(trustDomain)) ?? [])
  if (anchors.length === 0) throw new WimseError('ERR_X509_NO_ANCHORS')
  const rules: PathRules = {
    profile,
    purpose,
    trustDomain,
    at,
    clockToleranceSeconds,
    allowForeignSigningIdentifiers: options.allowForeignSigningIdentifiers ?? false,
  }
  const path = await firstValid(findPaths(certificates, anchors, maxDepth), rules, runtime)
  const anchor = path[path.length - 1] ?? leaf
  const names = leaf.extensions.subjectAltName?.names ?? []
  const result = {
    profile,
    purpose,
    identifier,
    trustDomain,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    pathNotAfter: Math.min(...path.map(({ notAfter }) => notAfter)),
    dnsNames: names.filter(({ type }) => type === 'dns').map(({ text }) => text),
    ipAddresses: names.filter(({ type }) => type === 'ip').map(({ octets }) => formatIpAddress(octets)),
    serialNumber: leaf.serialNumber,
    publicKey: leaf.publicKey,
    leaf: leaf.der,
    chain: path.slice(0, -1).map(({ der }) => der),
    anchorSha256: formatHex(await runtime.crypto.digest('sha-256', anchor.der)),
  }
  verified.add(result)
  return Object.freeze(result) as typeof result & { readonly [verifiedBrand]: true }
}

/** Whether a value is a result of {@link verifyX509Svid} itself, not a copy or an imitation. */
export function isVerifiedCertificate(value: unknown): value is VerifiedCertificate {
  return typeof value === 'object' && value !== null && verified.has(value)
}

function decodeChain(
  chain: readonly Uint8Array[],
  maxDepth: number,
  maxBytes = DEFAULT_MAX_CERTIFICATE_BYTES,
): readonly UnverifiedCertificate[] {
  if (!Array.isArray(chain) || chain.length === 0) throw new WimseError('ERR_X509_MALFORMED', { detail: 'no certificate' })
  if (chain.length > maxDepth) throw new WimseError('ERR_X509_DEPTH')
  return chain.map((der) => decodeUnverifiedCertificate(der, maxBytes))
}

async function firstValid(paths: readonly CandidatePath[], rules: PathRules, { crypto }: Pick<Runtime, 'crypto'>): Promise<CandidatePath> {
  let failure: WimseError | undefined
  for (const path of paths) {
    try {
      for (const [index, certificate] of path.slice(0, -1).entries())
        await verifySignature(certificate, path[index + 1] ?? certificate, crypto)
      checkPath(path, rules)
      return path
    } catch (error) {
      if (!isWimseError(error)) throw error
      // What fails after the signatures says more than a signature by another key of the same name.
      if (failure === undefined || failure.code === 'ERR_X509_SIGNATURE') failure = error
    }
  }
  throw failure ?? new WimseError('ERR_X509_NO_PATH')
}
