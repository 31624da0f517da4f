import type { EngineKey, MaybePromise, Runtime } from '@wimse/core'
import type { SignatureAlgorithm } from './algorithms.ts'
import { type PublicJwk, type PublicJwkOptions, parsePublicJwk } from './public-jwk.ts'
import { jwkThumbprint } from './thumbprint.ts'

/** A public key with the one algorithm that it is used with. */
export interface Verifier {
  readonly algorithm: SignatureAlgorithm
  readonly publicJwk: PublicJwk
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
  /** Whether the signature is valid. A key that no engine can import (a point off its curve) verifies nothing. Never throws. */
  verify(data: Uint8Array, signature: Uint8Array): MaybePromise<boolean>
}

/**
 * Makes a verifier of a public JWK after {@link parsePublicJwk} has judged it. The key is imported at its first use.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`, `ERR_KEY_SYMMETRIC`, `ERR_KEY_PRIVATE`, `ERR_KEY_ALGORITHM`, `ERR_KEY_WEAK`, `ERR_KEY_USE`
 */
export function createVerifier(
  value: unknown,
  options: PublicJwkOptions & { readonly runtime: Pick<Runtime, 'crypto'> },
): MaybePromise<Verifier> {
  const publicJwk = parsePublicJwk(value, options)
  const { runtime } = options
  const thumbprint = jwkThumbprint(publicJwk, runtime)
  return thumbprint instanceof Promise
    ? thumbprint.then((text) => verifierOf(publicJwk, text, runtime))
    : verifierOf(publicJwk, thumbprint, runtime)
}

function verifierOf(publicJwk: PublicJwk, thumbprint: string, { crypto }: Pick<Runtime, 'crypto'>): Verifier {
  const algorithm = publicJwk.alg
  let imported: MaybePromise<EngineKey> | undefined
  const verifyAsync = async (key: Promise<EngineKey>, data: Uint8Array, signature: Uint8Array): Promise<boolean> => {
    try {
      return await crypto.verify(algorithm, await key, data, signature)
    } catch {
      return false
    }
  }
  return {
    algorithm,
    publicJwk,
    thumbprint,
    verify(data, signature) {
      try {
        imported ??= crypto.importPublicKey(publicJwk, algorithm)
        return imported instanceof Promise ? verifyAsync(imported, data, signature) : crypto.verify(algorithm, imported, data, signature)
      } catch {
        return false
      }
    },
  }
}
