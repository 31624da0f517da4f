import type { MaybePromise, TrustDomain } from '@wimse/core'
import type { SignatureAlgorithm, Verifier } from '@wimse/keys'

/** The kinds of anchors that a trust domain has, one for each kind of credential. */
export type AnchorKind = 'x509' | 'jwt' | 'wit'

/** A key that signs tokens of a trust domain. */
export interface KeyAuthority {
  /** The `kid` of the key; undefined only in bundles that aren't SPIFFE's. */
  readonly keyId: string | undefined
  /** Whether the key fits the algorithm (type, curve, and its own `alg` where it has one). */
  fits(algorithm: SignatureAlgorithm): boolean
  /** The verifier for one algorithm that fits; made once. */
  verifier(algorithm: SignatureAlgorithm): MaybePromise<Verifier>
  /** The public members of the key, as they are published. */
  readonly jwk: Readonly<Record<string, unknown>>
}

/**
 * What is known of a trust domain's anchors. A kind that is absent is one that the source says nothing about; a kind that is there and
 * empty says that the trust domain has no anchors of that kind (BUNDLE-4.1.3-03).
 */
export interface BundleContents {
  readonly trustDomain: TrustDomain
  /** Root certificates in DER. */
  readonly x509Authorities?: readonly Uint8Array[]
  /** Keys of JWT-SVIDs. */
  readonly jwtAuthorities?: readonly KeyAuthority[]
  /** Keys of WITs and WIT-SVIDs. */
  readonly witAuthorities?: readonly KeyAuthority[]
  readonly sequence?: number
  readonly refreshHintSeconds?: number
  /** The trust domain whose X.509 anchors authenticated the source of this: without them it isn't trusted any more. */
  readonly authenticatedBy?: TrustDomain
}

/**
 * The anchors of one trust domain as a verifier sees them. A change of any anchor makes a new object. Where the source of one kind is
 * out of reach for too long while those of the others aren't, reading that kind throws `ERR_TRUST_STALE`.
 */
export interface TrustBundle {
  readonly trustDomain: TrustDomain
  readonly x509Authorities: readonly Uint8Array[]
  readonly jwtAuthorities: readonly KeyAuthority[]
  readonly witAuthorities: readonly KeyAuthority[]
}
