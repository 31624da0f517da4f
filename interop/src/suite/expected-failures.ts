import type { DriverName } from './check.ts'
import type { CheckRecord } from './check-record.ts'

/** A check that is known to fail, and why. It stays `failed` in the report; it alone does not fail the run. */
export interface ExpectedFailure {
  readonly id: string
  /** With every driver unless told. */
  readonly driver?: DriverName
  readonly reason: string
}

/** The list. A check on it that passes fails the run: the entry has to go. */
export const expectedFailures: readonly ExpectedFailure[] = []

/** Marks a failure that is expected; turns a pass that is not into a failure. */
export function judgeExpectation(record: CheckRecord, expectations: readonly ExpectedFailure[]): CheckRecord {
  const expected = expectations.find(({ id, driver }) => id === record.id && (driver === undefined || driver === record.driver))
  if (expected === undefined || record.result === 'not run') return record
  if (record.result === 'failed') return { ...record, expectedFailure: expected.reason }
  return { ...record, result: 'failed', reason: `passed, though it is on the list of expected failures: ${expected.reason}` }
}
