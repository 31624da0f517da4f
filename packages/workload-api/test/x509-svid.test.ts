import { generateKeyPairSync } from 'node:crypto'
import { concatOctets, utf8 } from '@wimse/core'
import type { WorkloadApiAnswers } from '@wimse/testing'
import { createTestAuthority } from '@wimse/testing'
import { formatPem } from '@wimse/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_HINT_BYTES, selectIdentity, watchX509Bundles, watchX509Contexts } from '../src/index.ts'
import { follow, type Harness, ORDERS, orders, startHarness } from './harness.ts'

let harness: Harness
beforeEach(async () => {
  harness = await startHarness({ identities: [orders, { identifier: 'spiffe://shop.example/audit', hint: 'external' }] })
})
afterEach(() => harness.close())

type Response = Exclude<WorkloadApiAnswers['fetchX509SVID'], string>
type Svid = NonNullable<Response['svids']>[number]

/** What the server would send, with one change to the first SVID. */
async function svidWith(change: Partial<Svid>): Promise<Response> {
  const { authority } = harness
  const { chain, privateKey } = await authority.issueX509Svid(ORDERS)
  const bundle = concatOctets(authority.contents().x509Authorities ?? [])
  return { svids: [{ spiffeId: ORDERS, x509Svid: concatOctets(chain), x509SvidKey: privateKey, bundle, hint: '', ...change }] }
}

async function failureAfter(answer: Response): Promise<string> {
  const watched = follow(harness.api, watchX509Contexts)
  await watched.update()
  harness.fake.server.answer({ fetchX509SVID: answer })
  const { error, consequence } = await watched.failure()
  expect(consequence).toBe('kept')
  return error.code
}

describe('an X.509 message', () => {
  it('WLAPI-5.1-01 WLAPI-5.1-02 WLAPI-5.1-03 WLAPI-5.1-04 WLAPI-5.2.1-04: is taken with intermediates, leaf first', async () => {
    const authority = await createTestAuthority({ trustDomain: 'shop.example', intermediate: true, runtime: harness.runtime })
    const { chain, privateKey } = await authority.issueX509Svid(ORDERS)
    harness.fake.server.answer({ fetchX509SVID: await svidWith({ x509Svid: concatOctets(chain), x509SvidKey: privateKey }) })
    const { svids } = await follow(harness.api, watchX509Contexts).update()
    expect(svids[0]).toMatchObject({ identifier: ORDERS, trustDomain: 'shop.example', chain, privateKey })
    expect(svids[0].notAfter).toBe(harness.runtime.now() / 1000 + 3600)
  })

  it('WLAPI-8-01 WLAPI-8-02 WLAPI-8-03: keeps the order, and a hint selects', async () => {
    const { svids } = await follow(harness.api, watchX509Contexts).update()
    expect(selectIdentity(svids, {})).toBe(svids[0])
    expect(selectIdentity(svids, { hint: 'external' })).toBe(svids[1])
    expect(selectIdentity(svids, { hint: 'unheard of' })).toBeUndefined()
  })

  it('WLAPI-5.2.1-06 WLAPI-5.2.1-05: of two SVIDs with one hint, the first counts', async () => {
    await harness.fake.setIdentities([orders, { identifier: 'spiffe://shop.example/audit', hint: 'internal' }])
    const { svids } = await follow(harness.api, watchX509Contexts).update()
    expect(svids.map(({ identifier }) => identifier)).toEqual([ORDERS])
  })

  it('WLAPI-8-04: a hint of the longest length is taken', async () => {
    harness.fake.server.answer({ fetchX509SVID: await svidWith({ hint: 'x'.repeat(MAX_HINT_BYTES) }) })
    const { svids } = await follow(harness.api, watchX509Contexts).update()
    expect(svids[0].hint).toHaveLength(MAX_HINT_BYTES)
  })

  it('WLAPI-4.4-01 WLAPI-4.4-02 WLAPI-4.4-03 WLAPI-5.2.1-03: a message without federated bundles withdraws them', async () => {
    const bank = await createTestAuthority({ trustDomain: 'bank.example', runtime: harness.runtime })
    harness.fake.setFederated([bank])
    const watched = follow(harness.api, watchX509Contexts)
    expect([...(await watched.update()).bundles.keys()].sort()).toEqual(['bank.example', 'shop.example'])
    harness.fake.setFederated([])
    expect([...(await watched.update()).bundles.keys()]).toEqual(['shop.example'])
  })

  it('WLAPI-5.2.1-01: an SVID of its own trust domain is believed before a federated bundle of the same name', async () => {
    const liar = await createTestAuthority({ trustDomain: 'shop.example', runtime: harness.runtime })
    const answer = await svidWith({})
    const federatedBundles = { 'spiffe://shop.example': concatOctets(liar.contents().x509Authorities ?? []) }
    harness.fake.server.answer({ fetchX509SVID: { ...answer, federatedBundles } })
    const { bundles } = await follow(harness.api, watchX509Contexts).update()
    expect([...bundles.values()]).toEqual([harness.authority.contents().x509Authorities])
  })
})

describe('a malformed X.509 message is dropped, and what came before stays', () => {
  const encryptedKey = (): Uint8Array =>
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'x' },
    }).privateKey
  const issue = (identifier: string) => harness.authority.issueX509Svid(identifier)

  it.each<[string, () => Partial<Svid> | Promise<Partial<Svid>>]>([
    ['WLAPI-4.5-02 WLAPI-5.2.1-04: no spiffe_id', () => ({ spiffeId: '' })],
    ['WLAPI-5.2.1-04: a spiffe_id of another scheme', () => ({ spiffeId: 'wimse://shop.example/orders' })],
    ['WLAPI-5.2.1-04: a spiffe_id without a path', () => ({ spiffeId: 'spiffe://shop.example' })],
    ['WLAPI-5.2.1-04: no certificate', () => ({ x509Svid: new Uint8Array() })],
    ['WLAPI-4.5-02 WLAPI-5.2.1-04: no key', () => ({ x509SvidKey: new Uint8Array() })],
    ['WLAPI-5.2.1-04: no bundle', () => ({ bundle: new Uint8Array() })],
    [
      'WLAPI-5.1-02: the root in front of the leaf',
      async () => {
        const roots = harness.authority.contents().x509Authorities ?? []
        const { chain, privateKey } = await issue(ORDERS)
        return { x509Svid: concatOctets([...roots, ...chain]), x509SvidKey: privateKey }
      },
    ],
    [
      'WLAPI-5.1-02: a leaf of another identity',
      async () => {
        const { chain, privateKey } = await issue('spiffe://shop.example/audit')
        return { x509Svid: concatOctets(chain), x509SvidKey: privateKey }
      },
    ],
    ['WLAPI-5.1-03: an encrypted key', () => ({ x509SvidKey: encryptedKey() })],
    ['WLAPI-5.1-03: the key of another certificate', async () => ({ x509SvidKey: (await issue(ORDERS)).privateKey })],
    [
      'WLAPI-5.1-04: a certificate in PEM',
      async () => {
        const { chain, privateKey } = await issue(ORDERS)
        return { x509Svid: utf8(chain.map((der) => formatPem('CERTIFICATE', der)).join('')), x509SvidKey: privateKey }
      },
    ],
    [
      'WLAPI-5.1-04: a key in PEM',
      async () => {
        const { chain, privateKey } = await issue(ORDERS)
        return { x509Svid: concatOctets(chain), x509SvidKey: utf8(formatPem('PRIVATE KEY', privateKey)) }
      },
    ],
    [
      'WLAPI-5.1-04: octets after the last certificate',
      async () => {
        const { chain, privateKey } = await issue(ORDERS)
        return { x509Svid: concatOctets([...chain, Uint8Array.of(0)]), x509SvidKey: privateKey }
      },
    ],
    ['WLAPI-5.1-04: a bundle that is no DER', () => ({ bundle: utf8('bundle') })],
    ['WLAPI-8-04: a hint that is too long', () => ({ hint: 'x'.repeat(MAX_HINT_BYTES + 1) })],
  ])('%s', async (_title, change) => {
    expect(await failureAfter(await svidWith(await change()))).toBe('ERR_WORKLOAD_API_RESPONSE')
  })

  it('WLAPI-5.2.1-02 WLAPI-4.5-02: no SVID at all', async () => {
    expect(await failureAfter({ svids: [] })).toBe('ERR_WORKLOAD_API_RESPONSE')
  })

  it('WLAPI-5.1-05: a bundle under a key that is no SPIFFE ID', async () => {
    const answer = await svidWith({})
    expect(await failureAfter({ ...answer, federatedBundles: { 'bank.example': new Uint8Array() } })).toBe('ERR_WORKLOAD_API_RESPONSE')
  })
})

describe('X.509 bundles', () => {
  it('WLAPI-5.1-05 WLAPI-5.2.2-02 WLAPI-5.2.2-03 WLAPI-4.4-06: each message is the whole set', async () => {
    const bank = await createTestAuthority({ trustDomain: 'bank.example', runtime: harness.runtime })
    harness.fake.setFederated([bank])
    const watched = follow(harness.api, watchX509Bundles)
    expect((await watched.update()).bundles.size).toBe(2)
    await harness.authority.rotate('x509')
    const { bundles, revocationLists } = await watched.update()
    expect([...bundles.values()].map((roots) => roots.length)).toEqual([2, 1])
    expect(revocationLists).toEqual([])
    harness.fake.setFederated([])
    expect((await watched.update()).bundles.size).toBe(1)
  })

  it.each([
    ['WLAPI-5.2.2-02: no bundle', {}],
    ['WLAPI-5.1-05: a key with a path', { 'spiffe://shop.example/orders': new Uint8Array() }],
    ['WLAPI-5.1-04: no DER', { 'spiffe://shop.example': utf8('bundle') }],
  ])('refuses a message with %s', async (_title, bundles) => {
    harness.fake.server.answer({ fetchX509Bundles: { bundles } })
    const { error, consequence } = await follow(harness.api, watchX509Bundles).failure()
    expect([error.code, consequence]).toEqual(['ERR_WORKLOAD_API_RESPONSE', 'kept'])
  })
})
