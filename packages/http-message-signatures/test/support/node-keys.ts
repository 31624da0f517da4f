import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import type { DigestRuntime, MessageSigner, MessageVerifier } from '../../src/index.ts'

/** A key of the vectors by the name of its algorithm in the HTTP Signature Algorithms registry. */
export function nodeKey(jwk: Record<string, string>, algorithm: string): MessageSigner & MessageVerifier {
  if (algorithm === 'hmac-sha256') {
    const secret = Buffer.from(jwk['k_base64'] ?? '', 'base64')
    const mac = (data: Uint8Array): Uint8Array => createHmac('sha256', secret).update(data).digest()
    return {
      httpAlgorithm: algorithm,
      sign: mac,
      verify: (data, signature) => signature.length === 32 && timingSafeEqual(mac(data), signature),
    }
  }
  const hash = algorithm === 'ed25519' ? null : algorithm === 'rsa-pss-sha512' ? 'sha512' : 'sha256'
  const privateKey = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })
  const publicKey = createPublicKey(privateKey)
  const options = (key: KeyObject) =>
    algorithm === 'rsa-pss-sha512'
      ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
      : { key, dsaEncoding: 'ieee-p1363' as const }
  return {
    httpAlgorithm: algorithm,
    sign: (data) => new Uint8Array(cryptoSign(hash, data, options(privateKey))),
    verify: (data, signature) => cryptoVerify(hash, data, options(publicKey), signature),
  }
}

/** Digests and a clock that stands where it is put. */
export function fixedRuntime(seconds: number): DigestRuntime & { now(): number } {
  return {
    now: () => seconds * 1000,
    crypto: {
      digest: (algorithm, data) =>
        new Uint8Array(
          createHash(algorithm === 'sha-256' ? 'sha256' : 'sha512')
            .update(data)
            .digest(),
        ),
    },
  }
}
