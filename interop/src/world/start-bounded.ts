/**
 * Starts things with at most `limit` at a time. After the first failure nothing more is begun; it rejects with that failure when everything that was
 * begun has ended one way or the other, so that whoever tears down misses nothing.
 */
export async function startBounded<T, R>(items: readonly T[], limit: number, start: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results = new Map<number, R>()
  const failures: unknown[] = []
  const queue = items.entries()
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return
      try {
        results.set(index, await start(item))
      } catch (failure) {
        failures.push(failure)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  if (failures.length > 0) throw failures[0]
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}
