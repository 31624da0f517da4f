import { isWimseError, type Runtime } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { TEST_EPOCH_MS } from '@wimse/testing'
import { afterEach } from 'vitest'
import { openRedis, type RedisConnection, type RedisConnectionOptions } from '../src/index.ts'
import { findRedis, type RedisServer, type RedisServerOptions, startRedisServer } from '../src/testing.ts'

const found = await findRedis()
/** Why there is no Redis here; shown in titles of what is skipped. */
export const missing: string | undefined = 'missing' in found ? found.missing : undefined
export const NOW = TEST_EPOCH_MS / 1000

const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export async function redis(options: readonly string[] = [], more: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer({ options, ...more })
  closers.push(() => server.close())
  return server
}

/** Another connection to it, for what an operator does. */
export async function connect({ url }: { readonly url: string }, options: Partial<RedisConnectionOptions> = {}): Promise<RedisConnection> {
  const connection = await openRedis({ url, timeoutMs: 5000, ...options })
  closers.push(() => connection.close())
  return connection
}

/** A runtime whose pauses between attempts take no time, and whose timeouts never come. */
export function eager(): Runtime {
  const runtime = defaultRuntime()
  return {
    ...runtime,
    delay: (milliseconds, signal) => (milliseconds <= 2000 ? runtime.delay(0, signal) : runtime.delay(60_000, signal)),
  }
}

/** The outcome, or the code of the failure. */
export async function codeOf(step: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    return await (typeof step === 'function' ? step() : step)
  } catch (error) {
    if (isWimseError(error)) return error.code
    throw error
  }
}

/** Asks again and again until the answer is another one than "unavailable": for a connection that is being made anew. */
export async function onceAvailable(ask: () => Promise<boolean>): Promise<unknown> {
  for (;;) {
    const answer = await codeOf(ask())
    if (answer !== 'ERR_REPLAY_STORE_UNAVAILABLE') return answer
    await new Promise((resolve) => setImmediate(resolve))
  }
}
