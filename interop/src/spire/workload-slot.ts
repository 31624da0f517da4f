/** A place that a workload runs in and that SPIRE can tell apart from the others. */
export type WorkloadSlot = ProcessSlot | ContainerSlot

interface Slot {
  readonly name: string
  /** For the entry, `type:value`. */
  readonly selectors: readonly string[]
  /** `SPIFFE_ENDPOINT_SOCKET` as the workload sees it. */
  readonly workloadApi: string
}

/** A process: told apart by its user where the suite can switch users, by the path of its executable where it can't. */
export interface ProcessSlot extends Slot {
  readonly kind: 'process'
  readonly uid?: number
  readonly gid?: number
  /** The program of the workload, Node unless asked otherwise, to be started by this very path. */
  readonly executable: string
  /** Only this slot's user can write here. */
  readonly directory: string
}

/** A container: told apart by its labels. */
export interface ContainerSlot extends Slot {
  readonly kind: 'container'
  readonly labels: Readonly<Record<string, string>>
  readonly network: string
  readonly binds: readonly { readonly source: string; readonly target: string; readonly mode: 'ro' | 'rw' }[]
}

/** Splits `type:value` as SPIRE does: at the first colon. */
export function parseSelector(selector: string): { readonly type: string; readonly value: string } {
  const colon = selector.indexOf(':')
  if (colon <= 0) throw new TypeError('a selector is written type:value')
  return { type: selector.slice(0, colon), value: selector.slice(colon + 1) }
}
