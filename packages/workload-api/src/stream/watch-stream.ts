import { type Runtime, WimseError } from '@wimse/core'
import { withAttemptSignal } from '../connection/attempt-signal.ts'
import { isFinal, workloadApiError } from '../connection/call-errors.ts'
import { type BackoffOptions, createBackoff, DEFAULT_INITIAL_DELAY_MS } from './backoff.ts'

/** Something that went wrong while watching. */
export interface WatchFailure {
  readonly error: WimseError
  /**
   * What happens now. `kept`: one message was malformed and dropped, the stream goes on and what came before it stays in force
   * (WLAPI-4.5-02). `retrying`: the stream ended and is opened again. `stopped`: it is not, and the watch rejects with `error`.
   */
  readonly consequence: 'kept' | 'retrying' | 'stopped'
  /** Milliseconds until the next attempt. Only with `retrying`. */
  readonly retryInMs?: number
}

/** Receives what a stream of the Workload API brings. */
export interface Watcher<T> {
  /**
   * The complete state, which replaces the one before: what is missing or empty in it is withdrawn (WLAPI-4.4-01, WLAPI-4.4-02,
   * WLAPI-4.4-03, WLAPI-4.4-05).
   */
  onUpdate(update: T): void
  /** `ERR_WORKLOAD_API_NO_IDENTITY` says that everything received before is withdrawn (WLAPI-5.2.1-09, WLAPI-5.2.2-06). */
  onFailure?(failure: WatchFailure): void
}

/** Options of every watch. */
export interface WatchOptions {
  /** Ends the watch. */
  readonly signal?: AbortSignal
}

/** What every watch of one connection shares. */
export interface WatchContext {
  readonly runtime: Runtime
  readonly backoff: BackoffOptions
  readonly closed: AbortSignal
}

/** One kind of stream. `decode` throws `ERR_WORKLOAD_API_RESPONSE` on a message that breaks the rules of its profile. */
export interface StreamKind<M, T> {
  open(signal: AbortSignal): AsyncIterable<M>
  decode(message: M): T | Promise<T>
}

/**
 * Keeps one server stream open (WLAPI-4.2-01). A stream that lived and ended is opened again at once (WLAPI-4.2-02); after an
 * attempt that brought nothing, or lived shorter than the first wait, it backs off (WLEP-6-04, WLEP-6-06, WLAPI-5.2.1-08).
 *
 * Resolves when the signal aborts or the connection is closed.
 *
 * @throws WimseError `ERR_WORKLOAD_API_INVALID_ARGUMENT`, `ERR_WORKLOAD_API_UNIMPLEMENTED`
 */
export async function watchStream<M, T>(
  { runtime, backoff: waits, closed }: WatchContext,
  kind: StreamKind<M, T>,
  watcher: Watcher<T>,
  options: WatchOptions,
): Promise<void> {
  const signal = options.signal === undefined ? closed : AbortSignal.any([closed, options.signal])
  const backoff = createBackoff(runtime, waits)
  const steadyAfterMs = waits.initialDelayMs ?? DEFAULT_INITIAL_DELAY_MS
  while (!signal.aborted) {
    const openedAt = runtime.now()
    const end = await withAttemptSignal([signal], (attempt) => readStream(kind, watcher, attempt))
    if (signal.aborted) return
    if (isFinal(end.error)) {
      watcher.onFailure?.({ error: end.error, consequence: 'stopped' })
      throw end.error
    }
    const steady = end.brought && runtime.now() - openedAt >= steadyAfterMs
    if (steady) backoff.reset()
    const retryInMs = steady ? 0 : backoff.next()
    watcher.onFailure?.({ error: end.error, consequence: 'retrying', retryInMs })
    if (retryInMs > 0) await runtime.delay(retryInMs, signal)
  }
}

/** Why a stream ended, and whether it brought a message before that. */
interface StreamEnd {
  readonly error: WimseError
  readonly brought: boolean
}

async function readStream<M, T>(kind: StreamKind<M, T>, watcher: Watcher<T>, signal: AbortSignal): Promise<StreamEnd> {
  let brought = false
  const messages = kind.open(signal)[Symbol.asyncIterator]()
  for (;;) {
    let message: M
    try {
      const next = await messages.next()
      if (next.done === true) return { error: ended(), brought }
      message = next.value
    } catch (failure) {
      return { error: workloadApiError(failure), brought }
    }
    if (signal.aborted) return { error: ended(), brought }
    brought = true
    let update: T
    try {
      update = await kind.decode(message)
    } catch (failure) {
      watcher.onFailure?.({ error: workloadApiError(failure), consequence: 'kept' })
      continue
    }
    if (!signal.aborted) watcher.onUpdate(update)
  }
}

function ended(): WimseError {
  return new WimseError('ERR_WORKLOAD_API_UNAVAILABLE', { detail: 'the server closed the stream' })
}
