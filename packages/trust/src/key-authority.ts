import { isJsonObject, type MaybePromise, type Runtime, WimseError } from '@wimse/core'
import {
  algorithmRegistry,
  createVerifier,
  defaultRuntime,
  isSignatureAlgorithm,
  parsePublicJwk,
  type SignatureAlgorithm,
  type Verifier,
} from '@wimse/keys'
import type { KeyAuthority } from './trust-bundle.ts'

/** Options of {@link keyAuthority}. */
export interface KeyAuthorityOptions {
  /** Values of `use` that fit, such as `wit-svid`; `sig` unless told. A key without `use` always fits. */
  readonly uses?: readonly string[]
  readonly runtime?: Pick<Runtime, 'crypto'>
}

const ALGORITHMS = Object.keys(algorithmRegistry).filter(isSignatureAlgorithm)
const MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'kid']

/**
 * Makes an authority of a public JWK. In order: an object; `kid`, where it is there, is a text; the rules of `parsePublicJwk` (no
 * private member, not symmetric, not weak, type and curve of a known algorithm, `use` and `key_ops` that fit). A key with `alg` serves
 * that algorithm only; one without, as SPIFFE bundles hold them, each algorithm of its type and curve. Verifiers are made when they are
 * first asked for and kept. That a point lies on its curve shows at the first verification: such a key verifies nothing.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`, `ERR_KEY_SYMMETRIC`, `ERR_KEY_PRIVATE`, `ERR_KEY_ALGORITHM` (a type, curve or `alg` that no
 *   known algorithm has), `ERR_KEY_WEAK`, `ERR_KEY_USE`
 * @see RFC 7517, section 4; SPIFFE Trust Domain and Bundle, section 4.2
 */
export function keyAuthority(value: unknown, options: KeyAuthorityOptions = {}): KeyAuthority {
  if (!isJsonObject(value)) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'not an object' })
  const { kid, alg } = value
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'kid' })
  if (alg !== undefined && !isSignatureAlgorithm(alg)) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'alg' })
  const candidates = alg === undefined ? ALGORITHMS.filter((algorithm) => hasKeyTypeOf(algorithm, value)) : [alg]
  const uses = options.uses === undefined ? {} : { uses: options.uses }
  // Where no algorithm takes the key, parsePublicJwk still tells symmetric and private keys apart from unknown ones.
  parsePublicJwk(value, { algorithm: candidates[0] ?? 'ES256', ...uses })
  const jwk = Object.freeze(Object.fromEntries(MEMBERS.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]]))))
  const runtime = options.runtime ?? defaultRuntime()
  const verifiers = new Map<SignatureAlgorithm, MaybePromise<Verifier>>()
  return Object.freeze({
    keyId: kid,
    jwk,
    fits: (algorithm: SignatureAlgorithm) => candidates.includes(algorithm),
    verifier(algorithm: SignatureAlgorithm): MaybePromise<Verifier> {
      const made = verifiers.get(algorithm) ?? createVerifier(jwk, { algorithm, runtime })
      verifiers.set(algorithm, made)
      return made
    },
  })
}

function hasKeyTypeOf(algorithm: SignatureAlgorithm, { kty, crv }: { readonly kty?: unknown; readonly crv?: unknown }): boolean {
  const spec: { readonly kty: string; readonly crv?: string } = algorithmRegistry[algorithm]
  return spec.kty === kty && (spec.crv === undefined || spec.crv === crv)
}
