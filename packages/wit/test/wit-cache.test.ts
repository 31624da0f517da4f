import { type CryptoEngine, parseTrustDomain, type Runtime, WimseError } from '@wimse/core'
import type { Signer, Verifier } from '@wimse/keys'
import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import { createTrustStore, keyAuthority, type TrustSink, type TrustSource, type TrustStore } from '@wimse/trust'
import { beforeEach, describe, expect, it } from 'vitest'
import { createWitVerifier, type VerifyWitOptions, type WitVerifier } from '../src/index.ts'
import { codeOf, createWorld, NOW, signerOf, type World } from './support/world.ts'

const SHOP = parseTrustDomain('shop.example')

/** A real trust store whose one source does what the test says, and an engine that counts. */
interface Setup {
  readonly trust: TrustStore
  readonly clock: TestRuntime
  readonly refreshes: () => number
  readonly verifications: () => number
  publish(keys: Readonly<Record<string, Signer>>): void
  withdraw(): void
  lose(): void
  onRefresh(step: () => void): void
  verifier(options?: Partial<VerifyWitOptions>): WitVerifier
}

async function setup(keys: Readonly<Record<string, Signer>>): Promise<Setup> {
  const clock = createTestRuntime()
  let verifications = 0
  let refreshes = 0
  let answer = (): void => undefined
  let sink: TrustSink | undefined
  const crypto: CryptoEngine = {
    ...clock.crypto,
    verify(...args) {
      verifications += 1
      return clock.crypto.verify(...args)
    },
  }
  const runtime: Runtime = { ...clock, crypto, now: () => clock.now() }
  const publish: Setup['publish'] = (published) => {
    const witAuthorities = Object.entries(published).map(([kid, { publicJwk }]) => keyAuthority({ ...publicJwk, kid }, { runtime }))
    sink?.replace([{ trustDomain: SHOP, witAuthorities }])
  }
  const source: TrustSource = {
    origin: 'test',
    trustDomains: [SHOP],
    async start(given) {
      sink = given
      publish(keys)
    },
    async refresh() {
      refreshes += 1
      answer()
    },
    close() {},
  }
  const trust = createTrustStore({ sources: [source], runtime })
  await trust.start()
  return {
    trust,
    clock,
    refreshes: () => refreshes,
    verifications: () => verifications,
    publish,
    withdraw: () => sink?.replace([]),
    lose: () => sink?.lost(new WimseError('ERR_TRUST_STALE')),
    onRefresh(step) {
      answer = step
    },
    verifier: (options) => createWitVerifier({ trust, profile: 'wit-svid', runtime, ...options }),
  }
}

let world: World
beforeEach(async () => {
  world = await createWorld()
})

describe('a WIT that was seen', () => {
  it('costs no signature, and is the same object', async () => {
    const { verifier, verifications } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge()
    expect(await verify(token)).toBe(await verify(token))
    expect(verifications()).toBe(1)
  })

  it('is verified anew each time where nothing is remembered', async () => {
    const { verifier, verifications } = await setup({ '1': world.issuer })
    const verify = verifier({ cacheSize: 0 })
    const token = await world.forge()
    expect(await verify(token)).not.toBe(await verify(token))
    expect(verifications()).toBe(2)
  })

  it('CRED-9.2.1-01: is refused once it has expired', async () => {
    const { verifier, clock } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge({ claims: { exp: NOW + 60 } })
    await verify(token)
    clock.advance(89.9)
    expect(await codeOf(verify(token))).toBe('ok')
    clock.advance(0.1)
    expect(await codeOf(verify(token))).toBe('ERR_WIT_EXPIRED')
  })

  it('CRED-3-05: is refused at once when its key was removed', async () => {
    const { verifier, publish } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge()
    await verify(token)
    publish({ '2': await signerOf('other') })
    expect(await codeOf(verify(token))).toBe('ERR_WIT_KEY_UNKNOWN')
  })

  it('CRED-3-05: is verified anew under changed anchors, and kept with them', async () => {
    const { verifier, publish, verifications } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge()
    const before = await verify(token)
    publish({ '1': world.issuer, '2': await signerOf('other') })
    const after = await verify(token)
    expect(after).not.toBe(before)
    expect(await verify(token)).toBe(after)
    expect(verifications()).toBe(2)
  })

  it('is refused when another key has taken the kid of its own', async () => {
    const { verifier, publish } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge()
    await verify(token)
    publish({ '1': await signerOf('other') })
    expect(await codeOf(verify(token))).toBe('ERR_WIT_SIGNATURE')
  })

  it('CRED-3-01: is refused under its own code when its trust domain was withdrawn, and verified anew when it is back', async () => {
    const { verifier, publish, withdraw, verifications } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge()
    await verify(token)
    withdraw()
    expect(await codeOf(verify(token))).toBe('ERR_WIT_TRUST_DOMAIN')
    publish({ '1': world.issuer })
    expect(await codeOf(verify(token))).toBe('ok')
    expect(verifications()).toBe(2)
  })

  it('is refused as ERR_TRUST_STALE when its anchors were not confirmed for too long, seen or not', async () => {
    const { verifier, clock, lose } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge({ claims: { exp: NOW + 80_000 } })
    await verify(token)
    lose()
    clock.advance(3601)
    expect(await codeOf(verify(token))).toBe('ERR_TRUST_STALE')
    expect(await codeOf(verify(await world.forge({ claims: { exp: NOW + 80_000, jti: 'b' } })))).toBe('ERR_TRUST_STALE')
  })

  it('makes room when it is the oldest of more than are remembered', async () => {
    const { verifier, verifications } = await setup({ '1': world.issuer })
    const verify = verifier({ cacheSize: 2 })
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((jti) => world.forge({ claims: { jti } })))
    for (const token of [a, b, c, c, b]) await verify(token ?? '')
    expect(verifications()).toBe(3)
    await verify(a ?? '')
    expect(verifications()).toBe(4)
  })

  it('is remembered once, however many requests bring it at the same time', async () => {
    const { verifier, verifications } = await setup({ '1': world.issuer })
    const verify = verifier({ cacheSize: 2 })
    const [a, b] = [await world.forge({ claims: { jti: 'a' } }), await world.forge({ claims: { jti: 'b' } })]
    await verify(a)
    await Promise.all([verify(b), verify(b), verify(b)])
    const before = verifications()
    await verify(a)
    await verify(b)
    expect(verifications()).toBe(before)
  })

  it('CRED-9.4-04: when it was renewed for the same key, keeps the key, of which no more are kept than WITs', async () => {
    const { verifier } = await setup({ '1': world.issuer })
    const verify = verifier({ cacheSize: 1 })
    const other = { cnf: { jwk: (await signerOf('other')).publicJwk } }
    const keyOf = async (claims: object): Promise<Verifier> => (await verify(await world.forge({ claims: { ...claims } }))).confirmation
    const first = await keyOf({ jti: 'a' })
    expect(await keyOf({ jti: 'b' })).toBe(first)
    expect((await keyOf(other)).thumbprint).not.toBe(first.thumbprint)
    expect(await keyOf({ jti: 'c' })).not.toBe(first)
  })

  it('CRED-5.1.4-06: leaves room for no refused one', async () => {
    const { verifier, verifications } = await setup({ '1': world.issuer })
    const verify = verifier({ cacheSize: 1 })
    const token = await world.forge()
    await verify(token)
    expect(await codeOf(verify(await world.forge({ signer: await signerOf('other') })))).toBe('ERR_WIT_SIGNATURE')
    await verify(token)
    expect(verifications()).toBe(2)
  })
})

describe('a WIT that is judged for a moment in the past', () => {
  it('CRED-9.2.1-01: may have expired since, and passes nowhere else, remembered or not', async () => {
    const { verifier, clock, verifications } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge({ claims: { exp: NOW + 60 } })
    clock.advance(1000)
    expect(await codeOf(verify(token))).toBe('ERR_WIT_EXPIRED')
    const wit = await verify(token, { at: NOW + 10 })
    expect(wit.refusedFrom).toBe(NOW + 90)
    expect(await codeOf(verify(token))).toBe('ERR_WIT_EXPIRED')
    expect(await codeOf(verify(token, { at: NOW + 90 }))).toBe('ERR_WIT_EXPIRED')
    expect(await codeOf(verifier()(token))).toBe('ERR_WIT_EXPIRED')
    const before = verifications()
    expect(await verify(token, { at: NOW + 89.9 })).toBe(wit)
    expect(verifications()).toBe(before)
  })

  it('WSVID-3.5-02: is refused for one before it was valid, although it is remembered as valid now', async () => {
    const { verifier, clock } = await setup({ '1': world.issuer })
    const verify = verifier()
    clock.advance(200)
    const token = await world.forge({ claims: { nbf: NOW + 100, exp: NOW + 400 } })
    expect(await codeOf(verify(token))).toBe('ok')
    expect(await codeOf(verify(token, { at: NOW + 69.9 }))).toBe('ERR_WIT_NOT_YET_VALID')
    expect(await codeOf(verify(token, { at: NOW + 70 }))).toBe('ok')
  })

  it('CRED-5.1.4-10, WSVID-3.5-05: is refused for one before which it would have lived too long', async () => {
    const { verifier, clock } = await setup({ '1': world.issuer })
    const verify = verifier({ maxLifetimeSeconds: 300 })
    clock.advance(200)
    const token = await world.forge({ claims: { exp: NOW + 400 } })
    expect(await codeOf(verify(token))).toBe('ok')
    expect(await codeOf(verify(token, { at: NOW + 69.9 }))).toBe('ERR_WIT_LIFETIME')
    expect(await codeOf(verify(token, { at: NOW + 70 }))).toBe('ok')
  })

  it('CRED-3-05: is judged by the anchors of now', async () => {
    const { verifier, publish } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge()
    expect(await codeOf(verify(token, { at: NOW - 10 }))).toBe('ok')
    publish({ '2': await signerOf('other') })
    expect(await codeOf(verify(token, { at: NOW - 10 }))).toBe('ERR_WIT_KEY_UNKNOWN')
  })

  it.each([NOW + 30.1, Number.NaN, Number.POSITIVE_INFINITY])('is judged for no moment in the future: %s', async (at) => {
    const verify = (await setup({ '1': world.issuer })).verifier()
    const token = await world.forge()
    expect(await codeOf(verify(token, { at }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(verify(token, { at: NOW + 30 }))).toBe('ok')
  })
})

describe('an unknown kid', () => {
  it('CRED-3-08: is asked for once per cooldown and then refused', async () => {
    const { verifier, refreshes, clock } = await setup({ '1': world.issuer })
    const verify = verifier()
    const token = await world.forge({ header: { kid: '2' } })
    for (let times = 0; times < 3; times += 1) expect(await codeOf(verify(token))).toBe('ERR_WIT_KEY_UNKNOWN')
    expect(refreshes()).toBe(1)
    clock.advance(11)
    expect(await codeOf(verify(token))).toBe('ERR_WIT_KEY_UNKNOWN')
    expect(refreshes()).toBe(2)
  })

  it('CRED-3-05, CRED-3-08: is found when the source has it by now', async () => {
    const { verifier, onRefresh, publish } = await setup({ '1': await signerOf('other') })
    onRefresh(() => publish({ '2': world.issuer }))
    expect(await codeOf(verifier()(await world.forge({ header: { kid: '2' } })))).toBe('ok')
  })

  it('TDD-6.4-01: of an unknown trust domain makes nobody ask', async () => {
    const { verifier, refreshes } = await setup({ '1': world.issuer })
    expect(await codeOf(verifier()(await world.forge({ claims: { sub: 'spiffe://evil.example/x' } })))).toBe('ERR_WIT_TRUST_DOMAIN')
    expect(refreshes()).toBe(0)
  })
})
