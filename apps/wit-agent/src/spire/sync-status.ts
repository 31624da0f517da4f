import { isWimseError, type Runtime } from '@wimse/core'

/** How the last rounds with the SPIRE server went. Times are seconds since the epoch. */
export interface SyncStatus {
  readonly reachable: boolean
  readonly lastSync: number | undefined
  readonly lastError: { readonly code: string; readonly at: number } | undefined
}

/** Keeps the {@link SyncStatus}. */
export interface SyncTracker {
  readonly status: SyncStatus
  succeeded(): void
  failed(error: unknown): void
}

export function trackSync(runtime: Pick<Runtime, 'now'>): SyncTracker {
  let status: SyncStatus = { reachable: false, lastSync: undefined, lastError: undefined }
  const seconds = (): number => Math.floor(runtime.now() / 1000)
  return {
    get status() {
      return status
    },
    succeeded(): void {
      status = { ...status, reachable: true, lastSync: seconds() }
    },
    failed(error): void {
      const code = isWimseError(error) ? error.code : 'unexpected'
      status = { ...status, reachable: code === 'ERR_SPIRE_API_REFUSED', lastError: { code, at: seconds() } }
    },
  }
}
