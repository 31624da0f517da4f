import type { CryptoEngine, Runtime } from '@wimse/core'
import { createNodeEngine, type NodeCryptoModule } from './engine/node-engine.ts'
import { createWebEngine } from './engine/web-engine.ts'
import { createRandomSource } from './random-source.ts'

interface MaybeNodeProcess {
  readonly process?: { getBuiltinModule?(name: string): unknown }
}

let shared: Runtime | undefined

/**
 * The runtime that every package uses unless it is given another one: the system's clock, random source and fetch, and the faster
 * crypto engine that the platform has: node:crypto where it is at hand, Web Cryptography elsewhere. Made at the first call.
 */
export function defaultRuntime(): Runtime {
  shared ??= {
    now: () => Date.now(),
    randomBytes: createRandomSource((octets) => globalThis.crypto.getRandomValues(octets)),
    fetch: (input, init) => globalThis.fetch(input, init),
    delay,
    crypto: platformEngine(),
  }
  return shared
}

function platformEngine(): CryptoEngine {
  const node = (globalThis as MaybeNodeProcess).process?.getBuiltinModule?.('node:crypto')
  return node === undefined ? createWebEngine(globalThis.crypto) : createNodeEngine(node as NodeCryptoModule)
}

function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done)
  })
}
