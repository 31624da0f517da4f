import { getEventListeners } from 'node:events'
import { parseWorkloadIdentifier } from '@wimse/core'
import type { WorkloadApiAnswers } from '@wimse/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  fetchJwtSvid,
  fetchJwtSvids,
  validateJwtSvid,
  type WitContext,
  watchJwtBundles,
  watchWitBundles,
  watchWitSvids,
} from '../src/index.ts'
import { follow, type Harness, ORDERS, orders, startHarness } from './harness.ts'

const AUDIT = parseWorkloadIdentifier('spiffe://shop.example/audit')
const AUDIENCE = 'https://payments.shop.example'

let harness: Harness
beforeEach(async () => {
  harness = await startHarness({ identities: [orders, { identifier: AUDIT }] })
})
afterEach(() => harness.close())

const withCode = (code: string) => expect.objectContaining({ code })

describe('JWT-SVIDs', () => {
  it('WLAPI-6.1-01 WLAPI-6.1-02 WLAPI-6.2.1-01 WLAPI-6.2.1-03 WLAPI-8-01: are fetched, the default one first', async () => {
    const svids = await fetchJwtSvids(harness.api, { audience: [AUDIENCE, 'b'] })
    expect(svids.map(({ identifier }) => identifier)).toEqual([ORDERS, AUDIT])
    expect(svids[0]).toMatchObject({ trustDomain: 'shop.example', audience: [AUDIENCE, 'b'], hint: 'internal' })
    expect(svids[0].expiresAt).toBe(harness.runtime.now() / 1000 + 300)
  })

  it('WLAPI-6.2.1-02: of one identity are fetched', async () => {
    expect((await fetchJwtSvid(harness.api, { audience: AUDIENCE, identifier: AUDIT })).identifier).toBe(AUDIT)
  })

  it('WLAPI-6.2.1-08: of another workload are denied', async () => {
    const identifier = parseWorkloadIdentifier('spiffe://shop.example/other')
    await expect(fetchJwtSvid(harness.api, { audience: AUDIENCE, identifier })).rejects.toThrow(withCode('ERR_WORKLOAD_API_NO_IDENTITY'))
  })

  it.each([[[]], [''], [['a', '']]])('WLAPI-6.1-01: a request without an audience is not sent', async (audience) => {
    await expect(fetchJwtSvid(harness.api, { audience })).rejects.toThrow(withCode('ERR_OPTIONS_INVALID'))
    expect(harness.fake.server.calls.fetchJWTSVID).toBe(0)
  })

  const svid = async (change: object = {}) => ({
    spiffeId: ORDERS,
    svid: await harness.authority.issueJwtSvid(ORDERS, { audience: [AUDIENCE] }),
    hint: '',
    ...change,
  })
  it.each<[string, () => Promise<object>]>([
    ['WLAPI-6.2.1-04: nothing', async () => ({ svids: [] })],
    ['WLAPI-6.2.1-05: no token', async () => ({ svids: [await svid({ svid: '' })] })],
    ['WLAPI-6.2.1-05: no spiffe_id', async () => ({ svids: [await svid({ spiffeId: '' })] })],
    ['WLAPI-6.1-02: a token that is no compact JWS', async () => ({ svids: [await svid({ svid: '{"payload":""}' })] })],
    ['a token of another identity', async () => ({ svids: [await svid({ spiffeId: AUDIT })] })],
    [
      'WLAPI-6.2.1-01: a token for another audience',
      async () => ({
        svids: [await svid({ svid: await harness.authority.issueJwtSvid(ORDERS, { audience: ['other'] }) })],
      }),
    ],
  ])('an answer is refused that holds %s', async (_title, response) => {
    const answer = await response()
    harness.fake.server.answer({ fetchJWTSVID: async () => answer })
    await expect(fetchJwtSvid(harness.api, { audience: AUDIENCE })).rejects.toThrow(withCode('ERR_WORKLOAD_API_RESPONSE'))
  })

  it('an answer is refused that holds a token whose end has passed', async () => {
    const answer = { svids: [await svid()] }
    harness.fake.server.answer({ fetchJWTSVID: async () => answer })
    harness.runtime.advance(301)
    await expect(fetchJwtSvid(harness.api, { audience: AUDIENCE })).rejects.toThrow(withCode('ERR_WORKLOAD_API_RESPONSE'))
  })

  it('WLAPI-6.2.1-06 WLAPI-6.2.1-07: of two with one hint, the first counts', async () => {
    const answer = { svids: [await svid({ hint: 'a' }), await svid({ hint: 'a' }), await svid()] }
    harness.fake.server.answer({ fetchJWTSVID: async () => answer })
    expect(await fetchJwtSvids(harness.api, { audience: AUDIENCE })).toHaveLength(2)
  })

  it.each([
    ['WLEP-A-04', 'Unimplemented', 'ERR_WORKLOAD_API_UNIMPLEMENTED'],
    ['WLEP-6-02', 'InvalidArgument', 'ERR_WORKLOAD_API_INVALID_ARGUMENT'],
    ['WLEP-6-04', 'Unavailable', 'ERR_WORKLOAD_API_UNAVAILABLE'],
  ] as const)('%s: %s becomes a code', async (_id, status, code) => {
    harness.fake.server.answer({ fetchJWTSVID: async () => status })
    await expect(fetchJwtSvid(harness.api, { audience: AUDIENCE })).rejects.toThrow(withCode(code))
  })

  it('WLAPI-6.3-01 WLAPI-6.2.3-02 WLAPI-6.2.3-04 WLAPI-6.2.3-05: the server validates one for us', async () => {
    const { token } = await fetchJwtSvid(harness.api, { audience: AUDIENCE })
    const { identifier, claims } = await validateJwtSvid(harness.api, { token, audience: AUDIENCE })
    expect([identifier, claims['sub'], claims['aud']]).toEqual([ORDERS, ORDERS, [AUDIENCE]])
  })

  it('WLAPI-6.1-03 WLAPI-6.3-01: the server refuses one for another audience', async () => {
    const { token } = await fetchJwtSvid(harness.api, { audience: 'other' })
    const validation = validateJwtSvid(harness.api, { token, audience: AUDIENCE })
    await expect(validation).rejects.toThrow(withCode('ERR_WORKLOAD_API_INVALID_ARGUMENT'))
  })

  it.each([
    ['no claims', { spiffeId: ORDERS }],
    ['no spiffe_id', { claims: { sub: ORDERS } }],
    ['claims of another subject', { spiffeId: ORDERS, claims: { sub: AUDIT } }],
  ])('WLAPI-6.2.3-04 WLAPI-6.2.3-05: an answer with %s is refused', async (_title, answer) => {
    harness.fake.server.answer({ validateJWTSVID: async () => answer })
    const validation = validateJwtSvid(harness.api, { token: 'a', audience: AUDIENCE })
    await expect(validation).rejects.toThrow(withCode('ERR_WORKLOAD_API_RESPONSE'))
  })

  it('calls leave no listener behind on the connection', async () => {
    for (let call = 0; call < 3; call += 1) await fetchJwtSvid(harness.api, { audience: AUDIENCE })
    harness.fake.server.answer({ fetchJWTSVID: async () => 'Unavailable' })
    await expect(fetchJwtSvid(harness.api, { audience: AUDIENCE })).rejects.toThrow(withCode('ERR_WORKLOAD_API_UNAVAILABLE'))
    expect(getEventListeners(harness.api.closed, 'abort')).toEqual([])
  })

  it('WLAPI-6.2.3-05: a request without token or audience is not sent', async () => {
    await expect(validateJwtSvid(harness.api, { token: '', audience: AUDIENCE })).rejects.toThrow(withCode('ERR_OPTIONS_INVALID'))
    await expect(validateJwtSvid(harness.api, { token: 'a', audience: '' })).rejects.toThrow(withCode('ERR_OPTIONS_INVALID'))
    expect(harness.fake.server.calls.validateJWTSVID).toBe(0)
  })
})

describe('WIT-SVIDs', () => {
  type Svid = NonNullable<Exclude<WorkloadApiAnswers['fetchWITSVID'], string>['svids']>[number]
  const svid = async (change: Partial<Svid> = {}): Promise<Svid> => {
    const { credential, privateJwk } = await harness.authority.issueWit(ORDERS)
    return { spiffeId: ORDERS, witSvid: credential.token, witSvidKey: JSON.stringify(privateJwk), hint: '', ...change }
  }

  it('WLAPI-7.1-03 WLAPI-7.2.1-02 WLAPI-7.2.1-04 WLAPI-8-01: come with their keys, the default one first', async () => {
    const { svids } = await follow(harness.api, watchWitSvids).update()
    expect(svids.map(({ identifier }) => identifier)).toEqual([ORDERS, AUDIT])
    expect(svids[0]).toMatchObject({ hint: 'internal', signer: { algorithm: 'ES256' } })
    expect(svids[0].expiresAt).toBe(harness.runtime.now() / 1000 + 300)
  })

  it('WLAPI-7.2.1-01: of one identity are watched', async () => {
    const watched = follow<WitContext>(harness.api, (api, watcher, options) =>
      watchWitSvids(api, watcher, { ...options, identifier: AUDIT }),
    )
    expect((await watched.update()).svids.map(({ identifier }) => identifier)).toEqual([AUDIT])
  })

  it('WLAPI-7.1-03: a private key without alg takes the one of the token', async () => {
    const { credential, privateJwk } = await harness.authority.issueWit(ORDERS)
    const { alg: _alg, ...witSvidKey } = privateJwk
    const answer = { svids: [await svid({ witSvid: credential.token, witSvidKey: JSON.stringify(witSvidKey) })] }
    harness.fake.server.answer({ fetchWITSVID: answer })
    expect((await follow(harness.api, watchWitSvids).update()).svids[0].signer.algorithm).toBe('ES256')
  })

  it('WLAPI-7.2.1-05 WLAPI-7.2.1-06: of two with one hint, the first counts', async () => {
    harness.fake.server.answer({ fetchWITSVID: { svids: [await svid({ hint: 'a' }), await svid({ hint: 'a' })] } })
    expect((await follow(harness.api, watchWitSvids).update()).svids).toHaveLength(1)
  })

  it.each<[string, () => Promise<readonly Svid[]>]>([
    ['WLAPI-7.2.1-03: nothing', async () => []],
    ['WLAPI-7.2.1-04: no key', async () => [await svid({ witSvidKey: '' })]],
    ['WLAPI-7.2.1-04: no token', async () => [await svid({ witSvid: '' })]],
    ['WLAPI-7.2.1-04: no spiffe_id', async () => [await svid({ spiffeId: '' })]],
    ['WLAPI-7.1-03: a token that is no compact JWS', async () => [await svid({ witSvid: '{}' })]],
    ['WLAPI-7.1-03: a key that is no JWK', async () => [await svid({ witSvidKey: 'MEECAQ' })]],
    [
      'WLAPI-7.1-03: a public key',
      async () => {
        const { credential } = await harness.authority.issueWit(ORDERS)
        return [await svid({ witSvid: credential.token, witSvidKey: JSON.stringify(credential.signer.publicJwk) })]
      },
    ],
    ['WLAPI-7.1-03: the key of another token', async () => [await svid({ witSvidKey: (await svid()).witSvidKey ?? '' })]],
    ['a token of another identity', async () => [await svid({ spiffeId: AUDIT })]],
  ])('a message is dropped that holds %s', async (_title, response) => {
    harness.fake.server.answer({ fetchWITSVID: { svids: [...(await response())] } })
    const { error, consequence } = await follow(harness.api, watchWitSvids).failure()
    expect([error.code, consequence]).toEqual(['ERR_WORKLOAD_API_RESPONSE', 'kept'])
  })
})

describe('key bundles', () => {
  const jwk = (change: object = {}): object => ({ ...harness.authority.contents().witAuthorities?.[0]?.jwk, ...change })
  const text = (...keys: readonly unknown[]): string => JSON.stringify({ keys })
  const answer = (bundles: Record<string, string>): void =>
    harness.fake.server.answer({
      fetchWITBundles: { bundles },
      fetchJWTBundles: { bundles: Object.fromEntries(Object.entries(bundles).map(([key, value]) => [key, Buffer.from(value)])) },
    })
  const SHOP = 'spiffe://shop.example'

  it.each([
    ['WLAPI-6.1-04 WLAPI-6.2.2-02 WLAPI-6.2.2-03', watchJwtBundles, 'jwt'],
    ['WLAPI-7.1-01 WLAPI-7.1-04 WLAPI-7.2.2-02 WLAPI-7.2.2-03', watchWitBundles, 'wit'],
  ] as const)('%s: are JWK Sets by trust domain, each message the whole set', async (_ids, watch, kind) => {
    const watched = follow(harness.api, watch)
    expect([...(await watched.update())].map(([trustDomain, keys]) => [trustDomain, keys.length])).toEqual([['shop.example', 1]])
    await harness.authority.rotate(kind)
    expect([...(await watched.update()).values()].map((keys) => keys.length)).toEqual([2])
    harness.authority.withdraw(kind)
    expect([...(await watched.update()).values()].map((keys) => keys.length)).toEqual([1])
  })

  it.each([
    ['WLAPI-6.2.2-01 WLAPI-6.2.2-05', watchJwtBundles, 'jwt-svid', 'wit-svid'],
    ['WLAPI-7.2.2-01', watchWitBundles, 'wit-svid', 'jwt-svid'],
  ] as const)('%s: a key for another use is passed over', async (_ids, watch, own, other) => {
    answer({ [SHOP]: text(jwk({ use: own, kid: 'a' }), jwk({ use: other, kid: 'b' }), jwk({ use: 'x509-svid', kid: 'c' })) })
    expect([...(await follow(harness.api, watch).update()).values()].map((keys) => keys.map(({ keyId }) => keyId))).toEqual([['a']])
  })

  it('a key of an unknown kind is passed over', async () => {
    answer({ [SHOP]: text(jwk(), { kty: 'XY', kid: 'other' }) })
    expect([...(await follow(harness.api, watchJwtBundles).update()).values()].map((keys) => keys.length)).toEqual([1])
  })

  it.each<[string, typeof watchJwtBundles, () => Record<string, string>]>([
    ['WLAPI-6.2.2-02: no bundle', watchJwtBundles, () => ({})],
    ['WLAPI-6.1-04: a bare trust domain as key', watchJwtBundles, () => ({ 'shop.example': text() })],
    ['WLAPI-6.2.2-03: no JSON', watchJwtBundles, () => ({ [SHOP]: 'keys' })],
    ['WLAPI-6.2.2-03: no keys', watchJwtBundles, () => ({ [SHOP]: '{}' })],
    ['WLAPI-6.2.2-03: a key that is no object', watchJwtBundles, () => ({ [SHOP]: text(1) })],
    ['WLAPI-6.2.2-03: a private key', watchJwtBundles, () => ({ [SHOP]: text(jwk({ d: 'AA' })) })],
    ['WLAPI-7.2.2-02: no WIT bundle', watchWitBundles, () => ({})],
    ['WLAPI-7.1-04: a bare trust domain as key of a WIT bundle', watchWitBundles, () => ({ 'shop.example': text() })],
    ['WLAPI-7.1-01 WLAPI-7.2.2-03: a WIT key without kid', watchWitBundles, () => ({ [SHOP]: text(jwk({ kid: undefined })) })],
    ['WLAPI-7.1-01 WLAPI-7.2.2-03: two WIT keys with one kid', watchWitBundles, () => ({ [SHOP]: text(jwk(), jwk()) })],
  ])('a message is dropped that holds %s', async (_title, watch, bundles) => {
    answer(bundles())
    const { error, consequence } = await follow(harness.api, watch).failure()
    expect([error.code, consequence]).toEqual(['ERR_WORKLOAD_API_RESPONSE', 'kept'])
  })
})
