import type { TrustDomain } from '@wimse/core'
import { WimseError } from '@wimse/core'

/** What a JWS algorithm demands of its key and of an engine. */
export interface AlgorithmSpec {
  readonly kty: 'EC' | 'RSA' | 'OKP'
  /** The curve of EC and OKP keys. */
  readonly crv?: 'P-256' | 'P-384' | 'P-521' | 'Ed25519'
  /** Octets of a coordinate of EC and OKP keys. */
  readonly coordinateBytes?: number
  readonly hash?: 'SHA-256' | 'SHA-384' | 'SHA-512'
  readonly scheme: 'ecdsa' | 'rsa-pkcs1' | 'rsa-pss' | 'eddsa'
}

/** Every algorithm that is known here: asymmetric signatures and nothing else. */
export const algorithmRegistry = {
  ES256: { kty: 'EC', crv: 'P-256', coordinateBytes: 32, hash: 'SHA-256', scheme: 'ecdsa' },
  ES384: { kty: 'EC', crv: 'P-384', coordinateBytes: 48, hash: 'SHA-384', scheme: 'ecdsa' },
  ES512: { kty: 'EC', crv: 'P-521', coordinateBytes: 66, hash: 'SHA-512', scheme: 'ecdsa' },
  RS256: { kty: 'RSA', hash: 'SHA-256', scheme: 'rsa-pkcs1' },
  RS384: { kty: 'RSA', hash: 'SHA-384', scheme: 'rsa-pkcs1' },
  RS512: { kty: 'RSA', hash: 'SHA-512', scheme: 'rsa-pkcs1' },
  PS256: { kty: 'RSA', hash: 'SHA-256', scheme: 'rsa-pss' },
  PS384: { kty: 'RSA', hash: 'SHA-384', scheme: 'rsa-pss' },
  PS512: { kty: 'RSA', hash: 'SHA-512', scheme: 'rsa-pss' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', coordinateBytes: 32, scheme: 'eddsa' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', coordinateBytes: 32, scheme: 'eddsa' },
} as const satisfies Readonly<Record<string, AlgorithmSpec>>

/** The name of a known algorithm, as JWS headers and `alg` members spell it. Names are compared as strings: `EdDSA` isn't `Ed25519`. */
export type SignatureAlgorithm = keyof typeof algorithmRegistry

/** The demands of an algorithm. */
export function algorithmSpec(algorithm: SignatureAlgorithm): AlgorithmSpec {
  return algorithmRegistry[algorithm]
}

/** Whether a value names a known algorithm. `none`, symmetric and encryption algorithms are not (CRED-5.1-17, CRED-5.1-18, CRED-5.1-19). */
export function isSignatureAlgorithm(value: unknown): value is SignatureAlgorithm {
  return typeof value === 'string' && Object.hasOwn(algorithmRegistry, value)
}

/** What the WIMSE profile takes unless configured: ES256 is the one that everyone has (CRED-5.1-20); RSA only with PSS. */
export const WIMSE_ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'Ed25519', 'EdDSA']

/** What SPIFFE allows in WIT-SVIDs and JWT-SVIDs (WSVID-2.3-01, WSVID-3.2-04, JSVID-2.1-01). EdDSA is not among them. */
export const SVID_ALGORITHMS: readonly SignatureAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
]

/** The algorithms that a deployment accepts: one list for all, or lists for single trust domains with a default beside them. */
export interface AlgorithmPolicy {
  readonly default: readonly SignatureAlgorithm[]
  readonly byTrustDomain?: Readonly<Record<string, readonly SignatureAlgorithm[]>>
}

/**
 * The algorithms accepted from a trust domain: those of the policy that the profile allows as well. A policy only narrows.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` when nothing is left
 */
export function allowedAlgorithms(
  profile: readonly SignatureAlgorithm[],
  policy: AlgorithmPolicy | undefined,
  trustDomain: TrustDomain,
): readonly SignatureAlgorithm[] {
  if (policy === undefined) return profile
  const own = policy.byTrustDomain
  const listed = own !== undefined && Object.hasOwn(own, trustDomain) ? own[trustDomain] : undefined
  const allowed = (listed ?? policy.default).filter((algorithm) => profile.includes(algorithm))
  if (allowed.length === 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the algorithm policy allows nothing of the profile' })
  return allowed
}
