import * as nodeCrypto from 'node:crypto'
import { isWimseError } from '@wimse/core'
import { createNodeEngine, createWebEngine, type NodeCryptoModule, type SignatureAlgorithm } from '../src/index.ts'

/** Both engines by name, each as the part of a runtime that keys need. */
export const engines = {
  node: { crypto: createNodeEngine(nodeCrypto as unknown as NodeCryptoModule) },
  web: { crypto: createWebEngine(globalThis.crypto) },
} as const

/** Private keys of tests, made once per run and algorithm; RSA keys are slow to make. */
const cache = new Map<string, Record<string, unknown>>()

const TYPES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const

/** A fresh private JWK without `alg`, the same one for every algorithm that can share it. */
export function privateJwk(algorithm: SignatureAlgorithm): Record<string, unknown> {
  const kind = algorithm.startsWith('ES') ? TYPES[algorithm as keyof typeof TYPES] : algorithm.startsWith('Ed') ? 'Ed25519' : 'RSA'
  const known = cache.get(kind)
  if (known !== undefined) return { ...known }
  const made = makeKey(kind)
  cache.set(kind, made)
  return { ...made }
}

function makeKey(kind: string): Record<string, unknown> {
  if (kind === 'Ed25519') return exported(nodeCrypto.generateKeyPairSync('ed25519').privateKey)
  if (kind === 'RSA') return rsaPrivateJwk(2048)
  return exported(nodeCrypto.generateKeyPairSync('ec', { namedCurve: kind }).privateKey)
}

/** A fresh RSA private JWK. */
export function rsaPrivateJwk(modulusLength: number, publicExponent = 65_537): Record<string, unknown> {
  return exported(nodeCrypto.generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey)
}

function exported(key: nodeCrypto.KeyObject): Record<string, unknown> {
  return { ...key.export({ format: 'jwk' }) }
}

/** The public members of a private JWK. */
export function publicOf(jwk: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...rest } = jwk
  return rest
}

/** The code that a step ends with: `ok`, the code of a WimseError, or the text of any other error, which no test expects. */
export async function codeOf(step: () => unknown): Promise<string> {
  try {
    await step()
    return 'ok'
  } catch (error) {
    return isWimseError(error) ? error.code : `uncoded: ${String(error)}`
  }
}
