/** Maps with at most `limit` at a time; results in the order of the items. The mapping must not throw for the rest to run. */
export async function mapBounded<T, R>(items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results = new Map<number, R>()
  const queue = items.entries()
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) results.set(index, await map(item))
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, work))
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}
