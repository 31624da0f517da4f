import type { Runtime } from '@wimse/core'
import type { WitCredential } from '@wimse/wit'
import type { WorkloadSource } from '@wimse/workload/node'
import { currentHop } from './hop-log.ts'

type WitSource = NonNullable<WorkloadSource['wit']>

/** A WIT that ends sooner isn't held on to. */
const LEAST_REMAINING_MS = 5000

/**
 * While one request is handled, one key: access tokens and grants are bound to the key of the WIT that they were asked for with, and a WIT that
 * rotates between that and their use would make them worthless. Between requests, and outside of them, it is the newest.
 */
export function keyOfRequest(source: WitSource, runtime: Pick<Runtime, 'now'>): WitSource {
  const held = new WeakMap<object, WitCredential>()
  return {
    current() {
      // Asked first: a credential that was withdrawn is used by nobody any more.
      const newest = source.current()
      const hop = currentHop()
      if (hop === undefined) return newest
      const first = held.get(hop)
      if (first !== undefined && first.expiresAt * 1000 - runtime.now() > LEAST_REMAINING_MS) return first
      held.set(hop, newest)
      return newest
    },
    onRotate: (listener) => source.onRotate(listener),
    ready: (waiting) => source.ready(waiting),
    close: () => source.close(),
  }
}
