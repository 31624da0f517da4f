import { type CryptoEngine, concatOctets, type EngineKey, parseBase64url } from '@wimse/core'
import { algorithmSpec, isSignatureAlgorithm } from '../algorithms.ts'

type KeyInput = object

/** The part of node:crypto that the engine uses. The module comes in as a value, so that nothing here imports it. */
export interface NodeCryptoModule {
  hash?(algorithm: string, data: Uint8Array, encoding: 'buffer'): Uint8Array
  hash?(algorithm: string, data: string, encoding: 'base64url'): string
  createHash(algorithm: string): HashInProgress
  createPublicKey(key: KeyInput): EngineKey
  createPrivateKey(key: KeyInput): EngineKey
  generateKeyPairSync(type: string, options: object): { publicKey: ExportableKey; privateKey: ExportableKey }
  sign(hash: string | null, data: Uint8Array, key: KeyInput): Uint8Array
  verify(hash: string | null, data: Uint8Array, key: KeyInput, signature: Uint8Array): boolean
  readonly constants: { readonly RSA_PKCS1_PADDING: number; readonly RSA_PKCS1_PSS_PADDING: number }
}

interface HashInProgress {
  update(data: Uint8Array | string): HashInProgress
  digest(): Uint8Array
  digest(encoding: 'base64url'): string
}

interface ExportableKey {
  export(options: { readonly format: 'jwk' }): Record<string, unknown>
}

/** A public key of this engine. */
interface NodePublicKey {
  /** What node:crypto takes together with the signature's parameters. */
  input: KeyInput
  /** Makes the lasting key object; undefined once it exists. */
  settle: (() => KeyInput) | undefined
  used: boolean
}

const DIGESTS = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const
const HASHES = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const

/**
 * The engine on node:crypto: synchronous, since a one-shot call costs less than the trip to the thread pool that Web Cryptography
 * makes (`npm run bench` shows both).
 *
 * A public key that is used once, such as that of a workload which calls once, is given to the call as DER: this is a fifth cheaper
 * than a key object, which pays from the second use on.
 */
export function createNodeEngine(crypto: NodeCryptoModule): CryptoEngine {
  const parameters = new Map(['ES', 'RS', 'PS', 'Ed'].map((kind) => [kind, signatureParameters(kind, crypto.constants)]))
  const parametersOf = (algorithm: string): object => parameters.get(algorithm.slice(0, 2)) ?? {}
  const hashOf = (algorithm: string): string | null => {
    const hash = isSignatureAlgorithm(algorithm) ? algorithmSpec(algorithm).hash : undefined
    return hash === undefined ? null : HASHES[hash]
  }
  const oneShotHash = crypto.hash
  return {
    name: 'node:crypto',
    digest: (algorithm, data) =>
      oneShotHash === undefined
        ? crypto.createHash(DIGESTS[algorithm]).update(data).digest()
        : oneShotHash(DIGESTS[algorithm], data, 'buffer'),
    digestText: (algorithm, text) =>
      oneShotHash === undefined
        ? crypto.createHash(DIGESTS[algorithm]).update(text).digest('base64url')
        : oneShotHash(DIGESTS[algorithm], text, 'base64url'),
    importPublicKey(jwk, algorithm): NodePublicKey {
      const settle = (): KeyInput => ({ ...parametersOf(algorithm), key: crypto.createPublicKey({ key: jwk, format: 'jwk' }) })
      const der = ecPublicKeyInfo(jwk)
      if (der === undefined) return { input: settle(), settle: undefined, used: false }
      return { input: { ...parametersOf(algorithm), key: der, format: 'der', type: 'spki' }, settle, used: false }
    },
    importPrivateKey: (jwk, algorithm) => ({
      ...parametersOf(algorithm),
      key: crypto.createPrivateKey({ key: jwk, format: 'jwk' }),
    }),
    generateKeyPair(algorithm) {
      if (!isSignatureAlgorithm(algorithm)) throw new TypeError('unknown algorithm')
      const { kty, crv } = algorithmSpec(algorithm)
      const type = kty === 'EC' ? 'ec' : kty === 'RSA' ? 'rsa' : 'ed25519'
      const { publicKey, privateKey } = crypto.generateKeyPairSync(type, { namedCurve: crv, modulusLength: 2048 })
      return { publicJwk: publicKey.export({ format: 'jwk' }), privateJwk: privateKey.export({ format: 'jwk' }) }
    },
    sign: (algorithm, key, data) => crypto.sign(hashOf(algorithm), data, key),
    verify(algorithm, key, data, signature) {
      const own = key as NodePublicKey
      if (own.used && own.settle !== undefined) {
        own.input = own.settle()
        own.settle = undefined
      }
      own.used = true
      return crypto.verify(hashOf(algorithm), data, own.input, signature)
    },
  }
}

function signatureParameters(kind: string, constants: NodeCryptoModule['constants']): object {
  if (kind === 'ES') return { dsaEncoding: 'ieee-p1363' }
  if (kind === 'RS') return { padding: constants.RSA_PKCS1_PADDING }
  // A salt as long as the hash: -1 is node:crypto's RSA_PSS_SALTLEN_DIGEST.
  if (kind === 'PS') return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: -1 }
  return {}
}

/** DER of SubjectPublicKeyInfo up to the coordinates, with the mark of an uncompressed point (RFC 5480). */
const SPKI_PREFIX: Readonly<Record<string, Uint8Array>> = {
  'P-256': parseBase64url('MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE'),
  'P-384': parseBase64url('MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE'),
  'P-521': parseBase64url('MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQ'),
}

function ecPublicKeyInfo(jwk: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const prefix = jwk['kty'] === 'EC' ? SPKI_PREFIX[String(jwk['crv'])] : undefined
  return prefix && concatOctets([prefix, parseBase64url(String(jwk['x'])), parseBase64url(String(jwk['y']))])
}
