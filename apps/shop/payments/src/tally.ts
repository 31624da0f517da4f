/** Sums by name, each with a most that it may come to. */
export interface Tally {
  /** Adds, unless that would be too much. @returns whether it was added */
  add(name: string, amount: number, atMost: number): boolean
  /** Takes back what came to nothing. */
  takeBack(name: string, amount: number): void
}

/** Keeps the newest `capacity` sums in this process. */
export function createTally(capacity: number): Tally {
  const sums = new Map<string, number>()
  return {
    add(name, amount, atMost) {
      const sum = (sums.get(name) ?? 0) + amount
      if (sum > atMost) return false
      sums.set(name, sum)
      const [oldest] = sums.keys()
      if (sums.size > capacity && oldest !== undefined) sums.delete(oldest)
      return true
    },
    takeBack(name, amount) {
      const sum = sums.get(name)
      if (sum !== undefined) sums.set(name, sum - amount)
    },
  }
}
