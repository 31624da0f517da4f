import type { Driver } from './driver.ts'
import { startEmbeddedWorld } from './embedded-world.ts'
import { planOf } from './sample-world.ts'

/** No SPIRE: the testing authority and its Workload API in this process, the workloads as processes. Runs wherever Node does. */
export function createEmbeddedDriver(): Driver {
  return {
    name: 'embedded',
    availability: async () => ({ available: true }),
    start: (name, log, _signal, options) => startEmbeddedWorld(name, planOf(name, options), log),
  }
}
