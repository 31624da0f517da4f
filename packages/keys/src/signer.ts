import { isJsonObject, type MaybePromise, type Runtime, WimseError } from '@wimse/core'
import { isSignatureAlgorithm, type SignatureAlgorithm } from './algorithms.ts'
import { type PublicJwk, parsePublicJwk } from './public-jwk.ts'
import { jwkThumbprint } from './thumbprint.ts'

/** A private key with the one algorithm that it is used with. The key itself can't be read out of it. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm
  readonly publicJwk: PublicJwk
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
  sign(data: Uint8Array): MaybePromise<Uint8Array>
}

/** Options of {@link createSigner}. */
export interface SignerOptions {
  /** The algorithm to sign with; the key's own `alg` unless told. */
  readonly algorithm?: SignatureAlgorithm
  readonly runtime: Pick<Runtime, 'crypto'>
}

const PRIVATE_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi'])

/**
 * Makes a signer of a private JWK. Its public half is judged by the same rules as any public key; `use` has to be absent or `sig`,
 * `key_ops` absent or to hold `sign`; and one signature is made and verified, so that halves that don't belong together are refused.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`, `ERR_KEY_SYMMETRIC`, `ERR_KEY_ALGORITHM`, `ERR_KEY_WEAK`, `ERR_KEY_USE`
 */
export async function createSigner(value: unknown, { algorithm, runtime }: SignerOptions): Promise<Signer> {
  if (!isJsonObject(value)) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'not an object' })
  if (value['kty'] === 'oct') throw new WimseError('ERR_KEY_SYMMETRIC')
  if (typeof value['d'] !== 'string') throw new WimseError('ERR_KEY_MALFORMED', { detail: 'no private key' })
  if (value['oth'] !== undefined) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'RSA with more than two primes' })
  const { key_ops: operations, ...rest } = value
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('sign'))) {
    throw new WimseError('ERR_KEY_USE', { detail: 'key_ops' })
  }
  const publicMembers = Object.fromEntries(Object.entries(rest).filter(([name]) => !PRIVATE_MEMBERS.has(name)))
  const publicJwk = parsePublicJwk(publicMembers, algorithm === undefined ? {} : { algorithm })
  const privateMembers = Object.fromEntries(Object.entries(rest).filter(([name]) => PRIVATE_MEMBERS.has(name)))
  return signerOf({ ...publicJwk, ...privateMembers }, publicJwk, runtime)
}

/** Makes a new key pair and its signer. The private key never leaves the engine but through `exportPrivateJwk`. */
export async function generateSigner(
  algorithm: SignatureAlgorithm,
  runtime: Pick<Runtime, 'crypto'>,
): Promise<{ readonly signer: Signer; exportPrivateJwk(): Readonly<Record<string, unknown>> }> {
  if (!isSignatureAlgorithm(algorithm)) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'unknown algorithm' })
  const { privateJwk } = await runtime.crypto.generateKeyPair(algorithm)
  const exported = { ...privateJwk, alg: algorithm }
  return { signer: await createSigner(exported, { algorithm, runtime }), exportPrivateJwk: () => ({ ...exported }) }
}

async function signerOf(
  privateJwk: Readonly<Record<string, unknown>>,
  publicJwk: PublicJwk,
  runtime: Pick<Runtime, 'crypto'>,
): Promise<Signer> {
  const { crypto } = runtime
  const algorithm = publicJwk.alg
  const probe = new Uint8Array(32)
  try {
    const key = await crypto.importPrivateKey(privateJwk, algorithm)
    const publicKey = await crypto.importPublicKey(publicJwk, algorithm)
    const fits = await crypto.verify(algorithm, publicKey, probe, await crypto.sign(algorithm, key, probe))
    if (!fits) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'public and private key do not belong together' })
    const thumbprint = await jwkThumbprint(publicJwk, runtime)
    return { algorithm, publicJwk, thumbprint, sign: (data) => crypto.sign(algorithm, key, data) }
  } catch (cause) {
    // The engine's own error may quote the key: it is not kept.
    throw cause instanceof WimseError ? cause : new WimseError('ERR_KEY_MALFORMED', { detail: 'the engine refused the key' })
  }
}
