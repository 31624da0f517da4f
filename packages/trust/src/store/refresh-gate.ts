/** Lets one thing happen at a time for each key, and no more often than once per cooldown. Who comes while it happens shares it. */
export interface RefreshGate<K> {
  /** The result of `step`, of the one that runs already, or undefined within the cooldown. */
  run(key: K, step: () => Promise<boolean>): Promise<boolean | undefined>
}

/** Makes a gate. Keys are kept forever: they have to come from configuration, not from messages. */
export function createRefreshGate<K>(cooldownSeconds: number, now: () => number): RefreshGate<K> {
  const last = new Map<K, { readonly startedAt: number; readonly running: Promise<boolean> | undefined }>()
  return {
    async run(key, step) {
      const before = last.get(key)
      if (before?.running !== undefined) return before.running
      const startedAt = now()
      if (before !== undefined && startedAt < before.startedAt + cooldownSeconds * 1000) return undefined
      const running = step()
      last.set(key, { startedAt, running })
      try {
        return await running
      } finally {
        last.set(key, { startedAt, running: undefined })
      }
    },
  }
}
