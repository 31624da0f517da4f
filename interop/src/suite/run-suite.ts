import type { Availability, Driver } from '../world/driver.ts'
import type { WorldEnvironment } from '../world/world.ts'
import type { Check, DriverName, WorldName } from './check.ts'
import { type CheckRecord, notRun, worldOf } from './check-record.ts'
import { describeFailure } from './describe-failure.ts'
import { type ExpectedFailure, judgeExpectation } from './expected-failures.ts'
import { mapBounded } from './map-bounded.ts'
import { runWorld } from './run-world.ts'

/** `false` runs one driver after the other, for machines where two sets of SPIRE servers are too much. */
const DRIVERS_SIDE_BY_SIDE: boolean = true
/** Worlds of one driver that run at the same time. */
const WORLDS_AT_A_TIME = 2

/** One driver and whether it can run. */
export interface ChosenDriver {
  readonly driver: Driver
  readonly availability: Availability
}

export interface SuiteRun {
  readonly drivers: readonly ChosenDriver[]
  readonly checks: readonly Check[]
  readonly expectedFailures: readonly ExpectedFailure[]
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  /** What the suite has printed so far. */
  readonly printed: () => string
}

/** What came of all of it. */
export interface SuiteOutcome {
  /** In the order of drivers and checks. */
  readonly records: readonly CheckRecord[]
  readonly environments: readonly { readonly driver: DriverName; readonly world: WorldName; readonly environment: WorldEnvironment }[]
  readonly faults: readonly string[]
}

/** Runs every check with every driver. Never throws. */
export async function runSuite(run: SuiteRun): Promise<SuiteOutcome> {
  const outcomes = await mapBounded(run.drivers, DRIVERS_SIDE_BY_SIDE ? run.drivers.length : 1, (chosen) => runDriver(chosen, run))
  return {
    records: outcomes.flatMap(({ records }) => records),
    environments: outcomes.flatMap(({ environments }) => environments),
    faults: outcomes.flatMap(({ faults }) => faults),
  }
}

async function runDriver({ driver, availability }: ChosenDriver, run: SuiteRun): Promise<SuiteOutcome> {
  const { checks, signal, log, printed } = run
  if (!availability.available) {
    const { reason, how } = availability
    return { records: checks.map((check) => notRun(check, driver.name, reason, how)), environments: [], faults: [] }
  }
  const records = new Map<string, CheckRecord>()
  const done = (record: CheckRecord): void => {
    const judged = judgeExpectation(record, run.expectedFailures)
    records.set(judged.id, judged)
    log(progressLine(judged))
  }
  const own = (): readonly { name: string; text: string }[] => [
    { name: 'what the suite printed', text: printed() },
    { name: `evidence of ${driver.name}`, text: JSON.stringify([...records.values()]) },
  ]
  // The main world takes longest, so it is named first and the others fit beside it, the longest of them first.
  const rank = (name: WorldName): number => (name === 'main' ? 0 : name === 'shop' ? 1 : 2)
  const worldNames = [...new Set(checks.map(worldOf))].sort((a, b) => rank(a) - rank(b))
  const outcomes = await mapBounded(worldNames, WORLDS_AT_A_TIME, async (worldName) => {
    const due = checks.filter((check) => worldOf(check) === worldName)
    return { worldName, ...(await runWorld({ driver, worldName, checks: due, signal, log, done, own })) }
  })
  const faults = outcomes.flatMap((outcome) => outcome.faults)
  try {
    await driver.close?.()
  } catch (failure) {
    faults.push(`${driver.name} did not close: ${describeFailure(failure)}`)
  }
  return {
    records: checks.flatMap(({ id }) => records.get(id) ?? []),
    environments: outcomes.flatMap(({ worldName, environment }) =>
      environment === undefined ? [] : [{ driver: driver.name, world: worldName, environment }],
    ),
    faults,
  }
}

/** `docker single-hop.wpt.replayed passed 12 ms`. */
export function progressLine({ driver, id, result, durationMs, reason, how }: CheckRecord): string {
  const why = reason === null ? '' : `: ${reason}${how === null ? '' : ` (${how})`}`
  return result === 'not run' ? `${driver} ${id} not run${why}` : `${driver} ${id} ${result} ${durationMs} ms${why}`
}
