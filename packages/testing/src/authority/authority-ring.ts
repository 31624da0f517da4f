/** The authorities of one kind: the one that signs, and those that are still published. */
export interface AuthorityRing<T> {
  readonly active: T
  /** The active one first. */
  readonly published: readonly T[]
  /** Signs with a new one from now on; the old ones stay published. */
  rotate(): Promise<void>
  /** Publishes nothing but the active one any more. */
  withdraw(): void
}

export async function createAuthorityRing<T>(make: () => Promise<T>): Promise<AuthorityRing<T>> {
  let active = await make()
  let old: readonly T[] = []
  return {
    get active() {
      return active
    },
    get published() {
      return [active, ...old]
    },
    async rotate(): Promise<void> {
      const next = await make()
      old = [active, ...old]
      active = next
    },
    withdraw(): void {
      old = []
    },
  }
}
