import type { Check, CheckKind, DriverName, Evidence, ScenarioName, WorldName } from './check.ts'

export type CheckResult = 'passed' | 'failed' | 'not run'

/** What came of one check with one driver: an entry of the report. */
export interface CheckRecord {
  readonly id: string
  readonly title: string
  readonly scenario: ScenarioName
  readonly driver: DriverName
  readonly world: WorldName
  readonly kind: CheckKind
  readonly result: CheckResult
  /** Why it failed or did not run. */
  readonly reason: string | null
  /** How to get it run. */
  readonly how: string | null
  /** The reason in the list of expected failures, where it is on it. */
  readonly expectedFailure: string | null
  readonly requirements: readonly string[]
  readonly durationMs: number
  readonly evidence: Evidence
}

export type CheckOutcome = Pick<CheckRecord, 'result' | 'reason' | 'durationMs'> & Partial<Pick<CheckRecord, 'how' | 'evidence'>>

export function worldOf({ world = 'main' }: Check): WorldName {
  return world
}

export function recordOf(check: Check, driver: DriverName, { result, reason, durationMs, how, evidence }: CheckOutcome): CheckRecord {
  const { id, title, scenario, kind, requirements } = check
  return {
    id,
    title,
    scenario,
    driver,
    world: worldOf(check),
    kind,
    result,
    reason,
    how: how ?? null,
    expectedFailure: null,
    requirements,
    durationMs: Math.round(durationMs),
    evidence: evidence ?? {},
  }
}

export function notRun(check: Check, driver: DriverName, reason: string, how: string | null): CheckRecord {
  return recordOf(check, driver, { result: 'not run', reason, how, durationMs: 0 })
}
