import type { EntryOptions, SpireDomain } from '../spire/spire-domain.ts'

/** What a program is registered as: taken away, it gets nothing new and keeps what it has. */
export interface Registration {
  register(): Promise<void>
  unregister(): Promise<void>
}

/**
 * Registers programs with SPIRE: once for its agent, which gives X.509- and JWT-SVIDs, and once for the WIT agent, under which WIT-SVIDs are minted.
 * The latter goes by identifier: one entry serves everybody who has it, and whoever unregisters one of them takes it from all.
 */
export function createRegistrar(): (domain: SpireDomain, witAgent: string, entry: EntryOptions) => Registration {
  const minted = new Map<string, Promise<string>>()
  return (domain, witAgent, entry) => {
    const create = async (parent: Pick<EntryOptions, 'parentId'>): Promise<string> => (await domain.createEntry({ ...entry, ...parent })).id
    let own: string | undefined
    return {
      async register() {
        const shared = minted.get(entry.spiffeId) ?? create({ parentId: witAgent })
        minted.set(entry.spiffeId, shared)
        own ??= await create({})
        await shared
      },
      async unregister() {
        const shared = minted.get(entry.spiffeId)
        minted.delete(entry.spiffeId)
        if (shared !== undefined) await domain.deleteEntry(await shared)
        if (own !== undefined) await domain.deleteEntry(own)
        own = undefined
      },
    }
  }
}
