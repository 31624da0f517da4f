import { type Runtime, WimseError } from '@wimse/core'

/** A credential that is renewed from outside. */
export interface CredentialSource<T> {
  /**
   * The credential to use now; the same object until it rotates. Ask for it each time: what was live a minute ago may not be any more.
   *
   * @throws WimseError `ERR_CREDENTIAL_UNAVAILABLE` before the first one came, after it was withdrawn and after `close`;
   *   `ERR_CREDENTIAL_EXPIRED` when its end has passed and no new one has come
   */
  current(): T
  /** Calls the listener with each new credential, right after `current` gives it. @returns what ends that. */
  onRotate(listener: (credential: T) => void): () => void
  /**
   * Resolves as soon as there is a credential. A workload that isn't registered yet may wait for ever: bound it with the signal.
   *
   * @throws WimseError `ERR_CREDENTIAL_UNAVAILABLE` when the signal aborts or the source was closed; the code of the failure that
   *   ended the watch, such as `ERR_WORKLOAD_API_UNIMPLEMENTED`
   */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Forgets the credential and stops asking for new ones. */
  close(): void
}

/** The part of a source that does not know where credentials come from. */
export interface LiveValue<T> extends CredentialSource<T> {
  readonly closed: AbortSignal
  set(credential: T): void
  /** The credential may not be used any more (WLAPI-5.2.1-09, WLAPI-7.2.1-09). */
  withdraw(reason: WimseError): void
  /** No credential will come any more; a live one stays until its end. */
  fail(reason: WimseError): void
}

export interface LiveValueRules<T> {
  readonly runtime: Pick<Runtime, 'now'>
  /** Seconds since the epoch. */
  endOf(credential: T): number
  same(a: T, b: T): boolean
}

/** Holds the credential of a source and tells who listens. */
export function createLiveValue<T>({ runtime, endOf, same }: LiveValueRules<T>): LiveValue<T> {
  const closing = new AbortController()
  const listeners = new Set<(credential: T) => void>()
  const waiting = new Set<() => void>()
  let credential: T | undefined
  let reason: WimseError | undefined
  let failed = false

  const isLive = (): boolean => credential !== undefined && runtime.now() / 1000 < endOf(credential)
  const wake = (): void => {
    for (const settle of [...waiting]) settle()
  }
  return {
    closed: closing.signal,
    current(): T {
      if (credential === undefined) throw unavailable(reason)
      if (!isLive()) throw new WimseError('ERR_CREDENTIAL_EXPIRED', reason && { detail: reason.code, cause: reason })
      return credential
    },
    onRotate(listener): () => void {
      // A set of its own for each call: the same function may be registered twice.
      const own = (next: T): void => listener(next)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    ready({ signal } = {}): Promise<void> {
      return new Promise((resolve, reject) => {
        const settle = (): void => {
          if (!isLive() && !failed && !closing.signal.aborted && signal?.aborted !== true) return
          waiting.delete(settle)
          signal?.removeEventListener('abort', settle)
          if (isLive()) resolve()
          else reject(failed && reason !== undefined ? reason : unavailable(reason))
        }
        waiting.add(settle)
        signal?.addEventListener('abort', settle)
        settle()
      })
    },
    close(): void {
      closing.abort()
      credential = undefined
      reason = new WimseError('ERR_CREDENTIAL_UNAVAILABLE', { detail: 'the source is closed' })
      wake()
      listeners.clear()
    },
    set(next: T): void {
      if (closing.signal.aborted) return
      reason = undefined
      failed = false
      // The same object as long as nothing has rotated, so that what was made of it can be remembered with it.
      const rotated = credential === undefined || !same(credential, next)
      if (rotated) credential = next
      wake()
      if (rotated) for (const listener of [...listeners]) tell(listener, next)
    },
    withdraw(why: WimseError): void {
      if (closing.signal.aborted) return
      credential = undefined
      reason = why
    },
    fail(why: WimseError): void {
      if (closing.signal.aborted) return
      reason = why
      failed = true
      wake()
    },
  }
}

/** A listener that throws must not keep the others from hearing: its error surfaces as an uncaught one, where it belongs. */
function tell<T>(listener: (credential: T) => void, credential: T): void {
  try {
    listener(credential)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

function unavailable(reason: WimseError | undefined): WimseError {
  return new WimseError('ERR_CREDENTIAL_UNAVAILABLE', reason && { detail: reason.code, cause: reason })
}
