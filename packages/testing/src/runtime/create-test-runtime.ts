import type { Runtime } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createSeededRandom } from './seeded-random.ts'

/** A runtime whose clock stands still until a test moves it. */
export interface TestRuntime extends Runtime {
  /** Moves the clock forward and ends the waits that are over by then, the earliest first. */
  advance(seconds: number): void
  /** Resolves with the milliseconds of the earliest wait, as soon as something waits. For a loop that backs off: then `advance`. */
  nextDelay(): Promise<number>
}

/** Options of {@link createTestRuntime}. */
export interface TestRuntimeOptions {
  /** Milliseconds since the epoch; {@link TEST_EPOCH_MS} unless told. */
  readonly now?: number
  /** Makes `randomBytes` a function of this number. Without it, randomness is the system's. Keys are always random. */
  readonly seed?: number
  /** Stands in for the network; the system's `fetch` unless told. */
  readonly fetch?: Runtime['fetch']
}

/** The time at which tests begin: 1 January 2030, 00:00 UTC. */
export const TEST_EPOCH_MS: number = Date.UTC(2030, 0, 1)

interface Wait {
  readonly until: number
  end(): void
}

/** Makes a runtime for tests: a clock that they move, waits that follow it, and the platform's own cryptography. */
export function createTestRuntime(options: TestRuntimeOptions = {}): TestRuntime {
  const platform = defaultRuntime()
  const random = options.seed === undefined ? platform.randomBytes : createSeededRandom(options.seed)
  const waits = new Set<Wait>()
  const watchers = new Set<() => void>()
  let now = options.now ?? TEST_EPOCH_MS
  const earliest = (): Wait | undefined => [...waits].sort((a, b) => a.until - b.until)[0]

  return {
    now: () => now,
    randomBytes: (length) => random(length),
    fetch: options.fetch ?? platform.fetch,
    crypto: platform.crypto,
    delay(milliseconds, signal): Promise<void> {
      return new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const wait: Wait = {
          until: now + milliseconds,
          end() {
            waits.delete(wait)
            signal?.removeEventListener('abort', wait.end)
            resolve()
          },
        }
        waits.add(wait)
        signal?.addEventListener('abort', wait.end)
        for (const watcher of [...watchers]) watcher()
      })
    },
    advance(seconds): void {
      const target = now + seconds * 1000
      for (let wait = earliest(); wait !== undefined && wait.until <= target; wait = earliest()) {
        now = Math.max(now, wait.until)
        wait.end()
      }
      now = target
    },
    nextDelay(): Promise<number> {
      return new Promise((resolve) => {
        const settle = (): void => {
          const wait = earliest()
          if (wait === undefined) return
          watchers.delete(settle)
          resolve(wait.until - now)
        }
        watchers.add(settle)
        settle()
      })
    },
  }
}
