import { isJsonObject, parseBase64url, WimseError, withCode } from '@wimse/core'
import { algorithmSpec, isSignatureAlgorithm, type SignatureAlgorithm } from './algorithms.ts'

/** A validated public key; only the members that make the key, and `alg`. {@link parsePublicJwk} makes one. */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string; readonly alg: SignatureAlgorithm }
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string; readonly alg: SignatureAlgorithm }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string; readonly alg: SignatureAlgorithm }

/** Options of {@link parsePublicJwk}. */
export interface PublicJwkOptions {
  /** The algorithm that the key is for. Where it is absent the key's own `alg` member has to name a known one. */
  readonly algorithm?: SignatureAlgorithm
  /** Values of `use` that fit; `sig` unless told. A key without `use` always fits. */
  readonly uses?: readonly string[]
}

/** Smallest and largest RSA modulus in bits. */
export const RSA_MIN_BITS = 2048
export const RSA_MAX_BITS = 8192

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const SIG_USE = ['sig']

/**
 * Validates a public JWK: an object (RFC 7517), not symmetric (CRED-5.1-18), without any private member (CRED-9.4-01), of the type
 * and curve of its algorithm, coordinates of exactly the curve's length, RSA of 2048 to 8192 bits with an odd exponent (BCP-3.5-01),
 * `alg`, `use` and `key_ops` that fit (BCP-3.1-03). That a point lies on its curve is checked by the engine when it imports the key.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`, `ERR_KEY_SYMMETRIC`, `ERR_KEY_PRIVATE`, `ERR_KEY_ALGORITHM`, `ERR_KEY_WEAK`, `ERR_KEY_USE`
 */
export function parsePublicJwk(value: unknown, options: PublicJwkOptions = {}): PublicJwk {
  if (!isJsonObject(value)) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'not an object' })
  if (value['kty'] === 'oct' || value['k'] !== undefined) throw new WimseError('ERR_KEY_SYMMETRIC')
  for (const member of PRIVATE_MEMBERS) if (member in value) throw new WimseError('ERR_KEY_PRIVATE')
  const alg = options.algorithm ?? value['alg']
  if (!isSignatureAlgorithm(alg)) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'alg is missing or unknown' })
  if (value['alg'] !== undefined && value['alg'] !== alg) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'alg' })
  const spec = algorithmSpec(alg)
  if (value['kty'] !== spec.kty) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'kty' })
  if (spec.crv !== undefined && value['crv'] !== spec.crv) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'crv' })
  checkUse(value, options.uses ?? SIG_USE)
  const { x, y, n, e } = value
  if (spec.kty === 'RSA') return rsaKey(n, e, alg)
  coordinate(x, spec.coordinateBytes)
  if (spec.kty === 'OKP') return { kty: 'OKP', crv: spec.crv ?? '', x: String(x), alg }
  coordinate(y, spec.coordinateBytes)
  return { kty: 'EC', crv: spec.crv ?? '', x: String(x), y: String(y), alg }
}

function checkUse(jwk: { readonly use?: unknown; readonly key_ops?: unknown }, uses: readonly string[]): void {
  if (jwk.use !== undefined && !(typeof jwk.use === 'string' && uses.includes(jwk.use)))
    throw new WimseError('ERR_KEY_USE', { detail: 'use' })
  if (jwk.key_ops === undefined) return
  if (!Array.isArray(jwk.key_ops) || !jwk.key_ops.includes('verify') || jwk.key_ops.some((operation) => operation !== 'verify')) {
    throw new WimseError('ERR_KEY_USE', { detail: 'key_ops' })
  }
}

function coordinate(value: unknown, length: number | undefined): void {
  if (octetsOf(value).length !== length) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'length of a coordinate' })
}

function rsaKey(n: unknown, e: unknown, alg: SignatureAlgorithm): PublicJwk {
  const modulus = octetsOf(n)
  const exponent = octetsOf(e)
  const first = modulus[0] ?? 0
  if (first === 0 || (exponent[0] ?? 0) === 0) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'leading zero in an RSA key' })
  const bits = modulus.length * 8 - (Math.clz32(first) - 24)
  if (bits < RSA_MIN_BITS) throw new WimseError('ERR_KEY_WEAK', { detail: 'RSA modulus' })
  if (bits > RSA_MAX_BITS || exponent.length > 4) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'RSA key too large' })
  const odd = (exponent.at(-1) ?? 0) & 1
  if (odd === 0 || (exponent.length === 1 && exponent[0] === 1)) throw new WimseError('ERR_KEY_WEAK', { detail: 'RSA exponent' })
  return { kty: 'RSA', n: String(n), e: String(e), alg }
}

function octetsOf(value: unknown): Uint8Array {
  if (typeof value !== 'string' || value.length === 0) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'a member is missing' })
  return withCode('ERR_KEY_MALFORMED', () => parseBase64url(value))
}
