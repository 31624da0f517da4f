import { type Runtime, WimseError } from '@wimse/core'

/**
 * The outcome of a step, unless it takes longer: then it goes on, and nobody waits for it.
 *
 * @throws WimseError `ERR_REPLAY_STORE_UNAVAILABLE` when time is up; what the step rejects with
 */
export async function withinTimeout<T>(step: Promise<T>, timeoutMs: number, runtime: Runtime): Promise<T> {
  const done = new AbortController()
  const late = runtime.delay(timeoutMs, done.signal).then((): never => {
    throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'timeout' })
  })
  // The loser of the race is nobody's failure.
  late.catch(() => undefined)
  step.catch(() => undefined)
  try {
    return await Promise.race([step, late])
  } finally {
    done.abort()
  }
}
