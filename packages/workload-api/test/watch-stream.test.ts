import { getEventListeners } from 'node:events'
import { createTestRuntime, startWorkloadApiServer } from '@wimse/testing'
import { afterEach, describe, expect, it } from 'vitest'
import {
  DEFAULT_INITIAL_DELAY_MS,
  DEFAULT_MAX_DELAY_MS,
  openWorkloadApi,
  watchWitBundles,
  watchX509Bundles,
  watchX509Contexts,
} from '../src/index.ts'
import { createBackoff } from '../src/stream/backoff.ts'
import { createQueue, follow, type Harness, ORDERS, orders, startHarness } from './harness.ts'

const closing: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close()
})
async function start(...options: Parameters<typeof startHarness>): Promise<Harness> {
  const harness = await startHarness(...options)
  closing.push(harness)
  return harness
}

describe('waiting between attempts', () => {
  it('WLEP-6-04: grows up to the longest wait, the upper half at random', () => {
    const runtime = { randomBytes: (length: number) => new Uint8Array(length).fill(fill) }
    let fill = 0
    const least = createBackoff(runtime)
    expect([least.next(), least.next(), least.next()]).toEqual([125, 250, 500])
    fill = 255
    const most = createBackoff(runtime)
    const waits = Array.from({ length: 12 }, () => most.next())
    expect(waits[0]).toBe(DEFAULT_INITIAL_DELAY_MS)
    expect(waits.at(-1)).toBe(DEFAULT_MAX_DELAY_MS)
    most.reset()
    expect(most.next()).toBe(DEFAULT_INITIAL_DELAY_MS)
  })
})

describe('a stream', () => {
  it.each(['unix', 'tcp'] as const)(
    'WLEP-3-02 WLEP-3-06 WLAPI-3-01: is served over %s to a client with the security header',
    async (listen) => {
      const { api, fake } = await start({ listen })
      const watched = follow(api, watchX509Contexts)
      expect((await watched.update()).svids[0].identifier).toBe(ORDERS)
      expect(fake.address.startsWith(listen)).toBe(true)
    },
  )

  it('WLAPI-4.2-01: stays open, and a rotation comes as a second message', async () => {
    const { api, fake } = await start()
    const watched = follow(api, watchX509Contexts)
    const first = await watched.update()
    await fake.rotate()
    const second = await watched.update()
    expect(second.svids[0].chain).not.toEqual(first.svids[0].chain)
    expect(fake.server.calls.fetchX509SVID).toBe(1)
  })

  it('WLAPI-4.2-02 WLAPI-4.2-03: is opened again at once when it lived and was ended', async () => {
    const { api, fake, runtime } = await start()
    const watched = follow(api, watchX509Contexts)
    await watched.update()
    runtime.advance(60)
    fake.server.disconnect()
    expect(await watched.failure()).toMatchObject({
      consequence: 'retrying',
      retryInMs: 0,
      error: { code: 'ERR_WORKLOAD_API_UNAVAILABLE' },
    })
    await fake.rotate()
    expect((await watched.update()).svids[0].identifier).toBe(ORDERS)
  })

  it('WLAPI-4.2-02: backs off from a server that ends each stream after a message', async () => {
    const { api, fake, runtime } = await start()
    const watched = follow(api, watchX509Contexts)
    const waits: (number | undefined)[] = []
    for (let round = 0; round < 4; round += 1) {
      await watched.update()
      fake.server.disconnect()
      waits.push((await watched.failure()).retryInMs)
      runtime.advance((await runtime.nextDelay()) / 1000)
    }
    expect(waits.every((wait) => (wait ?? 0) >= DEFAULT_INITIAL_DELAY_MS / 2)).toBe(true)
    expect(waits[3]).toBeGreaterThan(2 * (waits[0] ?? 0))
  })

  it('WLEP-6-06 WLEP-A-03 WLAPI-5.2.1-07 WLAPI-5.2.1-08: PermissionDenied is tried again after a wait, and late registration is seen', async () => {
    const { api, fake, runtime } = await start({ identities: [] })
    const watched = follow(api, watchX509Contexts)
    const { error, retryInMs } = await watched.failure()
    expect(error.code).toBe('ERR_WORKLOAD_API_NO_IDENTITY')
    expect(retryInMs).toBeGreaterThan(0)
    expect(await runtime.nextDelay()).toBe(retryInMs)
    expect(fake.server.calls.fetchX509SVID).toBe(1)
    await fake.setIdentities([orders])
    runtime.advance((retryInMs ?? 0) / 1000)
    expect((await watched.update()).svids[0].identifier).toBe(ORDERS)
  })

  it.each(['Unavailable'] as const)('WLEP-6-04 WLEP-A-02: %s is tried again after a wait', async (status) => {
    const { api, fake, runtime } = await start()
    fake.server.answer({ fetchX509SVID: status })
    const watched = follow(api, watchX509Contexts)
    expect(await watched.failure()).toMatchObject({ consequence: 'retrying', error: { code: 'ERR_WORKLOAD_API_UNAVAILABLE' } })
    await fake.rotate()
    runtime.advance((await runtime.nextDelay()) / 1000)
    expect((await watched.update()).svids).toHaveLength(1)
  })

  it('WLEP-6-04: a server that is not there is tried again after a wait', async () => {
    const runtime = createTestRuntime()
    const server = await startWorkloadApiServer()
    await server.close()
    const api = openWorkloadApi({ address: server.address, runtime })
    closing.push(api)
    const watched = follow(api, watchX509Bundles)
    expect(await watched.failure()).toMatchObject({ consequence: 'retrying', error: { code: 'ERR_WORKLOAD_API_UNAVAILABLE' } })
    runtime.advance((await runtime.nextDelay()) / 1000)
    expect(await watched.failure()).toMatchObject({ consequence: 'retrying' })
  })

  it.each([
    ['WLEP-6-02 WLEP-A-01', 'InvalidArgument', 'ERR_WORKLOAD_API_INVALID_ARGUMENT'],
    ['WLEP-A-04 WLAPI-7-02', 'Unimplemented', 'ERR_WORKLOAD_API_UNIMPLEMENTED'],
  ] as const)('%s: %s is not tried again', async (_ids, status, code) => {
    const { api, fake } = await start()
    fake.server.answer({ fetchWITBundles: status })
    const watched = follow(api, watchWitBundles)
    expect(await watched.failure()).toMatchObject({ consequence: 'stopped', error: { code } })
    expect((await watched.ended)?.code).toBe(code)
    expect(fake.server.calls.fetchWITBundles).toBe(1)
  })

  it('leaves no listener behind however often it is opened again', async () => {
    const { api, runtime } = await start({ identities: [] })
    const stopping = new AbortController()
    const failures = createQueue<string>()
    const ended = watchX509Contexts(
      api,
      { onUpdate: () => undefined, onFailure: ({ error }) => failures.push(error.code) },
      { signal: stopping.signal },
    )
    const counts: number[] = []
    for (let round = 0; round < 4; round += 1) {
      expect(await failures.next()).toBe('ERR_WORKLOAD_API_NO_IDENTITY')
      counts.push(getEventListeners(api.closed, 'abort').length + getEventListeners(stopping.signal, 'abort').length)
      runtime.advance((await runtime.nextDelay()) / 1000)
    }
    expect(new Set(counts).size).toBe(1)
    stopping.abort()
    await ended
  })

  it('ends when its signal aborts, and when the connection is closed', async () => {
    const { api } = await start()
    const first = follow(api, watchX509Contexts)
    const second = follow(api, watchX509Contexts)
    await Promise.all([first.update(), second.update()])
    first.stop()
    expect(await first.ended).toBeUndefined()
    api.close()
    expect(await second.ended).toBeUndefined()
  })
})
