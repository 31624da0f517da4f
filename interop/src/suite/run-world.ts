import type { Driver } from '../world/driver.ts'
import type { World, WorldEnvironment } from '../world/world.ts'
import { type Check, NotRun, type WorldName } from './check.ts'
import { type CheckRecord, notRun, recordOf } from './check-record.ts'
import { withDeadline } from './deadline.ts'
import { describeFailure } from './describe-failure.ts'
import { mapBounded } from './map-bounded.ts'
import { runCheck } from './run-check.ts'

/** Checks of one phase that run side by side. */
const CHECKS_AT_A_TIME = 4
const START_TIMEOUT_MS = 240_000
const STOP_TIMEOUT_MS = 60_000

/** What running needs of the suite around it. */
export interface WorldRun {
  readonly driver: Driver
  readonly worldName: WorldName
  readonly checks: readonly Check[]
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  /** Hears of each check as it ends. */
  readonly done: (record: CheckRecord) => void
  readonly own: () => readonly { readonly name: string; readonly text: string }[]
}

/** What came of one world. */
export interface WorldOutcome {
  readonly environment: WorldEnvironment | undefined
  /** What should be known of it beside the checks: that it could not be torn down, for instance. */
  readonly faults: readonly string[]
}

/** Starts a world, runs its checks phase by phase, and tears it down whatever happens. Never throws. */
export async function runWorld(run: WorldRun): Promise<WorldOutcome> {
  const { driver, worldName, checks, signal, log, done } = run
  const leaveOut = (reason: string, how: string | null): void => {
    for (const check of checks) done(notRun(check, driver.name, reason, how))
  }
  if (signal.aborted) {
    leaveOut('interrupted', null)
    return { environment: undefined, faults: [] }
  }
  const started = performance.now()
  log(`${driver.name} ${worldName}: starting`)
  let world: World
  try {
    world = await startWorld(run)
  } catch (failure) {
    if (signal.aborted) leaveOut('interrupted', null)
    else if (failure instanceof NotRun) leaveOut(failure.message, failure.how)
    else {
      const reason = `the world did not start: ${describeFailure(failure)}`
      for (const check of checks) done(recordOf(check, driver.name, { result: 'failed', reason, durationMs: 0 }))
    }
    return { environment: undefined, faults: [] }
  }
  log(`${driver.name} ${worldName}: started in ${seconds(started)} s`)
  const faults: string[] = []
  try {
    await runPhases(run, world)
  } finally {
    try {
      await withDeadline(world.stop(), STOP_TIMEOUT_MS)
      log(`${driver.name} ${worldName}: stopped`)
    } catch (failure) {
      faults.push(`${driver.name} ${worldName} was not torn down: ${describeFailure(failure)}`)
    }
  }
  return { environment: world.environment, faults }
}

/** A start that takes too long, or is interrupted, is told so by its signal; what it gives all the same is stopped. */
async function startWorld({ driver, worldName, signal, log }: WorldRun): Promise<World> {
  const giveUp = new AbortController()
  const starting = Promise.resolve().then(() =>
    driver.start(worldName, (line) => log(`${driver.name} ${worldName}: ${line}`), AbortSignal.any([signal, giveUp.signal])),
  )
  try {
    return await withDeadline(starting, START_TIMEOUT_MS, signal)
  } catch (failure) {
    giveUp.abort()
    const late = starting.then(
      (world) => world.stop(),
      () => undefined,
    )
    await withDeadline(late, STOP_TIMEOUT_MS).catch(() => undefined)
    throw failure
  }
}

async function runPhases({ driver, checks, signal, log, done, own }: WorldRun, world: World): Promise<void> {
  const phases = [...new Set(checks.map(({ phase = 0 }) => phase))].sort((a, b) => a - b)
  for (const phase of phases) {
    const due = checks.filter((check) => (check.phase ?? 0) === phase)
    await mapBounded(due, CHECKS_AT_A_TIME, async (check) => {
      const context = { world, log: (line: string) => log(`${driver.name} ${check.id}: ${line}`), own }
      done(await runCheck(check, driver.name, context, signal))
    })
  }
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1)
}
