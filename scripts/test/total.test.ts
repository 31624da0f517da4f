import { describe, expect, it } from 'vitest'
import { totalCounts } from '../gates/total.ts'
import { countTests } from '../gates/vitest-step.ts'

describe('closing line', () => {
  it('adds steps and tests', () => {
    const total = totalCounts([
      { outcome: 'passed' },
      { outcome: 'skipped' },
      { outcome: 'failed' },
      { outcome: 'failed', counts: { passed: 5, failed: 2, skipped: 1 } },
    ])
    expect(total).toEqual({ passed: 6, failed: 3, skipped: 2 })
  })

  it('counts a step that failed after its last test as one failure', () => {
    expect(totalCounts([{ outcome: 'failed', counts: { passed: 5, failed: 0, skipped: 0 } }])).toEqual({ passed: 5, failed: 1, skipped: 0 })
  })

  it('counts a test file that could not be loaded as one failed test', () => {
    const testResults = [
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{}] },
    ]
    const report = { numPassedTests: 1, numFailedTests: 0, numPendingTests: 1, numTodoTests: 1, testResults }
    expect(countTests(report)).toEqual({ passed: 1, failed: 1, skipped: 2 })
  })
})
