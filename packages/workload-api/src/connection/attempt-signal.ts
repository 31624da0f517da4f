/**
 * Runs one call with a signal of its own that follows the others. The transport listens on the signal of each call and never stops;
 * on one that lives as long as the connection, a client that tries for days would pile up listeners.
 */
export async function withAttemptSignal<T>(
  signals: readonly (AbortSignal | undefined)[],
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const attempt = new AbortController()
  const abort = (): void => attempt.abort()
  for (const signal of signals) signal?.addEventListener('abort', abort)
  if (signals.some((signal) => signal?.aborted === true)) abort()
  try {
    return await run(attempt.signal)
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', abort)
    attempt.abort()
  }
}
