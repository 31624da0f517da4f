import type { WimseError } from '@wimse/core'
import {
  createTestAuthority,
  createTestRuntime,
  type FakeIdentity,
  type FakeWorkloadApi,
  type FakeWorkloadApiOptions,
  startFakeWorkloadApi,
  type TestAuthority,
  type TestRuntime,
  type WorkloadApiListen,
} from '@wimse/testing'
import { openWorkloadApi, type Watcher, type WatchFailure, type WatchOptions, type WorkloadApi } from '../src/index.ts'

/** A workload of `shop.example` with its Workload API, on a clock of its own. */
export interface Harness {
  readonly runtime: TestRuntime
  readonly authority: TestAuthority
  readonly fake: FakeWorkloadApi
  readonly api: WorkloadApi
  close(): Promise<void>
}

export const ORDERS = 'spiffe://shop.example/orders'
export const orders: FakeIdentity = { identifier: ORDERS, hint: 'internal' }

export async function startHarness(
  options: Partial<Omit<FakeWorkloadApiOptions, 'authority'>> & { readonly listen?: WorkloadApiListen } = {},
): Promise<Harness> {
  const runtime = createTestRuntime({ seed: 1 })
  const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const fake = await startFakeWorkloadApi({ identities: [orders], ...options, authority })
  const api = openWorkloadApi({ address: fake.address, runtime })
  return {
    runtime,
    authority,
    fake,
    api,
    async close() {
      api.close()
      await fake.close()
    },
  }
}

/** What a watch brings, one after the other. */
export interface Watched<T> {
  update(): Promise<T>
  failure(): Promise<WatchFailure>
  /** Settles when the watch ends: undefined, or what it rejected with. */
  readonly ended: Promise<WimseError | undefined>
  stop(): void
}

export function follow<T>(
  api: WorkloadApi,
  watch: (api: WorkloadApi, watcher: Watcher<T>, options: WatchOptions) => Promise<void>,
): Watched<T> {
  const stopping = new AbortController()
  const updates = createQueue<T>()
  const failures = createQueue<WatchFailure>()
  const ended = watch(api, { onUpdate: updates.push, onFailure: failures.push }, { signal: stopping.signal }).then(
    () => undefined,
    (error: WimseError) => error,
  )
  return { update: updates.next, failure: failures.next, ended, stop: () => stopping.abort() }
}

/** A list that is waited for. */
export function createQueue<T>(): { push(item: T): void; next(): Promise<T> } {
  const items: T[] = []
  const waiting: ((item: T) => void)[] = []
  return {
    push(item) {
      const take = waiting.shift()
      if (take === undefined) items.push(item)
      else take(item)
    },
    next: () =>
      new Promise((resolve) => {
        const [item] = items.splice(0, 1)
        if (item === undefined) waiting.push(resolve)
        else resolve(item)
      }),
  }
}
