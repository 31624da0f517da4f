class DeadlineError extends Error {
  constructor(milliseconds: number) {
    super(`not within ${milliseconds / 1000} s`)
    this.name = 'DeadlineError'
  }
}

/** What {@link withDeadline} rejects with when it was interrupted. */
export class InterruptedError extends Error {
  constructor() {
    super('interrupted')
    this.name = 'InterruptedError'
  }
}

/** Waits for a promise no longer than told, and not beyond an interruption. What was begun isn't stopped by this. */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const interrupt = (): void => settle(() => reject(new InterruptedError()))
    const timer = setTimeout(() => settle(() => reject(new DeadlineError(timeoutMs))), timeoutMs)
    const settle = (how: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', interrupt)
      how()
    }
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
    if (signal?.aborted === true) interrupt()
    else signal?.addEventListener('abort', interrupt)
  })
}
