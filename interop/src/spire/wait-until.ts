import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from './setup-error.ts'

export interface WaitOptions {
  readonly timeoutMs: number
  readonly intervalMs?: number
  /** Looked at before each try: throws when waiting has become pointless. */
  readonly abandon?: () => void | Promise<void>
}

/** Tries `probe` until it gives something other than `undefined` or `false`; what it throws counts as "not yet". */
export async function waitUntil<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  { timeoutMs, intervalMs = 50, abandon }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let lastFailure: unknown
  do {
    await abandon?.()
    try {
      const found = await probe()
      if (found !== undefined && found !== false) return found
    } catch (failure) {
      lastFailure = failure
    }
    await sleep(intervalMs)
  } while (performance.now() < deadline)
  throw new SetupError('timeout', `${what}: not within ${timeoutMs} ms`, lastFailure)
}
