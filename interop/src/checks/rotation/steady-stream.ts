import type { PeerStatus, StreamReport } from '../../world/control-protocol.ts'
import type { World } from '../../world/world.ts'
import { proofs, scenes, urlOf } from '../scene.ts'

/** About ten calls a second, through every proof to both callees in turn. */
const INTERVAL_MS = 100

/** The stream of calls of one world. */
export interface SteadyStream {
  /** How orders was when it began. */
  readonly begun: PeerStatus
  /** Ends it, once; every call gives the same report. */
  stop(): Promise<StreamReport>
}

const streams = new WeakMap<World, Promise<SteadyStream>>()

/** The stream of a world; the first check that asks begins it. */
export function steadyStream(world: World): Promise<SteadyStream> {
  const running = streams.get(world) ?? begin(world)
  streams.set(world, running)
  return running
}

async function begin(world: World): Promise<SteadyStream> {
  const orders = world.workload('orders')
  const begun = await orders.status()
  const calls = scenes.flatMap(({ callee }) => proofs.map(({ name }) => ({ to: urlOf(world, callee), proof: name })))
  await orders.startStream({ calls, intervalMs: INTERVAL_MS })
  let report: Promise<StreamReport> | undefined
  return {
    begun,
    stop(): Promise<StreamReport> {
      report ??= orders.stopStream()
      return report
    },
  }
}
