import { findNatsServer, startNatsServer } from '@wimse/message-nats/testing'
import type { Broker } from './world.ts'

/** A broker that a driver runs for its world. */
export interface RunningBroker extends Broker {
  /** `nats://…` as the programs of the world reach it. */
  readonly forPrograms: string
  stop(): Promise<void>
}

/** Why a world has no broker, and how to get one. */
export interface MissingBroker {
  readonly missing: string
  readonly how: string
}

export const HOW_TO_GET_NATS =
  'install nats-server, which Debian has, or name it by WIMSE_NATS_SERVER; an engine that can pull nats:2 does as well'

/** Starts a broker with JetStream on loopback: a process, or a container that has the network of this machine. */
export async function startLocalBroker(): Promise<RunningBroker | MissingBroker> {
  const found = await findNatsServer()
  if ('missing' in found) return { missing: found.missing, how: HOW_TO_GET_NATS }
  const { url, kill, start, pause, resume, close } = await startNatsServer()
  return { url, forPrograms: url, kill, start, pause, resume, stop: close }
}

/** Where the programs of a world find its broker, if there is one. */
export function addressOf(broker: RunningBroker | MissingBroker | undefined): string | undefined {
  return broker === undefined || 'missing' in broker ? undefined : broker.forPrograms
}
