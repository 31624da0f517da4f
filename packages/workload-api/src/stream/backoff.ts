import type { Runtime } from '@wimse/core'

/** How long to wait between two attempts. */
export interface BackoffOptions {
  /** The first wait in milliseconds; {@link DEFAULT_INITIAL_DELAY_MS} unless told. */
  readonly initialDelayMs?: number
  /** The longest wait in milliseconds; {@link DEFAULT_MAX_DELAY_MS} unless told. */
  readonly maxDelayMs?: number
}

export const DEFAULT_INITIAL_DELAY_MS = 250
export const DEFAULT_MAX_DELAY_MS = 15_000

/** Counts the attempts that failed in a row. */
export interface Backoff {
  /** Milliseconds to wait before the next attempt: doubled each time, up to the longest, the upper half of it random. */
  next(): number
  reset(): void
}

/** Many workloads of a host lose the same agent at the same time: the random half keeps them from coming back at the same time. */
export function createBackoff(runtime: Pick<Runtime, 'randomBytes'>, options: BackoffOptions = {}): Backoff {
  const { initialDelayMs = DEFAULT_INITIAL_DELAY_MS, maxDelayMs = DEFAULT_MAX_DELAY_MS } = options
  let failures = 0
  return {
    next(): number {
      const longest = Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(failures, 30))
      failures += 1
      const [high = 0, low = 0] = runtime.randomBytes(2)
      return Math.round(longest * (0.5 + (high * 256 + low) / 131_072))
    },
    reset(): void {
      failures = 0
    },
  }
}
