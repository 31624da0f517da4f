import { WimseError } from '@wimse/core'
import { createTestRuntime } from '@wimse/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { createJwtSource, createLiveValue, createWitSource, createX509Source } from '../src/index.ts'
import { createQueue, type Harness, ORDERS, orders, startHarness } from './harness.ts'

const withCode = (code: string) => expect.objectContaining({ code })
const closing: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close()
})
async function start(...options: Parameters<typeof startHarness>): Promise<Harness> {
  const harness = await startHarness(...options)
  closing.push(harness)
  return harness
}

describe.each([
  ['X.509-SVIDs', createX509Source, 3600, 'fetchX509SVID'],
  ['WIT-SVIDs', createWitSource, 300, 'fetchWITSVID'],
] as const)('a source of %s', (_kind, createSource, lifetimeSeconds, method) => {
  it('WLAPI-8-02: has the default identity as soon as it is ready', async () => {
    const { api } = await start()
    const source = createSource({ api })
    expect(() => source.current()).toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
    await source.ready()
    expect(source.current().identifier).toBe(ORDERS)
  })

  it('WLAPI-8-03 WLAPI-8-05: has the identity with the hint, and none rather than another one', async () => {
    const { api, fake } = await start({ identities: [{ identifier: 'spiffe://shop.example/audit', hint: 'external' }, orders] })
    const source = createSource({ api, hint: 'internal' })
    await source.ready()
    expect(source.current().identifier).toBe(ORDERS)
    const other = createSource({ api, hint: 'unheard of' })
    const bystander = createSource({ api })
    await bystander.ready()
    await expect(other.ready({ signal: AbortSignal.abort() })).rejects.toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
    expect(() => other.current()).toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
    expect(fake.server.calls[method]).toBe(3)
  })

  it('WLAPI-4.3-02: tells of a rotation once current gives the new one, and of nothing else', async () => {
    const { api, fake, authority } = await start()
    const source = createSource({ api })
    await source.ready()
    const first = source.current()
    const rotations = createQueue<boolean>()
    const end = source.onRotate((next) => rotations.push(next === source.current()))
    await authority.rotate('x509')
    await fake.rotate()
    expect(await rotations.next()).toBe(true)
    expect(source.current()).not.toBe(first)
    end()
  })

  it('gives no credential whose end has passed', async () => {
    const { api, fake, runtime } = await start()
    const source = createSource({ api })
    await source.ready()
    runtime.advance(lifetimeSeconds - 1)
    expect(source.current().identifier).toBe(ORDERS)
    runtime.advance(1)
    expect(() => source.current()).toThrow(withCode('ERR_CREDENTIAL_EXPIRED'))
    await fake.rotate()
    await source.ready()
    expect(source.current().identifier).toBe(ORDERS)
  })

  it('WLAPI-4.5-02: keeps the last good credential when a message is malformed', async () => {
    const { api, fake } = await start()
    const failures = createQueue<string>()
    const source = createSource({ api, onFailure: ({ error }) => failures.push(error.code) })
    await source.ready()
    const before = source.current()
    fake.server.answer({ [method]: { svids: [] } })
    expect(await failures.next()).toBe('ERR_WORKLOAD_API_RESPONSE')
    expect(source.current()).toBe(before)
  })

  it('WLAPI-5.2.1-09 WLAPI-7.2.1-09: drops its credential on PermissionDenied, and comes back', async () => {
    const { api, fake, runtime } = await start()
    const failures = createQueue<string>()
    const source = createSource({ api, onFailure: ({ error }) => failures.push(error.code) })
    await source.ready()
    await fake.setIdentities([])
    expect(await failures.next()).toBe('ERR_WORKLOAD_API_NO_IDENTITY')
    expect(() => source.current()).toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
    await fake.setIdentities([orders])
    runtime.advance((await runtime.nextDelay()) / 1000)
    await source.ready()
    expect(source.current().identifier).toBe(ORDERS)
  })

  it('WLEP-6-04: keeps its credential while the server is away', async () => {
    const { api, fake } = await start()
    const failures = createQueue<string>()
    const source = createSource({ api, onFailure: ({ error }) => failures.push(error.code) })
    await source.ready()
    await fake.close()
    expect(await failures.next()).toBe('ERR_WORKLOAD_API_UNAVAILABLE')
    expect(source.current().identifier).toBe(ORDERS)
  })

  it('WLAPI-7-02 WLEP-A-04: is never ready where the profile is not served', async () => {
    const { api, fake } = await start()
    fake.server.answer({ [method]: 'Unimplemented' })
    const source = createSource({ api })
    await expect(source.ready()).rejects.toThrow(withCode('ERR_WORKLOAD_API_UNIMPLEMENTED'))
    await expect(source.ready()).rejects.toThrow(withCode('ERR_WORKLOAD_API_UNIMPLEMENTED'))
    expect(fake.server.calls[method]).toBe(1)
  })

  it('gives nothing after it was closed', async () => {
    const { api } = await start()
    const source = createSource({ api })
    await source.ready()
    source.close()
    expect(() => source.current()).toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
    await expect(source.ready()).rejects.toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
  })

  it('gives nothing after its connection was closed', async () => {
    const { api } = await start()
    const source = createSource({ api })
    await source.ready()
    api.close()
    await expect
      .poll(() =>
        source.ready().then(
          () => 'ready',
          ({ code }: WimseError) => code,
        ),
      )
      .toBe('ERR_CREDENTIAL_UNAVAILABLE')
  })
})

describe('what listens to a source', () => {
  const rules = { runtime: createTestRuntime(), endOf: () => Number.POSITIVE_INFINITY, same: Object.is }

  it('hears of each change until it ends', () => {
    const value = createLiveValue<string>(rules)
    const heard: string[] = []
    const end = value.onRotate((next) => heard.push(next))
    value.onRotate((next) => heard.push(`${next} too`))
    value.set('a')
    value.set('a')
    end()
    value.set('b')
    value.close()
    value.set('c')
    expect(heard).toEqual(['a', 'a too', 'b too'])
  })

  it('gets the same object until it rotates', () => {
    const value = createLiveValue<{ readonly serial: number }>({ ...rules, same: (a, b) => a.serial === b.serial })
    const first = { serial: 1 }
    value.set(first)
    value.set({ serial: 1 })
    expect(value.current()).toBe(first)
    value.set({ serial: 2 })
    expect(value.current()).not.toBe(first)
  })

  it('waits for a credential, or for the signal', async () => {
    const value = createLiveValue<string>(rules)
    const waiting = value.ready()
    const aborting = new AbortController()
    const impatient = value.ready({ signal: aborting.signal })
    aborting.abort()
    await expect(impatient).rejects.toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
    value.withdraw(new WimseError('ERR_WORKLOAD_API_NO_IDENTITY'))
    value.set('a')
    await waiting
    expect(value.current()).toBe('a')
  })
})

describe('a source of JWT-SVIDs', () => {
  const AUDIENCE = 'https://payments.shop.example'

  it('gives one token for an audience until half of its life is gone', async () => {
    const { api, fake, runtime } = await start()
    const source = createJwtSource({ api })
    const [first, second] = await Promise.all([source.fetch(AUDIENCE), source.fetch(AUDIENCE)])
    runtime.advance(149)
    expect([second, await source.fetch(AUDIENCE)]).toEqual([first, first])
    expect(fake.server.calls.fetchJWTSVID).toBe(1)
    runtime.advance(1)
    expect((await source.fetch(AUDIENCE)).expiresAt).toBe(first.expiresAt + 150)
    expect((await source.fetch('other')).audience).toEqual(['other'])
    expect(fake.server.calls.fetchJWTSVID).toBe(3)
  })

  it('serves the old token to its end while no new one is to be had', async () => {
    const { api, fake, runtime } = await start()
    const source = createJwtSource({ api })
    const first = await source.fetch(AUDIENCE)
    fake.server.answer({ fetchJWTSVID: async () => 'Unavailable' })
    runtime.advance(299)
    expect(await source.fetch(AUDIENCE)).toBe(first)
    runtime.advance(1)
    await expect(source.fetch(AUDIENCE)).rejects.toThrow(withCode('ERR_WORKLOAD_API_UNAVAILABLE'))
  })

  it('WLAPI-6.2.1-08: serves no old token once the identity is withdrawn', async () => {
    const { api, fake, runtime } = await start()
    const source = createJwtSource({ api })
    await source.fetch(AUDIENCE)
    await fake.setIdentities([])
    runtime.advance(200)
    await expect(source.fetch(AUDIENCE)).rejects.toThrow(withCode('ERR_WORKLOAD_API_NO_IDENTITY'))
    runtime.advance(-200)
    await expect(source.fetch(AUDIENCE)).rejects.toThrow(withCode('ERR_WORKLOAD_API_NO_IDENTITY'))
  })

  it('keeps a bounded number of audiences', async () => {
    const { api, fake } = await start()
    const source = createJwtSource({ api, maxAudiences: 2 })
    for (const audience of ['a', 'b', 'c', 'c', 'b', 'a']) await source.fetch(audience)
    expect(fake.server.calls.fetchJWTSVID).toBe(4)
  })

  it('gives nothing after it was closed', async () => {
    const { api } = await start()
    const source = createJwtSource({ api })
    source.close()
    await expect(source.fetch(AUDIENCE)).rejects.toThrow(withCode('ERR_CREDENTIAL_UNAVAILABLE'))
  })
})
