/** The authorities of one kind: the one that signs, and those that are still published. */
export interface AuthorityRing<T> {
  readonly active: T
  /** The active one first, then the prepared one. */
  readonly published: readonly T[]
  /** Publishes the one that the next rotation takes. */
  prepare(): Promise<void>
  /** Signs with the prepared one, or else a new one, from now on; the old ones stay published. */
  rotate(): Promise<void>
  /** Publishes the old ones no more. */
  withdraw(): void
}

export async function createAuthorityRing<T>(make: () => Promise<T>): Promise<AuthorityRing<T>> {
  let active: T = await make()
  let prepared: T | undefined
  let old: readonly T[] = []
  return {
    get active() {
      return active
    },
    get published() {
      return [active, ...(prepared === undefined ? [] : [prepared]), ...old]
    },
    async prepare(): Promise<void> {
      prepared ??= await make()
    },
    async rotate(): Promise<void> {
      const next = prepared ?? (await make())
      prepared = undefined
      old = [active, ...old]
      active = next
    },
    withdraw(): void {
      old = []
    },
  }
}
