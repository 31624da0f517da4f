import { describe, expect, it } from 'vitest'
import { createTestRuntime, TEST_EPOCH_MS } from '../src/index.ts'

describe('the clock of a test', () => {
  it('stands still until it is moved', () => {
    const runtime = createTestRuntime()
    expect(runtime.now()).toBe(TEST_EPOCH_MS)
    runtime.advance(1.5)
    expect(runtime.now()).toBe(TEST_EPOCH_MS + 1500)
  })

  it('ends waits in their order, each at its time', async () => {
    const runtime = createTestRuntime({ now: 0 })
    const ended: [string, number][] = []
    const late = runtime.delay(2000).then(() => ended.push(['late', runtime.now()]))
    const early = runtime.delay(1000).then(() => ended.push(['early', runtime.now()]))
    expect(await runtime.nextDelay()).toBe(1000)
    runtime.advance(1)
    await early
    runtime.advance(1)
    await late
    expect(ended).toEqual([
      ['early', 1000],
      ['late', 2000],
    ])
  })

  it('ends a wait when its signal aborts', async () => {
    const runtime = createTestRuntime()
    const aborting = new AbortController()
    const waiting = runtime.delay(1000, aborting.signal)
    aborting.abort()
    await waiting
    await runtime.delay(1000, aborting.signal)
  })

  it('tells of the next wait, now or later', async () => {
    const runtime = createTestRuntime()
    const next = runtime.nextDelay()
    void runtime.delay(500)
    expect(await next).toBe(500)
  })
})

describe('randomness of a test', () => {
  it('is a function of the seed, and of nothing where there is none', () => {
    const first = createTestRuntime({ seed: 7 }).randomBytes(64)
    expect(createTestRuntime({ seed: 7 }).randomBytes(64)).toEqual(first)
    expect(createTestRuntime({ seed: 8 }).randomBytes(64)).not.toEqual(first)
    expect(createTestRuntime().randomBytes(64)).not.toEqual(createTestRuntime().randomBytes(64))
    expect(new Set(first).size).toBeGreaterThan(32)
  })
})
