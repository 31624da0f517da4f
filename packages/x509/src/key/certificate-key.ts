import { isWimseError, type MaybePromise, type Runtime, WimseError } from '@wimse/core'
import { algorithmFor, algorithmIdentifier, type CertificateAlgorithm, defaultAlgorithm } from '../certificate/signature-algorithm.ts'
import { pkcs8OfPrivateJwk, privateJwkOfPkcs8 } from './private-key-info.ts'
import { type CertificatePublicKey, jwkOfSpki, spkiOfJwk } from './public-key-info.ts'

/** A private key that signs certificates and requests. The `Signer` of `@wimse/keys` becomes one with its `spkiOfJwk(signer.publicJwk)`. */
export interface CertificateKey {
  readonly algorithm: CertificateAlgorithm
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  /** Signs as an engine does: ECDSA as the concatenation of fixed length. */
  sign(data: Uint8Array): MaybePromise<Uint8Array>
}

/** A key pair that was made here; `privateKey` is PKCS#8 in DER. */
export interface GeneratedCertificateKey extends CertificateKey {
  readonly privateKey: Uint8Array
}

/**
 * Makes a new key pair.
 *
 * @param algorithm what it signs with when it issues; a leaf's key isn't bound to it
 * @throws WimseError `ERR_X509_ALGORITHM`
 */
export async function generateCertificateKey(
  algorithm: CertificateAlgorithm,
  runtime: Pick<Runtime, 'crypto'>,
): Promise<GeneratedCertificateKey> {
  algorithmIdentifier(algorithm)
  const { privateJwk } = await runtime.crypto.generateKeyPair(algorithm)
  return { ...(await keyOfJwk(privateJwk, algorithm, runtime)), privateKey: pkcs8OfPrivateJwk(privateJwk) }
}

/** Options of {@link importCertificateKey}. */
export interface ImportCertificateKeyOptions {
  readonly runtime: Pick<Runtime, 'crypto'>
  /** SubjectPublicKeyInfo of the certificate that the key is for. Needed where PKCS#8 has no public half, as for Ed25519. */
  readonly publicKey?: Uint8Array
  /** For RSA, RS256 unless told; the other kinds have one algorithm. */
  readonly algorithm?: CertificateAlgorithm
}

/**
 * Imports an unencrypted PKCS#8 private key. One signature is made and verified, so that a key that doesn't fit its public half, or the
 * certificate's, is refused.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`, `ERR_X509_ALGORITHM`
 */
export function importCertificateKey(pkcs8: Uint8Array, options: ImportCertificateKeyOptions): Promise<CertificateKey> {
  const jwk = privateJwkOfPkcs8(pkcs8, options.publicKey)
  return keyOfJwk(jwk, options.algorithm, options.runtime)
}

async function keyOfJwk(
  jwk: Readonly<Record<string, unknown>>,
  wanted: CertificateAlgorithm | undefined,
  { crypto }: Pick<Runtime, 'crypto'>,
): Promise<CertificateKey> {
  const publicKey = spkiOfJwk(jwk)
  const publicJwk: CertificatePublicKey = jwkOfSpki(publicKey)
  const algorithm = wanted ?? defaultAlgorithm(publicJwk)
  algorithmFor(algorithmIdentifier(algorithm), publicJwk)
  const probe = new Uint8Array(32)
  try {
    const privateKey = await crypto.importPrivateKey(jwk, algorithm)
    const verifyKey = await crypto.importPublicKey(publicJwk, algorithm)
    const fits = await crypto.verify(algorithm, verifyKey, probe, await crypto.sign(algorithm, privateKey, probe))
    if (!fits) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'public and private key do not belong together' })
    return { algorithm, publicKey, sign: (data) => crypto.sign(algorithm, privateKey, data) }
  } catch (error) {
    // The engine's own error may quote the key: it is not kept.
    throw isWimseError(error) ? error : new WimseError('ERR_KEY_MALFORMED', { detail: 'the engine refused the key' })
  }
}
