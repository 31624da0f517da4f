/** A value, or a promise of it: what an engine gives depends on whether its platform is synchronous. */
export type MaybePromise<T> = T | Promise<T>

/** The digests that the specifications use. */
export type DigestAlgorithm = 'sha-256' | 'sha-512'

/** A key that an engine has imported. Opaque: only the engine that made it can use it. */
export type EngineKey = object

/**
 * Cryptography as one platform gives it. It judges nothing: what may be imported or used is decided by the callers in `@wimse/keys`.
 * Signatures of ECDSA are the fixed-length concatenation of JWS and RFC 9421.
 */
export interface CryptoEngine {
  readonly name: string
  digest(algorithm: DigestAlgorithm, data: Uint8Array): MaybePromise<Uint8Array>
  /** The digest of a text's octets in UTF-8, as base64url: the form in which tokens are bound and remembered. */
  digestText(algorithm: DigestAlgorithm, text: string): MaybePromise<string>
  /** Imports a public JWK that has been validated already. `algorithm` is a JWS algorithm name. */
  importPublicKey(jwk: Readonly<Record<string, unknown>>, algorithm: string): MaybePromise<EngineKey>
  importPrivateKey(jwk: Readonly<Record<string, unknown>>, algorithm: string): MaybePromise<EngineKey>
  generateKeyPair(
    algorithm: string,
  ): MaybePromise<{ readonly publicJwk: Record<string, unknown>; readonly privateJwk: Record<string, unknown> }>
  sign(algorithm: string, key: EngineKey, data: Uint8Array): MaybePromise<Uint8Array>
  verify(algorithm: string, key: EngineKey, data: Uint8Array, signature: Uint8Array): MaybePromise<boolean>
}

/** Everything that comes from outside of a computation. The one default is `defaultRuntime` of `@wimse/keys`. */
export interface Runtime {
  /** Milliseconds since the epoch. */
  now(): number
  randomBytes(length: number): Uint8Array
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Waits; resolves early, without an error, when the signal aborts. */
  delay(milliseconds: number, signal?: AbortSignal): Promise<void>
  readonly crypto: CryptoEngine
}
