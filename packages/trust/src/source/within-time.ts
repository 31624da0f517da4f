import { type Runtime, WimseError } from '@wimse/core'

/**
 * Runs one retrieval and gives it up when the time is over or the source has stopped: the signal that it got aborts then.
 *
 * @throws WimseError `ERR_TRUST_ENDPOINT`
 */
export async function withinTime<T>(
  timeoutMs: number,
  stopped: AbortSignal,
  runtime: Pick<Runtime, 'delay'>,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  const timer = new AbortController()
  const expired = runtime.delay(timeoutMs, AbortSignal.any([ended.signal, stopped])).then((): never => {
    timer.abort()
    throw new WimseError('ERR_TRUST_ENDPOINT', { detail: 'no answer in time' })
  })
  try {
    return await Promise.race([step(AbortSignal.any([timer.signal, stopped])), expired])
  } finally {
    expired.catch(() => undefined)
    ended.abort()
  }
}
