import type { Runtime, WorkloadIdentifier } from '@wimse/core'
import type { OperatorLog } from '@wimse/program'
import type { RegistrationEntry } from '@wimse/spire-api'

/** The entries that this node may issue for, as the server gave them last. */
export interface EntryCache {
  readonly size: number
  /** Takes the whole set and logs what came, changed and went, by id. */
  replace(entries: readonly RegistrationEntry[]): void
  /**
   * The entry of an identifier: with the hint that was asked for, else the first of {@link compareEntries}. Entries whose end has passed
   * count for nothing.
   */
  find(identifier: WorkloadIdentifier, hint?: string): RegistrationEntry | undefined
}

export function createEntryCache(log: OperatorLog, runtime: Pick<Runtime, 'now'>): EntryCache {
  let byId = new Map<string, RegistrationEntry>()
  let byIdentifier = new Map<string, readonly RegistrationEntry[]>()
  return {
    get size() {
      return byId.size
    },
    replace(entries): void {
      const next = new Map(entries.map((entry) => [entry.id, entry]))
      const added = [...next.keys()].filter((id) => !byId.has(id))
      const removed = [...byId.keys()].filter((id) => !next.has(id))
      const changed = [...next].filter(([id, entry]) => byId.has(id) && !sameEntry(byId.get(id), entry)).map(([id]) => id)
      byId = next
      byIdentifier = Map.groupBy([...next.values()].sort(compareEntries), ({ spiffeId }) => spiffeId)
      if (added.length + removed.length + changed.length > 0) log.event('entries.changed', { added, changed, removed })
    },
    find(identifier, hint): RegistrationEntry | undefined {
      const now = runtime.now() / 1000
      return byIdentifier
        .get(identifier)
        ?.find((entry) => (entry.expiresAt === 0 || now < entry.expiresAt) && (hint === undefined || entry.hint === hint))
    },
  }
}

/** Entries without a hint first, then by hint, then by id: whatever order the server gives them in, the choice is the same. */
function compareEntries(a: RegistrationEntry, b: RegistrationEntry): number {
  return compareTexts(a.hint, b.hint) || compareTexts(a.id, b.id)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function sameEntry(a: RegistrationEntry | undefined, b: RegistrationEntry): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
