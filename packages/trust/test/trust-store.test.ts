import { WimseError } from '@wimse/core'
import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type BundleContents,
  createTrustStore,
  type KeyAuthority,
  type ManagedTrustStore,
  staticSource,
  type TrustEvent,
  type TrustStoreOptions,
} from '../src/index.ts'
import { authority, BANK, codeOf, rootOf, SHOP, scriptedSource, settle } from './fixtures.ts'

const [k1, k2, k3] = (await Promise.all(['k1', 'k2', 'k3'].map(authority))) as [KeyAuthority, KeyAuthority, KeyAuthority]
const shopRoot = (await rootOf(SHOP)).certificate
const bankRoot = (await rootOf(BANK)).certificate
const bankRoot2 = (await rootOf(BANK)).certificate
const failure = new WimseError('ERR_TRUST_ENDPOINT')

let clock: TestRuntime
let events: TrustEvent[]

beforeEach(() => {
  clock = createTestRuntime({ seed: 1 })
  events = []
})

const wits = (keys: readonly KeyAuthority[], more: Partial<BundleContents> = {}): BundleContents => ({
  trustDomain: BANK,
  witAuthorities: keys,
  ...more,
})

async function started(sources: TrustStoreOptions['sources'], more: Partial<TrustStoreOptions> = {}): Promise<ManagedTrustStore> {
  const options = { maxAgeSeconds: 600, refreshCooldownSeconds: 10, runtime: clock, onEvent: (event: TrustEvent) => events.push(event) }
  const store = createTrustStore({ sources, ...options, ...more })
  await store.start()
  return store
}

const kids = (store: ManagedTrustStore, trustDomain = BANK) => store.bundle(trustDomain).witAuthorities.map(({ keyId }) => keyId)
const reported = (type: TrustEvent['type']) => events.filter((event) => event.type === type).map(({ code }) => code)

describe('what a trust domain has', () => {
  test('FED-7.3-01, BUNDLE-3-02, CRED-3-01: each trust domain has its own anchors', async () => {
    const store = await started([scriptedSource([wits([k1]), { trustDomain: SHOP, x509Authorities: [shopRoot], witAuthorities: [k2] }])])
    expect(kids(store)).toEqual(['k1'])
    expect(kids(store, SHOP)).toEqual(['k2'])
    expect(store.bundle(BANK).x509Authorities).toEqual([])
  })

  test('FED-2-01, TDD-6.1-01: a trust domain that no source has is unknown', async () => {
    const store = await started([scriptedSource([wits([k1])])])
    expect(await codeOf(() => store.bundle(SHOP))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
  })

  test('FED-6-01: to be trusted by a trust domain is not to trust it', async () => {
    const store = await started([staticSource([{ trustDomain: SHOP, x509Authorities: [shopRoot] }])])
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
  })

  test('FED-4.2-06, TDD-5.4-01, TDD-5.4-03: for each kind the first source that has it counts alone', async () => {
    const first = scriptedSource([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    const second = scriptedSource([wits([k1], { x509Authorities: [bankRoot2] })])
    const store = await started([first, second])
    expect(store.bundle(BANK).x509Authorities).toEqual([bankRoot])
    expect(kids(store)).toEqual(['k1'])
    first.sink().replace([wits([k2], { x509Authorities: [bankRoot] })])
    expect(kids(store)).toEqual(['k2'])
    first.sink().replace([])
    expect(store.bundle(BANK).x509Authorities).toEqual([bankRoot2])
    expect(kids(store)).toEqual(['k1'])
  })

  test('a source gives the kinds and trust domains that it is selected for', async () => {
    const source = scriptedSource([wits([k1], { x509Authorities: [bankRoot] }), { trustDomain: SHOP, witAuthorities: [k2] }])
    const store = await started([{ source, kinds: ['wit'], trustDomains: ['bank.example'] }])
    expect(kids(store)).toEqual(['k1'])
    expect(store.bundle(BANK).x509Authorities).toEqual([])
    expect(await codeOf(() => store.bundle(SHOP))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
  })

  test('FED-7.3-02: a source that is tied to a trust domain speaks for no other', async () => {
    const store = await started([scriptedSource([wits([k1]), { trustDomain: SHOP, witAuthorities: [k2] }], { trustDomains: [BANK] })])
    expect(kids(store)).toEqual(['k1'])
    expect(await codeOf(() => store.bundle(SHOP))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    expect(reported('refused')).toEqual(['ERR_TRUST_BUNDLE_TRUST_DOMAIN'])
  })
})

describe('changes', () => {
  test('the bundle is the same object until an anchor changes, and unchanged kinds keep their objects', async () => {
    const source = scriptedSource([wits([k1, k2], { x509Authorities: [bankRoot], sequence: 1 })])
    const store = await started([source])
    const before = store.bundle(BANK)
    source.sink().confirm()
    source.sink().replace([wits([k2, k1], { x509Authorities: [Uint8Array.from(bankRoot)], sequence: 2, refreshHintSeconds: 9 })])
    expect(store.bundle(BANK)).toBe(before)
    source.sink().replace([wits([k3], { x509Authorities: [Uint8Array.from(bankRoot)], sequence: 3 })])
    expect(store.bundle(BANK)).not.toBe(before)
    expect(store.bundle(BANK).x509Authorities).toBe(before.x509Authorities)
  })

  test('FED-6.2-02, TDD-4.2-05: a removed key is gone at once and an added one is there', async () => {
    const source = scriptedSource([wits([k1, k2])])
    const store = await started([source])
    const changes: string[] = []
    const remove = store.onChange((trustDomain) => changes.push(trustDomain))
    source.sink().replace([wits([k2, k3])])
    expect(kids(store)).toEqual(['k2', 'k3'])
    remove()
    source.sink().replace([wits([k3])])
    expect(changes).toEqual([BANK])
  })

  test('BUNDLE-4.1.3-04: an empty set leaves no key', async () => {
    const source = scriptedSource([wits([k1])])
    const store = await started([source, scriptedSource([wits([k2])])])
    source.sink().replace([wits([])])
    expect(kids(store)).toEqual([])
  })

  test('FED-6.3-01, BUNDLE-B.1-01: a trust domain that is missing in the next answer is withdrawn', async () => {
    const source = scriptedSource([wits([k1]), { trustDomain: SHOP, witAuthorities: [k2] }])
    const store = await started([source])
    source.sink().replace([{ trustDomain: SHOP, witAuthorities: [k2] }])
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    expect(kids(store, SHOP)).toEqual(['k2'])
  })

  test("a listener's fault stops nothing", async () => {
    const source = scriptedSource([wits([k1])])
    const store = await started([source], {
      onEvent() {
        throw new Error('of a listener')
      },
    })
    store.onChange(() => {
      throw new Error('of a listener')
    })
    source.sink().replace([wits([k2])])
    expect(kids(store)).toEqual(['k2'])
  })
})

describe('sequence numbers', () => {
  test.each<[string, number | undefined, KeyAuthority, string[]]>([
    ['BUNDLE-4.1.1-02, TDD-4-08, FED-4.2-02: a higher one is taken', 6, k2, ['k2']],
    ['the same one with the same anchors is taken', 5, k1, ['k1']],
    ['FED-4.2-03: none counts as current', undefined, k2, ['k2']],
  ])('%s', async (_, sequence, key, expected) => {
    const source = scriptedSource([wits([k1], { sequence: 5 })])
    const store = await started([source])
    source.sink().replace([wits([key], sequence === undefined ? {} : { sequence })])
    expect(kids(store)).toEqual(expected)
    expect(reported('refused')).toEqual([])
  })

  test.each<[string, number, KeyAuthority]>([
    ['BUNDLE-4.1.1-02, TDD-4.2-04: a lower one is refused', 4, k2],
    ['TDD-4.2-04: a lower one is refused with the same anchors too', 4, k1],
    ['BUNDLE-4.1.1-03: the same one with other anchors is refused', 5, k2],
  ])('%s; the old bundle stays', async (_, sequence, key) => {
    const source = scriptedSource([wits([k1], { sequence: 5 })])
    const store = await started([source])
    const before = store.bundle(BANK)
    source.sink().replace([wits([key], { sequence })])
    expect(store.bundle(BANK)).toBe(before)
    expect(reported('refused')).toEqual(['ERR_TRUST_SEQUENCE'])
  })

  test('FED-6.3-01: a trust domain that was withdrawn and comes back begins anew', async () => {
    const source = scriptedSource([wits([k1], { sequence: 5 })])
    const store = await started([source])
    source.sink().replace([])
    source.sink().replace([wits([k2], { sequence: 1 })])
    expect(kids(store)).toEqual(['k2'])
  })

  test('TDD-6.2-02: an answer without a number does not open the way back', async () => {
    const source = scriptedSource([wits([k1], { sequence: 5 })])
    const store = await started([source])
    source.sink().replace([wits([k2])])
    source.sink().replace([wits([k1], { sequence: 4 })])
    expect(kids(store)).toEqual(['k2'])
  })
})

describe('sources that are authenticated by anchors', () => {
  const viaBank = (keys: readonly KeyAuthority[], more: Partial<BundleContents> = {}) => wits(keys, { authenticatedBy: BANK, ...more })

  test('federation withdrawn: what came by its anchors vanishes with them', async () => {
    const federation = scriptedSource([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    // The endpoint repeats the X.509 anchors: they must not keep it alive by themselves.
    const endpoint = scriptedSource([viaBank([k1], { x509Authorities: [bankRoot] })], { authenticatedBy: BANK, trustDomains: [BANK] })
    const store = await started([endpoint, federation])
    expect(kids(store)).toEqual(['k1'])
    federation.sink().replace([])
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    federation.sink().replace([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    expect(kids(store)).toEqual([])
    endpoint.sink().replace([viaBank([k2])])
    expect(kids(store)).toEqual(['k2'])
  })

  test('after that its sequence number still may not fall', async () => {
    const federation = scriptedSource([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    const endpoint = scriptedSource([viaBank([k1], { sequence: 5 })], { authenticatedBy: BANK, trustDomains: [BANK] })
    const store = await started([federation, endpoint])
    federation.sink().replace([])
    federation.sink().replace([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    endpoint.sink().replace([viaBank([k1], { sequence: 4 })])
    expect(kids(store)).toEqual([])
    expect(reported('refused')).toEqual(['ERR_TRUST_SEQUENCE'])
  })

  test('FED-7.6-01: a chain of such sources falls with its first link', async () => {
    const federation = scriptedSource([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    const middle = scriptedSource([{ trustDomain: SHOP, x509Authorities: [shopRoot], authenticatedBy: BANK }], { authenticatedBy: BANK })
    const end = scriptedSource([wits([k1], { authenticatedBy: SHOP })], { authenticatedBy: SHOP })
    const store = await started([end, federation, middle])
    end.sink().replace([wits([k1], { authenticatedBy: SHOP })])
    expect(kids(store)).toEqual(['k1'])
    federation.sink().replace([{ trustDomain: BANK, x509Authorities: [] }])
    expect(kids(store)).toEqual([])
    expect(await codeOf(() => store.bundle(SHOP))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
  })

  test('they start after the others and are asked again when their anchors appear or change', async () => {
    const order: string[] = []
    const federation = scriptedSource([])
    const endpoint = scriptedSource([], {
      authenticatedBy: BANK,
      trustDomains: [BANK],
      async start() {
        order.push('endpoint')
      },
    })
    const other = scriptedSource([], {
      async start() {
        order.push('other')
      },
    })
    await started([endpoint, other, federation])
    expect(order).toEqual(['other', 'endpoint'])
    federation.sink().replace([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    federation.sink().replace([{ trustDomain: BANK, x509Authorities: [bankRoot], jwtAuthorities: [k1] }])
    expect(endpoint.asked).toEqual([BANK])
    federation.sink().replace([{ trustDomain: BANK, x509Authorities: [bankRoot2] }])
    expect(endpoint.asked).toEqual([BANK, BANK])
  })
})

test('a source that brings the anchors of its own server is not asked again because of them', async () => {
  const federation = scriptedSource([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
  const both = (root: Uint8Array) => [wits([k1], { authenticatedBy: BANK, x509Authorities: [root] })]
  const endpoint = scriptedSource(both(bankRoot), { authenticatedBy: BANK, trustDomains: [BANK] })
  const store = await started([endpoint, federation])
  endpoint.sink().replace(both(bankRoot2))
  expect(store.bundle(BANK).x509Authorities).toEqual([bankRoot2])
  expect(endpoint.asked).toEqual([])
})

describe('sources that are lost', () => {
  test('what they said stays until its age is reached, counted from the last contact', async () => {
    const source = scriptedSource([wits([k1])])
    const store = await started([source])
    clock.advance(300)
    source.sink().lost(failure)
    const before = store.bundle(BANK)
    clock.advance(299)
    source.sink().lost(failure)
    expect(store.bundle(BANK)).toBe(before)
    clock.advance(1)
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_STALE')
    source.sink().confirm()
    expect(kids(store)).toEqual(['k1'])
  })

  test('what is in contact or static never ages', async () => {
    const store = await started([scriptedSource([wits([k1])]), staticSource([{ trustDomain: SHOP, witAuthorities: [k2] }])])
    clock.advance(1_000_000)
    expect(kids(store)).toEqual(['k1'])
    expect(kids(store, SHOP)).toEqual(['k2'])
  })

  test('a kind that is stale is refused, those of other sources serve on, and no other source steps in', async () => {
    const lostSource = scriptedSource([wits([k1])])
    const behind = scriptedSource([wits([k2], { x509Authorities: [bankRoot] })])
    const store = await started([lostSource, behind])
    const before = store.bundle(BANK)
    lostSource.sink().lost(failure)
    clock.advance(600)
    expect(store.bundle(BANK)).not.toBe(before)
    expect(store.bundle(BANK)).toBe(store.bundle(BANK))
    expect(store.bundle(BANK).x509Authorities).toBe(before.x509Authorities)
    expect(await codeOf(() => store.bundle(BANK).witAuthorities)).toBe('ERR_TRUST_STALE')
  })

  test('stale anchors authenticate no endpoint', async () => {
    const federation = scriptedSource([{ trustDomain: BANK, x509Authorities: [bankRoot] }])
    let view = (): readonly Uint8Array[] => []
    const endpoint = scriptedSource([], {
      async start(_, anchors) {
        view = () => anchors.x509Authorities(BANK)
      },
    })
    await started([federation, endpoint])
    expect(view()).toEqual([bankRoot])
    federation.sink().lost(failure)
    clock.advance(600)
    expect(view()).toEqual([])
  })
})

describe('refresh', () => {
  test('CRED-3-08: asks the sources and tells whether anchors changed', async () => {
    const source = scriptedSource([wits([k1])], { onRefresh: (sink) => sink.replace([wits([k1, k2])]) })
    const store = await started([source])
    expect(await store.refresh(BANK)).toBe(true)
    expect(kids(store)).toEqual(['k1', 'k2'])
    clock.advance(10)
    expect(await store.refresh(BANK)).toBe(false)
    expect(source.asked).toEqual([BANK, BANK])
  })

  test('TDD-6.5-01: once per cooldown for each trust domain, and who comes meanwhile shares it', async () => {
    const source = scriptedSource([wits([k1]), { trustDomain: SHOP, witAuthorities: [k2] }], {
      onRefresh: (sink) => sink.replace([wits([k3]), { trustDomain: SHOP, witAuthorities: [k2] }]),
    })
    const store = await started([source])
    expect(await Promise.all([store.refresh(BANK), store.refresh(BANK)])).toEqual([true, true])
    clock.advance(9)
    expect(await store.refresh(BANK)).toBe(false)
    expect(source.asked).toEqual([BANK])
    await store.refresh(SHOP)
    expect(source.asked).toEqual([BANK, SHOP])
  })

  test('TDD-6.4-01: an unknown trust domain, which may come from a token, asks nobody', async () => {
    const source = scriptedSource([wits([k1])])
    const store = await started([source])
    expect(await store.refresh(SHOP)).toBe(false)
    expect(source.asked).toEqual([])
  })

  test('a trust domain that is configured and has no anchors yet is asked for', async () => {
    const source = scriptedSource([], { trustDomains: [BANK], onRefresh: (sink) => sink.replace([wits([k1])]) })
    const store = await started([source])
    expect(await store.refresh(BANK)).toBe(true)
  })

  test('a source that fails changes nothing', async () => {
    const source = scriptedSource([wits([k1])], { refresh: () => Promise.reject(failure) })
    const store = await started([source])
    expect(await store.refresh(BANK)).toBe(false)
  })
})

describe('the store itself', () => {
  test('BUNDLE-B.1-02: its status names sources, counts, sequence and age, and holds no key', async () => {
    const source = scriptedSource([wits([k1], { sequence: 5 })])
    const store = await started([source, { source: scriptedSource([], { origin: 'never', trustDomains: [SHOP] }) }])
    clock.advance(30)
    source.sink().lost(failure)
    const anchors = [{ kind: 'wit', origin: 'scripted', count: 1, sequence: 5, ageSeconds: 30, stale: false }]
    expect(store.status()).toEqual([
      { trustDomain: BANK, anchors, errors: [{ origin: 'scripted', code: 'ERR_TRUST_ENDPOINT' }] },
      { trustDomain: SHOP, anchors: [], errors: [] },
    ])
    expect(JSON.stringify([store.status(), events])).not.toContain(String(k1.jwk['x']))
  })

  test('FED-7.6-02: each contact is an event', async () => {
    const source = scriptedSource([wits([k1])])
    await started([source])
    source.sink().confirm()
    expect(events.filter(({ type }) => type === 'contact')).toHaveLength(2)
  })

  test('a closed store trusts nothing', async () => {
    const source = scriptedSource([wits([k1])])
    const store = await started([source])
    store.close()
    source.sink().replace([wits([k1])])
    await settle()
    expect(await codeOf(() => store.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    expect(await store.refresh(BANK)).toBe(false)
  })

  test('closed while it starts, it starts no further source', async () => {
    const order: string[] = []
    const base = scriptedSource([], {
      async start() {
        order.push('base')
        store.close()
      },
    })
    const late = scriptedSource([], {
      authenticatedBy: BANK,
      async start() {
        order.push('late')
      },
    })
    const store = createTrustStore({ sources: [base, late], runtime: clock })
    await store.start()
    expect(order).toEqual(['base'])
  })

  test.each([{ maxAgeSeconds: 0 }, { maxAgeSeconds: Number.NaN }, { refreshCooldownSeconds: -1 }])(
    'options that make no sense: %o',
    async (options) => {
      expect(await codeOf(() => createTrustStore({ sources: [], ...options }))).toBe('ERR_OPTIONS_INVALID')
    },
  )

  test('it is started once', async () => {
    const store = await started([])
    expect(await codeOf(() => store.start())).toBe('ERR_OPTIONS_INVALID')
  })
})
