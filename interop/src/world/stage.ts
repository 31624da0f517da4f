import type { SpireDomain, SpireDomainOptions } from '../spire/spire-domain.ts'
import type { DriverName } from '../suite/check.ts'
import type { WorkloadConfig } from '../workload/workload-config.ts'
import type { MissingBroker, RunningBroker } from './broker.ts'

/** Where a driver puts a program before it runs: everything that others have to be told. */
export interface Place {
  /** Host name or address by which programs beside it reach it. */
  readonly host: string
  readonly ports: { readonly first: number; readonly second: number; readonly control: number }
  /** The address to listen at. */
  readonly listen: string
  /** Its directory as the program sees it. */
  readonly directory: string
  /** Its directory as the suite sees it. */
  readonly outside: string
}

/** A program of this repository that a driver runs. */
export interface ProgramSpec {
  /** Path below the repository. */
  readonly script: string
  /** Arguments, with paths as the program sees them. */
  readonly args: readonly string[]
  readonly place: Place
  /** Which of its ports the suite uses; none unless told. */
  readonly reach?: 'control' | 'first'
}

/** A program that runs. */
export interface RunningProgram {
  /** `http://…` by which the suite reaches the control port. */
  readonly control: string
  log(): Promise<string>
  assertAlive(): Promise<void>
  /** Ends it without a goodbye. */
  kill(): Promise<void>
  /** Starts it again with the same arguments, after `kill`; its log goes on. */
  start(): Promise<void>
  /** Stops it where it stands: connections stay, answers don't come. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Memory that it takes now. @throws NotRun where the platform doesn't tell */
  residentBytes(): Promise<number>
}

/** Whether a program runs, or stands still where it was paused. */
export function isAlive({ assertAlive }: Pick<RunningProgram, 'assertAlive'>): Promise<boolean> {
  return assertAlive().then(
    () => true,
    () => false,
  )
}

/** What tells the docker driver from the process driver. */
export interface Stage {
  readonly driver: Exclude<DriverName, 'embedded'>
  startDomain(options: SpireDomainOptions): Promise<SpireDomain>
  /**
   * Makes room for a program: `name` is its own, `alias` the host name under which others know it. What is `published` has a first port that is the same
   * for the suite, on loopback, and for programs beside it.
   */
  place(domain: SpireDomain, name: string, alias: string, published?: boolean): Promise<Place>
  /** What the workload needs of its slot: selectors for the entry, the socket as it sees it. */
  admit(domain: SpireDomain, name: string): Promise<{ readonly selectors: readonly string[]; readonly workloadApi: string }>
  /** Starts a program; `slot` names the workload that it is to SPIRE, absent for infrastructure. */
  run(domain: SpireDomain, spec: ProgramSpec, slot?: string): Promise<RunningProgram>
  /** Starts a broker with JetStream, reachable for the suite on loopback. */
  startBroker(): Promise<RunningBroker | MissingBroker>
  /** Host names that have to be told to callers, since no resolver knows them. */
  addresses(hosts: readonly string[]): WorkloadConfig['addresses']
  readonly environment: {
    readonly spire: { readonly version: string; readonly how: string }
    readonly containerEngine: string | null
    readonly images: readonly string[]
  }
  stop(): Promise<void>
}
