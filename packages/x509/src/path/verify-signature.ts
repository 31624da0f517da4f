import { type CryptoEngine, type EngineKey, WimseError } from '@wimse/core'
import { algorithmFor, type CertificateAlgorithm, engineSignature } from '../certificate/signature-algorithm.ts'
import { formatHex } from '../der/read-values.ts'
import { jwkOfSpki } from '../key/public-key-info.ts'

/** A signed structure of X.509, taken apart. */
export interface SignedStructure {
  /** The octets that the signature is over. */
  readonly signedContent: Uint8Array
  /** AlgorithmIdentifier in DER. */
  readonly signatureAlgorithm: Uint8Array
  readonly signature: Uint8Array
}

interface ImportedKey {
  readonly algorithm: CertificateAlgorithm
  readonly key: EngineKey
}

// Imported keys live as long as the holder object does: for anchors, as long as the trust store keeps them.
const importedKeys = /* @__PURE__ */ new WeakMap<
  object,
  { readonly crypto: CryptoEngine; readonly byAlgorithm: Map<string, ImportedKey> }
>()

/**
 * Verifies a signature with a public key: allowed algorithm that fits the key, well-formed signature value, signature.
 *
 * @param holder what has the key; the imported key is remembered with it
 * @throws WimseError `ERR_X509_ALGORITHM`, `ERR_X509_MALFORMED`, `ERR_X509_SIGNATURE`
 */
export async function verifySignature(
  { signedContent, signatureAlgorithm, signature }: SignedStructure,
  holder: { readonly publicKey: Uint8Array },
  crypto: CryptoEngine,
): Promise<void> {
  const { algorithm, key } = await keyOf(holder, signatureAlgorithm, crypto)
  const value = engineSignature(algorithm, signature)
  const valid = await settled(async () => crypto.verify(algorithm, key, signedContent, value))
  if (valid !== true) throw new WimseError('ERR_X509_SIGNATURE')
}

async function keyOf(holder: { readonly publicKey: Uint8Array }, identifier: Uint8Array, crypto: CryptoEngine): Promise<ImportedKey> {
  const remembered = importedKeys.get(holder)
  const byAlgorithm = remembered?.crypto === crypto ? remembered.byAlgorithm : new Map<string, ImportedKey>()
  const name = formatHex(identifier)
  const known = byAlgorithm.get(name)
  if (known !== undefined) return known
  const jwk = jwkOfSpki(holder.publicKey)
  const algorithm = algorithmFor(identifier, jwk)
  const key = await settled(async () => crypto.importPublicKey(jwk, algorithm))
  // As for a point off its curve.
  if (key === undefined) throw new WimseError('ERR_X509_MALFORMED', { detail: 'the engine refused the public key' })
  const imported = { algorithm, key }
  byAlgorithm.set(name, imported)
  importedKeys.set(holder, { crypto, byAlgorithm })
  return imported
}

/** What an engine can't process is not valid; why it can't is no one's business. */
async function settled<T>(step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step()
  } catch {
    return undefined
  }
}
