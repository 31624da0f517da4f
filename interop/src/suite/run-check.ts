import { type Check, type CheckContext, CheckFailure, DEFAULT_CHECK_TIMEOUT_MS, type DriverName, NotRun } from './check.ts'
import { type CheckRecord, notRun, recordOf } from './check-record.ts'
import { InterruptedError, withDeadline } from './deadline.ts'
import { describeFailure } from './describe-failure.ts'

/** Runs one check, no longer than it may take. Never throws. */
export async function runCheck(check: Check, driver: DriverName, context: CheckContext, signal: AbortSignal): Promise<CheckRecord> {
  if (signal.aborted) return notRun(check, driver, 'interrupted', null)
  const started = performance.now()
  const since = (): number => performance.now() - started
  try {
    const work = Promise.resolve().then(() => check.run(context))
    const evidence = await withDeadline(work, check.timeoutMs ?? DEFAULT_CHECK_TIMEOUT_MS, signal)
    return recordOf(check, driver, { result: 'passed', reason: null, durationMs: since(), evidence })
  } catch (failure) {
    if (failure instanceof InterruptedError) return notRun(check, driver, 'interrupted', null)
    if (failure instanceof NotRun) {
      return recordOf(check, driver, { result: 'not run', reason: failure.message, how: failure.how, durationMs: since() })
    }
    const evidence = failure instanceof CheckFailure ? failure.evidence : {}
    return recordOf(check, driver, { result: 'failed', reason: describeFailure(failure), durationMs: since(), evidence })
  }
}
