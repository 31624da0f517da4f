import { type CryptoEngine, type DigestAlgorithm, type EngineKey, formatBase64url, utf8 } from '@wimse/core'
import { algorithmSpec, isSignatureAlgorithm } from '../algorithms.ts'

const DIGESTS: Readonly<Record<DigestAlgorithm, string>> = { 'sha-256': 'SHA-256', 'sha-512': 'SHA-512' }

/** The engine on Web Cryptography, which every runtime has. Every operation is a promise. */
export function createWebEngine(webCrypto: Crypto): CryptoEngine {
  const { subtle } = webCrypto
  const importKey = (jwk: Readonly<Record<string, unknown>>, algorithm: string, usage: 'sign' | 'verify'): Promise<EngineKey> => {
    const { alg: _alg, use: _use, key_ops: _operations, ...members } = jwk
    return subtle.importKey('jwk', members as JsonWebKey, keyParameters(algorithm), false, [usage])
  }
  return {
    name: 'webcrypto',
    digest: async (algorithm, data) => new Uint8Array(await subtle.digest(DIGESTS[algorithm], backed(data))),
    digestText: async (algorithm, text) => formatBase64url(new Uint8Array(await subtle.digest(DIGESTS[algorithm], utf8(text)))),
    importPublicKey: (jwk, algorithm) => importKey(jwk, algorithm, 'verify'),
    importPrivateKey: (jwk, algorithm) => importKey(jwk, algorithm, 'sign'),
    async generateKeyPair(algorithm) {
      const parameters = { ...keyParameters(algorithm), modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
      const pair = (await subtle.generateKey(parameters, true, ['sign', 'verify'])) as CryptoKeyPair
      return { publicJwk: await exported(subtle, pair.publicKey), privateJwk: await exported(subtle, pair.privateKey) }
    },
    sign: async (algorithm, key, data) => new Uint8Array(await subtle.sign(signatureParameters(algorithm), key as CryptoKey, backed(data))),
    verify: (algorithm, key, data, signature) =>
      subtle.verify(signatureParameters(algorithm), key as CryptoKey, backed(signature), backed(data)),
  }
}

async function exported(subtle: SubtleCrypto, key: CryptoKey): Promise<Record<string, unknown>> {
  const { key_ops: _operations, ext: _ext, alg: _alg, ...members } = await subtle.exportKey('jwk', key)
  return { ...members }
}

/** Web Cryptography takes views of plain array buffers only. */
function backed(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  return octets.buffer instanceof ArrayBuffer ? (octets as Uint8Array<ArrayBuffer>) : new Uint8Array(octets)
}

interface WebParameters {
  readonly name: string
  readonly namedCurve?: string
  readonly hash?: string
  readonly saltLength?: number
}

function keyParameters(algorithm: string): WebParameters {
  if (!isSignatureAlgorithm(algorithm)) throw new TypeError('unknown algorithm')
  const spec = algorithmSpec(algorithm)
  if (spec.scheme === 'eddsa') return { name: 'Ed25519' }
  if (spec.scheme === 'ecdsa') return { name: 'ECDSA', namedCurve: spec.crv ?? '' }
  return { name: spec.scheme === 'rsa-pss' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: spec.hash ?? '' }
}

function signatureParameters(algorithm: string): WebParameters {
  if (!isSignatureAlgorithm(algorithm)) throw new TypeError('unknown algorithm')
  const spec = algorithmSpec(algorithm)
  if (spec.scheme === 'ecdsa') return { name: 'ECDSA', hash: spec.hash ?? '' }
  if (spec.scheme === 'rsa-pss') return { name: 'RSA-PSS', saltLength: Number(spec.hash?.slice(4)) / 8 }
  return keyParameters(algorithm)
}
