import { describe, expect, it } from 'vitest'
import { formatLoad, type LoadResult, reachesGoals } from '../load-benchmark.ts'
import { intendedAt, limitPerSecond, median, percentile, rawMicrosecondsOf } from '../load-figures.ts'
import { type LoadClock, measureLatencies, measureRate, type PreparedCall } from '../load-generator.ts'

const raw = { verification: 65, signature: 20 }

describe('the limit', () => {
  it.each([
    [{ verifications: 2, signatures: 1 }, 150, 6666.67],
    [{ verifications: 1, signatures: 0 }, 65, 15_384.62],
    [{ verifications: 0, signatures: 2 }, 40, 25_000],
  ])('of %j is what one core does in a second', (operations, microseconds, limit) => {
    expect(rawMicrosecondsOf(operations, raw)).toBe(microseconds)
    expect(limitPerSecond(operations, raw)).toBeCloseTo(limit, 1)
  })
})

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)

  it.each([
    [hundred, 0.99, 99],
    [hundred, 0.5, 50],
    [hundred, 1, 100],
    [hundred, 0.001, 1],
    [[7], 0.99, 7],
    [[3, 1, 2], 0.5, 2],
    [[], 0.99, Number.NaN],
  ])('is the nearest rank', (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected)
  })

  it('leaves the values in their order', () => {
    const values = [3, 1, 2]
    percentile(values, 0.99)
    expect(values).toEqual([3, 1, 2])
  })

  it('has the median as its middle, the greater one of two', () => {
    expect(median([5, 1, 9])).toBe(5)
    expect(median([1, 2])).toBe(2)
  })
})

/** A clock that moves when somebody waits, and then wakes whoever waited for that time. */
function testClock(): LoadClock {
  let now = 0
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
  }
  const advance = async (): Promise<void> => {
    await settle()
    const [first] = [...sleepers].toSorted((a, b) => a.at - b.at)
    if (first === undefined) return
    now = first.at
    sleepers.delete(first)
    first.wake()
    await settle()
    void advance()
  }
  return {
    now: () => now,
    wait: (milliseconds) =>
      new Promise((resolve) => {
        sleepers.add({ at: now + milliseconds, wake: resolve })
        if (sleepers.size === 1) void advance()
      }),
  }
}

describe('the fixed rate', () => {
  it('spaces requests evenly', () => {
    expect([0, 1, 500, 1500].map((index) => intendedAt(index, 500))).toEqual([0, 2, 1000, 3000])
  })

  it('counts the time that a request waits behind a slow one, from when it was meant to be sent', async () => {
    const clock = testClock()
    // One at a time, as a service with one worker: 1 ms each, but for the first, which takes 10.
    let last: Promise<void> = Promise.resolve()
    const call = (milliseconds: number): PreparedCall => {
      return () => {
        last = last.then(() => clock.wait(milliseconds))
        return last
      }
    }
    const latencies = await measureLatencies([call(10), call(1), call(1)], 1000, clock)
    expect(latencies).toEqual([10, 10, 10])
  })

  it('rejects when an answer is not the expected one', async () => {
    const refused: PreparedCall = () => Promise.reject(new Error('503'))
    await expect(measureLatencies([refused], 1000, testClock())).rejects.toThrow()
    await expect(measureRate([refused], 4, testClock())).rejects.toThrow()
  })
})

describe('the rate', () => {
  it.each([
    [1, 1],
    [10, 4],
    [40, 4],
  ])('of %i requests, %i at a time, 10 ms each', async (count, concurrency) => {
    const clock = testClock()
    let running = 0
    let most = 0
    let sent = 0
    const call: PreparedCall = async () => {
      running += 1
      sent += 1
      most = Math.max(most, running)
      await clock.wait(10)
      running -= 1
    }
    const rate = await measureRate(
      Array.from({ length: count }, () => call),
      concurrency,
      clock,
    )
    expect(sent).toBe(count)
    expect(most).toBe(Math.min(count, concurrency))
    expect(rate).toBeCloseTo((count * 1000) / (Math.ceil(count / concurrency) * 10), 5)
  })
})

describe('a result', () => {
  const goals = { share: 0.4, p99Ms: 20 }
  const result: LoadResult = {
    name: 'a-service',
    operations: { verifications: 2, signatures: 1 },
    raw,
    limit: 6667,
    maximum: 3000,
    share: 0.45,
    p50Ms: 1,
    p99Ms: 5,
    processorMicroseconds: 330,
    clientLoad: 0.5,
  }

  it.each([
    [{ share: 0.4, p99Ms: 19.99 }, true],
    [{ share: 0.39, p99Ms: 5 }, false],
    [{ share: 0.9, p99Ms: 20 }, false],
    [{ share: Number.NaN, p99Ms: 5 }, false],
    [{ share: 0.9, p99Ms: Number.NaN }, false],
  ])('%j reaches both goals: %s', (figures, expected) => {
    expect(reachesGoals(figures, goals)).toBe(expected)
  })

  it('prints maximum and limit side by side, and how each goal fared', () => {
    const text = formatLoad(result, goals)
    expect(text).toContain('maximum 3000/s, limit 6667/s')
    expect(text).toContain('goal 0.40 reached')
    expect(formatLoad({ ...result, p99Ms: 30 }, goals)).toContain('goal 20 ms missed')
  })
})
