import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  readonly payload: AdapterPayload
  readonly expiresAt: number
}

/** Sessions, interactions and codes that are kept at most; beyond that the oldest go. */
export const MAX_ENTRIES = 10_000

/**
 * Where the provider keeps sessions, interactions, grants and codes: the memory of this process, which is right for one instance whose users may
 * have to sign in again when it restarts. Nothing is read after its end.
 */
export function createMemoryAdapter(now: () => number = Date.now): AdapterFactory {
  const entries = new Map<string, Entry>()
  const live = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key)
    if (entry !== undefined && entry.expiresAt > now()) return entry.payload
    entries.delete(key)
    return undefined
  }
  const makeRoom = (): void => {
    for (const [key, { expiresAt }] of entries) if (expiresAt <= now()) entries.delete(key)
    for (const key of entries.keys()) {
      if (entries.size < MAX_ENTRIES) break
      entries.delete(key)
    }
  }
  return (model): Adapter => ({
    async upsert(id, payload, expiresIn): Promise<void> {
      if (entries.size >= MAX_ENTRIES) makeRoom()
      entries.set(`${model}:${id}`, { payload, expiresAt: expiresIn === undefined ? Number.POSITIVE_INFINITY : now() + expiresIn * 1000 })
    },
    find: async (id) => live(`${model}:${id}`),
    async findByUid(uid) {
      for (const [key, { payload }] of entries) if (key.startsWith(`${model}:`) && payload.uid === uid) return live(key)
      return undefined
    },
    findByUserCode: async () => undefined,
    async consume(id): Promise<void> {
      const payload = live(`${model}:${id}`)
      if (payload !== undefined) payload.consumed = Math.floor(now() / 1000)
    },
    async destroy(id): Promise<void> {
      entries.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId): Promise<void> {
      for (const [key, { payload }] of entries) if (key.startsWith(`${model}:`) && payload.grantId === grantId) entries.delete(key)
    },
  })
}
