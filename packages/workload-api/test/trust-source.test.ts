import { parseTrustDomain } from '@wimse/core'
import { createTestAuthority } from '@wimse/testing'
import { type BundleContents, createTrustStore, type TrustSink } from '@wimse/trust'
import { afterEach, describe, expect, it } from 'vitest'
import { type WorkloadApi, workloadApiTrustSource } from '../src/index.ts'
import { createQueue, type Harness, orders, startHarness } from './harness.ts'

const closing: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close()
})
async function start(...options: Parameters<typeof startHarness>): Promise<Harness> {
  const harness = await startHarness(...options)
  closing.push(harness)
  return harness
}

/** Anchors of a trust domain: X.509, JWT, WIT; `-` where nothing is said about the kind. */
type Counts = Readonly<Record<string, string>>
const countsOf = (contents: readonly BundleContents[]): Counts =>
  Object.fromEntries(
    contents.map(({ trustDomain, x509Authorities, jwtAuthorities, witAuthorities }) => [
      trustDomain,
      [x509Authorities, jwtAuthorities, witAuthorities].map((anchors) => anchors?.length ?? '-').join(' '),
    ]),
  )

/** Starts a source and records what it tells the store. */
function listen(api: WorkloadApi) {
  const told = createQueue<Counts | string>()
  const sink: TrustSink = {
    replace: (contents) => told.push(countsOf(contents)),
    confirm: () => told.push('confirmed'),
    lost: ({ code }) => told.push(code),
  }
  const source = workloadApiTrustSource({ api })
  closing.push(source)
  const started = source.start(sink, { x509Authorities: () => [] })
  return { started, next: told.next, source }
}

/** What comes after the messages of the three streams that a change makes. */
async function settled(next: () => Promise<Counts | string>, expected: Counts): Promise<void> {
  for (;;) {
    const told = await next()
    if (JSON.stringify(told) === JSON.stringify(expected)) return
  }
}

describe('the Workload API as a source of anchors', () => {
  it('WLAPI-4.6-01 WLAPI-5.2.2-01 WLAPI-6.2.2-01 WLAPI-7.2.2-01: delivers own and federated anchors by kind, all at once', async () => {
    const bank = await createTestAuthority({ trustDomain: 'bank.example' })
    const { api } = await start({ federated: [bank] })
    const { started, next } = listen(api)
    await started
    expect(await next()).toEqual({ 'shop.example': '1 1 1', 'bank.example': '1 1 1' })
  })

  it('WLAPI-4.4-06 WLAPI-5.2.2-06 WLAPI-6.2.2-08 WLAPI-7.2.2-06: a withdrawn federation and a withdrawn key disappear', async () => {
    const bank = await createTestAuthority({ trustDomain: 'bank.example' })
    const { api, fake, authority } = await start({ federated: [bank] })
    const { started, next } = listen(api)
    await started
    fake.setFederated([])
    await settled(next, { 'shop.example': '1 1 1' })
    await authority.rotate('wit')
    await settled(next, { 'shop.example': '1 1 2' })
    authority.withdraw('wit')
    await settled(next, { 'shop.example': '1 1 1' })
  })

  it('WLAPI-7-02: says nothing of WIT keys where the profile is not served', async () => {
    const { api, fake } = await start({ wit: false })
    const { started, next } = listen(api)
    await started
    expect(await next()).toEqual({ 'shop.example': '1 1 -' })
    expect(fake.server.calls.fetchWITBundles).toBe(1)
  })

  it('WLAPI-5.2.2-04 WLAPI-5.2.2-06 WLAPI-6.2.2-06 WLAPI-7.2.2-04: PermissionDenied withdraws everything, and it comes back', async () => {
    const { api, fake, runtime } = await start()
    const { started, next } = listen(api)
    await started
    await fake.setIdentities([])
    await settled(next, {})
    await fake.setIdentities([orders])
    runtime.advance(15)
    await settled(next, { 'shop.example': '1 1 1' })
  })

  it('WLEP-6-04: a server that is away withdraws nothing', async () => {
    const { api, fake } = await start()
    const { started, next } = listen(api)
    await started
    expect(await next()).toEqual({ 'shop.example': '1 1 1' })
    await fake.close()
    expect(await next()).toBe('confirmed')
    expect(await next()).toBe('ERR_WORKLOAD_API_UNAVAILABLE')
  })

  it('WLAPI-4.5-02: a malformed message leaves the bundles of before, and is reported', async () => {
    const { api, fake } = await start()
    const { started, next } = listen(api)
    await started
    await next()
    fake.server.answer({ fetchX509Bundles: { bundles: {} } })
    expect(await next()).toBe('confirmed')
    expect(await next()).toBe('ERR_WORKLOAD_API_RESPONSE')
  })

  it('WLEP-6-04: starts without a server, and delivers nothing', async () => {
    const { api, fake } = await start()
    await fake.close()
    const { started, next } = listen(api)
    await started
    expect(await next()).toBe('ERR_WORKLOAD_API_UNAVAILABLE')
  })

  it('WLAPI-4.2-01: its anchors age from the end of the streams on, whatever fails later', async () => {
    const { api, fake, runtime } = await start()
    const source = workloadApiTrustSource({ api, onFailure: ({ error }) => failures.push(error.code) })
    const failures = createQueue<string>()
    const store = createTrustStore({ sources: [source], maxAgeSeconds: 600, runtime })
    closing.push(store)
    await store.start()
    const trustDomain = parseTrustDomain('shop.example')
    runtime.advance(86_400)
    expect(store.bundle(trustDomain).x509Authorities).toHaveLength(1)
    await fake.close()
    for (let stream = 0; stream < 3; stream += 1) expect(await failures.next()).toBe('ERR_WORKLOAD_API_UNAVAILABLE')
    runtime.advance(599)
    expect(store.bundle(trustDomain).witAuthorities).toHaveLength(1)
    for (let stream = 0; stream < 3; stream += 1) expect(await failures.next()).toBe('ERR_WORKLOAD_API_UNAVAILABLE')
    runtime.advance(1)
    expect(() => store.bundle(trustDomain)).toThrow(expect.objectContaining({ code: 'ERR_TRUST_STALE' }))
  })
})
