/**
 * Handles what comes, `slots` at a time, and takes the next one only when a slot is free: what waits longer than it has to is not waited for here.
 *
 * @throws what the source throws, or the first failure of `handle`
 */
export async function workThrough<T>(source: AsyncIterable<T>, slots: number, handle: (item: T) => Promise<void>): Promise<void> {
  const busy = new Set<Promise<void>>()
  for await (const item of source) {
    const work = handle(item).finally(() => busy.delete(work))
    busy.add(work)
    if (busy.size >= slots) await Promise.race(busy)
  }
  await Promise.all(busy)
}
