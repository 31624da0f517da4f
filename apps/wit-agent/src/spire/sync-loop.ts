import type { Runtime } from '@wimse/core'
import { createBackoff } from '@wimse/workload-api'

export interface SyncLoopOptions {
  /** One round; what it throws makes the loop back off. */
  readonly round: () => Promise<void>
  readonly onFailure: (error: unknown, retryInMs: number) => void
  readonly intervalMs: number
  readonly runtime: Runtime
}

/** Rounds without end. */
export interface SyncLoop {
  /** Resolves when the first round that went well has ended; rejects never. */
  readonly firstSuccess: Promise<void>
  /** Does the next round now, and resolves when it has ended, well or not. */
  now(): Promise<void>
  /** Ends the loop; resolves when the round under way has ended. */
  close(): Promise<void>
}

const SYNC_INITIAL_DELAY_MS = 500
const SYNC_MAX_DELAY_MS = 15_000

/** Begins at once. After a failure it waits ever longer, half of it random, up to {@link SYNC_MAX_DELAY_MS}. */
export function startSyncLoop({ round, onFailure, intervalMs, runtime }: SyncLoopOptions): SyncLoop {
  const closing = new AbortController()
  const backoff = createBackoff(runtime, { initialDelayMs: SYNC_INITIAL_DELAY_MS, maxDelayMs: SYNC_MAX_DELAY_MS })
  const { promise: firstSuccess, resolve: succeeded } = Promise.withResolvers<void>()
  let waiting = new AbortController()
  let next = Promise.withResolvers<void>()

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const ended = next
      next = Promise.withResolvers()
      waiting = new AbortController()
      let waitMs = intervalMs
      try {
        await round()
        backoff.reset()
        succeeded()
      } catch (error) {
        if (closing.signal.aborted) break
        waitMs = backoff.next()
        onFailure(error, waitMs)
      } finally {
        ended.resolve()
      }
      await runtime.delay(waitMs, AbortSignal.any([closing.signal, waiting.signal]))
    }
    next.resolve()
  }
  const ended = run()
  return {
    firstSuccess,
    now(): Promise<void> {
      waiting.abort()
      return next.promise
    },
    async close(): Promise<void> {
      closing.abort()
      await ended
    },
  }
}
