export {
  type AlgorithmPolicy,
  type AlgorithmSpec,
  algorithmRegistry,
  algorithmSpec,
  allowedAlgorithms,
  isSignatureAlgorithm,
  type SignatureAlgorithm,
  SVID_ALGORITHMS,
  WIMSE_ALGORITHMS,
} from './algorithms.ts'
export { DEFAULT_MAX_TOKEN_BYTES, decodeUnverifiedJws, signCompactJws, type UnverifiedJws } from './compact-jws.ts'
export { defaultRuntime } from './default-runtime.ts'
export { createNodeEngine, type NodeCryptoModule } from './engine/node-engine.ts'
export { createWebEngine } from './engine/web-engine.ts'
export { type PublicJwk, type PublicJwkOptions, parsePublicJwk, RSA_MAX_BITS, RSA_MIN_BITS } from './public-jwk.ts'
export { createSigner, generateSigner, type Signer, type SignerOptions } from './signer.ts'
export { jwkThumbprint } from './thumbprint.ts'
export { createVerifier, type Verifier } from './verifier.ts'
