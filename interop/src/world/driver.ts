import type { DriverName, WorldName } from '../suite/check.ts'
import type { World } from './world.ts'

/** Whether a driver can run here; if not, why, and how to get it. */
export type Availability = { readonly available: true } | { readonly available: false; readonly reason: string; readonly how: string }

/** What of a world is started. */
export interface StartOptions {
  /** Its services and nobody whom the suite tells what to do. */
  readonly servicesOnly?: boolean
  /** Lifetime of credentials that are to end while somebody looks on; a minute unless told. */
  readonly briefTtlSeconds?: number
}

/** A way to run worlds. */
export interface Driver {
  readonly name: DriverName
  /** Asked once, one driver after the other, so that what one had to build is there for the next. */
  availability(log: (line: string) => void): Promise<Availability>
  /**
   * Starts a world; what was started is gone again when this fails, or when `signal` aborts it. Worlds are started side by side.
   * A driver that is available and fails here is a failure of every check of that world, unless it throws `NotRun`.
   */
  start(worldName: WorldName, log: (line: string) => void, signal: AbortSignal, options?: StartOptions): Promise<World>
  /** Releases what its worlds share; called once, after the last world has stopped. */
  close?(): Promise<void>
}
