import { isWimseError, type Runtime } from '@wimse/core'

/** How the last rounds with the SPIRE server went. Times are seconds since the epoch. */
export interface SyncStatus {
  /** Whether the server has answered in the last round, well or not. */
  readonly reachable: boolean
  /** Whether the last round went well as a whole. */
  readonly synchronized: boolean
  readonly lastSync: number | undefined
  readonly lastError: { readonly code: string; readonly at: number } | undefined
}

/** Keeps the {@link SyncStatus}. */
export interface SyncTracker {
  readonly status: SyncStatus
  succeeded(): void
  failed(error: unknown): void
}

/** Failures that only a server which answers can cause. */
const ANSWERED: readonly string[] = [
  'ERR_SPIRE_API_ARGUMENT',
  'ERR_SPIRE_API_MALFORMED',
  'ERR_SPIRE_API_REFUSED',
  'ERR_SPIRE_API_UNIMPLEMENTED',
  'ERR_WIT_AGENT_NOT_ENTITLED',
]

export function trackSync(runtime: Pick<Runtime, 'now'>): SyncTracker {
  let status: SyncStatus = { reachable: false, synchronized: false, lastSync: undefined, lastError: undefined }
  const seconds = (): number => Math.floor(runtime.now() / 1000)
  return {
    get status() {
      return status
    },
    succeeded(): void {
      status = { ...status, reachable: true, synchronized: true, lastSync: seconds() }
    },
    failed(error): void {
      const code = isWimseError(error) ? error.code : 'unexpected'
      status = { ...status, reachable: ANSWERED.includes(code), synchronized: false, lastError: { code, at: seconds() } }
    },
  }
}
