import { describe, expect, it } from 'vitest'
import { type Check, CheckFailure, NotRun } from '../../src/suite/check.ts'
import type { CheckRecord } from '../../src/suite/check-record.ts'
import { type ChosenDriver, runSuite, type SuiteOutcome } from '../../src/suite/run-suite.ts'
import { type FakeDriver, fakeCheck, fakeDriver } from './fake-driver.ts'

const available = { available: true } as const

function run(drivers: readonly ChosenDriver[], checks: readonly Check[], signal = new AbortController().signal): Promise<SuiteOutcome> {
  return runSuite({ drivers, checks, expectedFailures: [], signal, log: () => undefined, printed: () => 'printed' })
}

async function runWith(driver: FakeDriver, checks: readonly Check[], signal?: AbortSignal): Promise<SuiteOutcome> {
  return run([{ driver, availability: available }], checks, signal)
}

function results(records: readonly CheckRecord[]): Record<string, string> {
  return Object.fromEntries(records.map(({ id, result, reason }) => [id, reason === null ? result : `${result}: ${reason}`]))
}

describe('runSuite', () => {
  it('runs the phases of a world in order, the checks of one phase side by side', async () => {
    const events: string[] = []
    const waiting: (() => void)[] = []
    const together = (id: string): Check =>
      fakeCheck(id, {
        run: () =>
          new Promise((resolve) => {
            events.push(id)
            waiting.push(() => resolve({}))
            if (waiting.length === 2) for (const go of waiting) go()
          }),
      })
    const late = fakeCheck('late', {
      phase: 7,
      async run() {
        events.push('late')
        return {}
      },
    })
    const { records } = await runWith(fakeDriver(), [late, together('a'), together('b')])
    expect(events).toEqual(['a', 'b', 'late'])
    expect(results(records)).toEqual({ late: 'passed', a: 'passed', b: 'passed' })
  })

  it('starts a world only for checks that need it, and stops each before the driver closes', async () => {
    const driver = fakeDriver()
    await runWith(driver, [fakeCheck('p', { world: 'ec-p384' }), fakeCheck('m')])
    expect([...driver.events].sort()).toEqual(['close', 'start ec-p384', 'start main', 'stop ec-p384', 'stop main'])
    expect(driver.events[0]).toBe('start main')
    expect(driver.events.at(-1)).toBe('close')
  })

  it('tells failures, what did not run and faults of a check apart', async () => {
    const checks = [
      fakeCheck('failed', { run: async () => Promise.reject(new CheckFailure('status is 200', { status: 200 })) }),
      fakeCheck('broken', { run: () => Promise.reject(new TypeError('oops')) }),
      fakeCheck('absent', { run: () => Promise.reject(new NotRun('no keys', 'take another driver')) }),
      fakeCheck('passed'),
    ]
    const { records } = await runWith(fakeDriver(), checks)
    expect(results(records)).toEqual({
      failed: 'failed: status is 200',
      broken: 'failed: oops',
      absent: 'not run: no keys',
      passed: 'passed',
    })
    expect(records[0]?.evidence).toEqual({ status: 200 })
    expect(records[2]?.how).toBe('take another driver')
  })

  it('gives no check more time than it has', async () => {
    const { records } = await runWith(fakeDriver(), [fakeCheck('slow', { timeoutMs: 10, run: () => new Promise(() => undefined) })])
    expect(results(records)).toEqual({ slow: 'failed: not within 0.01 s' })
  })

  it('fails every check of a world that does not start', async () => {
    const driver = fakeDriver({ start: async (name) => (name === 'main' ? Promise.reject(new Error('no port')) : undefined) })
    const { records } = await runWith(driver, [fakeCheck('m'), fakeCheck('p', { world: 'ec-p384' })])
    expect(results(records)).toEqual({ m: 'failed: the world did not start: no port', p: 'passed' })
    expect(driver.events).not.toContain('stop main')
  })

  it('does not run the checks of a world that its driver has not, and says how to get it', async () => {
    const driver = fakeDriver({ start: () => Promise.reject(new NotRun('no such keys here', 'run docker')) })
    const { records } = await runWith(driver, [fakeCheck('m')])
    expect(records).toMatchObject([{ result: 'not run', reason: 'no such keys here', how: 'run docker' }])
  })

  it('shows every check of a driver that is not available as not run', async () => {
    const driver = fakeDriver({ name: 'docker' })
    const availability = { available: false, reason: 'no engine', how: 'install one' } as const
    const { records } = await run([{ driver, availability }], [fakeCheck('a'), fakeCheck('b', { world: 'rsa-2048' })])
    expect(records).toMatchObject([
      { id: 'a', driver: 'docker', result: 'not run', reason: 'no engine', how: 'install one' },
      { id: 'b', driver: 'docker', result: 'not run', reason: 'no engine', how: 'install one' },
    ])
    expect(driver.events).toEqual([])
  })

  it('stops a world that is running when it is interrupted, and runs nothing more', async () => {
    const interruption = new AbortController()
    const driver = fakeDriver()
    const hang = fakeCheck('hang', {
      run() {
        interruption.abort()
        return new Promise(() => undefined)
      },
    })
    const { records } = await runWith(
      driver,
      [hang, fakeCheck('next', { phase: 1 }), fakeCheck('other', { world: 'rsa-2048', phase: 1 })],
      interruption.signal,
    )
    expect(results(records)).toEqual({ hang: 'not run: interrupted', next: 'not run: interrupted', other: 'not run: interrupted' })
    expect(driver.events.filter((event) => event.startsWith('start')).length).toBe(
      driver.events.filter((event) => event.startsWith('stop')).length,
    )
    expect(driver.events).toContain('stop main')
  })

  it('stops what a start gives that was interrupted meanwhile', async () => {
    const interruption = new AbortController()
    let asked: AbortSignal | undefined
    const driver = fakeDriver({
      start: async (_name, signal) => {
        asked = signal
        interruption.abort()
      },
    })
    const { records } = await runWith(driver, [fakeCheck('m')], interruption.signal)
    expect(results(records)).toEqual({ m: 'not run: interrupted' })
    expect(asked?.aborted).toBe(true)
    expect(driver.events).toEqual(['start main', 'stop main', 'close'])
  })

  it('tells that a world could not be torn down', async () => {
    const { faults, records } = await runWith(fakeDriver({ stop: () => Promise.reject(new Error('still there')) }), [fakeCheck('m')])
    expect(faults).toEqual(['process main was not torn down: still there'])
    expect(results(records)).toEqual({ m: 'passed' })
  })

  it('hands a check what the suite printed and what the finished ones left', async () => {
    const reader = fakeCheck('reader', {
      phase: 1,
      run: async ({ own }) => Object.fromEntries(own().map(({ name, text }) => [name, text])),
    })
    const { records } = await runWith(fakeDriver(), [fakeCheck('first', { run: async () => ({ left: 'a trace' }) }), reader])
    expect(records[1]?.evidence).toMatchObject({
      'what the suite printed': 'printed',
      'evidence of process': expect.stringContaining('a trace'),
    })
  })
})
