import type { StepCounts, StepResult } from './step.ts'

/**
 * The numbers of the closing line: a step with tests of its own counts by them, any other step counts as one. A step with tests that
 * failed without a failed test (a crash after the last one) counts as one failure.
 */
export function totalCounts(results: readonly StepResult[]): StepCounts {
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const { outcome, counts } of results) {
    if (counts === undefined) {
      total[outcome] += 1
      continue
    }
    total.passed += counts.passed
    total.failed += outcome === 'failed' ? Math.max(counts.failed, 1) : counts.failed
    total.skipped += counts.skipped
  }
  return total
}
