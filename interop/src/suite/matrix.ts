import type { ScenarioName } from './check.ts'
import type { CheckRecord, CheckResult } from './check-record.ts'
import { DRIVER_NAMES, SCENARIO_NAMES } from './command-line.ts'

const KINDS: readonly string[] = ['positive', 'attack', 'fault']
const RESULTS: readonly CheckResult[] = ['passed', 'failed', 'not run']

/** How many of each result there are. */
export type Tally = Readonly<Record<CheckResult, number>>

export function tally(records: readonly CheckRecord[]): Tally {
  const count = (result: CheckResult): number => records.filter((record) => record.result === result).length
  return { passed: count('passed'), failed: count('failed'), 'not run': count('not run') }
}

/** One row: the checks of a scenario that are about the same proof or topic and of the same kind. */
export interface MatrixRow {
  readonly scenario: ScenarioName
  readonly family: string
  readonly kind: string
  readonly cells: readonly Tally[]
}

export interface Matrix {
  readonly drivers: readonly string[]
  readonly rows: readonly MatrixRow[]
}

export function matrixOf(records: readonly CheckRecord[]): Matrix {
  const drivers = DRIVER_NAMES.filter((name) => records.some(({ driver }) => driver === name))
  const groups = Map.groupBy(records, ({ scenario, id, kind }) => JSON.stringify([scenario, familyOf(id), kind]))
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const cells = drivers.map((driver) => tally(group.filter((record) => record.driver === driver)))
    return [{ scenario: first.scenario, family: familyOf(first.id), kind: first.kind, cells }]
  })
  const families = [...new Set(rows.map(({ family }) => family))]
  const rank = ({ scenario, family, kind }: MatrixRow): readonly number[] => [
    SCENARIO_NAMES.indexOf(scenario),
    families.indexOf(family),
    KINDS.indexOf(kind),
  ]
  return { drivers, rows: rows.sort((a, b) => compare(rank(a), rank(b))) }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}

/** `wpt` of `single-hop.wpt.replayed`. */
function familyOf(id: string): string {
  return id.split('.')[1] ?? id
}

/** `3 passed, 1 failed`. */
export function formatTally(counts: Tally): string {
  const parts = RESULTS.filter((result) => counts[result] > 0).map((result) => `${counts[result]} ${result}`)
  return parts.length === 0 ? '-' : parts.join(', ')
}

/** The matrix as lines of text. */
export function formatMatrix({ drivers, rows }: Matrix): readonly string[] {
  const table = [
    ['', '', '', ...drivers],
    ...rows.map(({ scenario, family, kind, cells }) => [scenario, family, kind, ...cells.map(formatTally)]),
  ]
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** The last line of a run. */
export function closingLine(counts: Tally): string {
  return `interop: ${counts.passed} passed, ${counts.failed} failed, ${counts['not run']} not run`
}
