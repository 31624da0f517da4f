import { describe, expect, it } from 'vitest'
import { type CheckOutcome, recordOf } from '../../src/suite/check-record.ts'
import { judgeExpectation } from '../../src/suite/expected-failures.ts'
import { closingLine, formatMatrix, matrixOf, tally } from '../../src/suite/matrix.ts'
import { exitStatusOf } from '../../src/suite/report.ts'
import { progressLine } from '../../src/suite/run-suite.ts'
import { fakeCheck } from './fake-driver.ts'

const passed: CheckOutcome = { result: 'passed', reason: null, durationMs: 12.4 }
const failed: CheckOutcome = { result: 'failed', reason: 'status is 200', durationMs: 3 }
const absent: CheckOutcome = { result: 'not run', reason: 'no keys', how: 'run docker', durationMs: 0 }
const wpt = fakeCheck('single-hop.wpt.accepted')
const replayed = fakeCheck('single-hop.wpt.replayed', { kind: 'attack' })

describe('progressLine', () => {
  it.each([
    [passed, 'docker single-hop.wpt.accepted passed 12 ms'],
    [failed, 'docker single-hop.wpt.accepted failed 3 ms: status is 200'],
    [absent, 'docker single-hop.wpt.accepted not run: no keys (run docker)'],
  ])('is %#', (outcome, line) => {
    expect(progressLine(recordOf(wpt, 'docker', outcome))).toBe(line)
  })
})

describe('judgeExpectation', () => {
  const expectations = [{ id: wpt.id, driver: 'docker', reason: 'known' } as const]

  it('marks an expected failure, which then does not fail the run', () => {
    const judged = judgeExpectation(recordOf(wpt, 'docker', failed), expectations)
    expect(judged).toMatchObject({ result: 'failed', expectedFailure: 'known' })
    expect(exitStatusOf({ checks: [judged, recordOf(replayed, 'docker', passed)], faults: [] })).toBe(0)
  })

  it('turns an unexpected pass into a failure', () => {
    const judged = judgeExpectation(recordOf(wpt, 'docker', passed), expectations)
    expect(judged).toMatchObject({ result: 'failed', expectedFailure: null })
    expect(exitStatusOf({ checks: [judged], faults: [] })).toBe(1)
  })

  it.each([[recordOf(wpt, 'process', failed)], [recordOf(replayed, 'docker', failed)], [recordOf(wpt, 'docker', absent)]])(
    'leaves others alone %#',
    (record) => {
      expect(judgeExpectation(record, expectations)).toBe(record)
    },
  )
})

describe('exitStatusOf', () => {
  it.each([
    [[passed], [], 0],
    [[passed, absent], [], 0],
    [[passed, failed], [], 1],
    [[absent], [], 1],
    [[], [], 1],
    [[passed], ['a world is still there'], 1],
  ] as const)('%#', (outcomes, faults, status) => {
    expect(exitStatusOf({ checks: outcomes.map((outcome) => recordOf(wpt, 'docker', outcome)), faults })).toBe(status)
  })
})

describe('the matrix', () => {
  const records = [
    recordOf(replayed, 'process', failed),
    recordOf(wpt, 'process', passed),
    recordOf(fakeCheck('single-hop.mutual-tls.accepted'), 'process', passed),
    recordOf(wpt, 'docker', absent),
    recordOf(replayed, 'docker', absent),
  ]

  it('has a row for each family and kind, and a column for each driver', () => {
    expect(formatMatrix(matrixOf(records))).toEqual([
      `${' '.repeat(34)}docker     process`,
      'single-hop  wpt         positive  1 not run  1 passed',
      'single-hop  wpt         attack    1 not run  1 failed',
      'single-hop  mutual-tls  positive  -          1 passed',
    ])
  })

  it('ends in the closing line', () => {
    expect(closingLine(tally(records))).toBe('interop: 2 passed, 1 failed, 2 not run')
  })
})
