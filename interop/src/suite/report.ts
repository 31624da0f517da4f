import type { WorldEnvironment } from '../world/world.ts'
import type { DriverName, WorldName } from './check.ts'
import type { CheckRecord } from './check-record.ts'
import { type Tally, tally } from './matrix.ts'
import type { ChosenDriver, SuiteOutcome } from './run-suite.ts'

/** What a driver of the run was. */
export interface DriverReport {
  readonly driver: DriverName
  readonly available: boolean
  readonly reason: string | null
  readonly how: string | null
  readonly worlds: readonly (WorldEnvironment & { readonly world: WorldName })[]
}

/** `interop/report/latest.json`, which report.schema.json describes. */
export interface Report {
  readonly version: 1
  readonly startedAt: string
  readonly durationMs: number
  readonly environment: {
    /** That of the first driver that ran, docker before process before embedded; null when none did. */
    readonly spire: WorldEnvironment['spire'] | null
    readonly containerEngine: string | null
    readonly runtime: string
    readonly drivers: readonly DriverReport[]
  }
  readonly summary: { readonly passed: number; readonly failed: number; readonly notRun: number }
  /** What went wrong beside the checks. */
  readonly faults: readonly string[]
  readonly checks: readonly CheckRecord[]
}

export interface ReportInput {
  readonly drivers: readonly ChosenDriver[]
  readonly outcome: SuiteOutcome
  readonly startedAt: Date
  readonly durationMs: number
  /** Such as `Node 24.9.0 on linux x64`. */
  readonly runtime: string
}

export function createReport({ drivers, outcome, startedAt, durationMs, runtime }: ReportInput): Report {
  const { environments, records, faults } = outcome
  const first = environments[0]?.environment
  return {
    version: 1,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(durationMs),
    environment: {
      spire: first?.spire ?? null,
      containerEngine: environments.find(({ environment }) => environment.containerEngine !== null)?.environment.containerEngine ?? null,
      runtime,
      drivers: drivers.map(({ driver: { name }, availability }) => ({
        driver: name,
        available: availability.available,
        reason: availability.available ? null : availability.reason,
        how: availability.available ? null : availability.how,
        worlds: environments.filter(({ driver }) => driver === name).map(({ world, environment }) => ({ world, ...environment })),
      })),
    },
    summary: summaryOf(tally(records)),
    faults,
    checks: records,
  }
}

function summaryOf(counts: Tally): Report['summary'] {
  return { passed: counts.passed, failed: counts.failed, notRun: counts['not run'] }
}

/** 0 when nothing failed that was not expected to, nothing went wrong beside the checks, and something passed. */
export function exitStatusOf({ checks, faults }: Pick<Report, 'checks' | 'faults'>): 0 | 1 {
  const failed = checks.some(({ result, expectedFailure }) => result === 'failed' && expectedFailure === null)
  return failed || faults.length > 0 || !checks.some(({ result }) => result === 'passed') ? 1 : 0
}
