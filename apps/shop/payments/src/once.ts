/** Does something once for each name, however often and however often at the same time it is asked: the first result is everybody's. */
export type Once<T> = (name: string, act: () => Promise<T>) => Promise<T>

/**
 * Remembers results by name, the newest `capacity` of them. What failed is forgotten: it may be tried again. A process that ends forgets everything, so that
 * what stands behind `act` has to know the name as well.
 */
export function createOnce<T>(capacity: number): Once<T> {
  const results = new Map<string, Promise<T>>()
  return (name, act) => {
    const known = results.get(name)
    if (known !== undefined) return known
    const result = act()
    results.set(name, result)
    result.catch(() => results.delete(name))
    const [oldest] = results.keys()
    if (results.size > capacity && oldest !== undefined) results.delete(oldest)
    return result
  }
}
