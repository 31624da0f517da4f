import { createExpiringEntries, type StoreCapacity } from './expiring-entries.ts'
import type { ReplayEntry, ReplayStore } from './replay-store.ts'

/** Options of {@link inMemoryReplayStore}; its entries are proofs. */
export type InMemoryReplayStoreOptions = StoreCapacity

/** A {@link ReplayStore} in this process, which tells how many proofs it holds. */
export interface InMemoryReplayStore extends ReplayStore {
  readonly size: number
}

/**
 * A bounded store for one process. Recording costs the same however many proofs are live.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function inMemoryReplayStore(options: InMemoryReplayStoreOptions): InMemoryReplayStore {
  const entries = createExpiringEntries(options)
  return {
    get size() {
      return entries.size
    },
    record: (entry: ReplayEntry, now: number) => entries.add(entry, '', now) === undefined,
  }
}
