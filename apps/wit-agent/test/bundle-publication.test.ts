import { parseTrustDomain } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import type { TrustDomainBundle } from '@wimse/spire-api'
import { createTestAuthority, createTestRuntime } from '@wimse/testing'
import { parseSpiffeBundle } from '@wimse/trust'
import { spkiOfJwk } from '@wimse/x509'
import { beforeAll, describe, expect, it } from 'vitest'
import { nothingPublished, publishBundle } from '../src/spire/bundle-publication.ts'

const trustDomain = parseTrustDomain('shop.example')
const runtime = createTestRuntime()
const options = { refreshHintSeconds: 30, runtime }
let bundle: TrustDomainBundle

const keyOf = async (keyId: string, tainted = false) => ({
  keyId,
  publicKey: spkiOfJwk((await generateSigner('ES256', runtime)).signer.publicJwk),
  expiresAt: 0,
  tainted,
})

beforeAll(async () => {
  const { x509Authorities = [] } = (await createTestAuthority({ trustDomain, runtime })).contents()
  bundle = {
    trustDomain,
    x509Authorities: x509Authorities.map((certificate) => ({ certificate, tainted: false })),
    jwtAuthorities: [await keyOf('jwt')],
    witAuthorities: [await keyOf('wit-a'), await keyOf('wit-b', true)],
    refreshHintSeconds: 0,
    sequence: 3n,
  }
})

describe('publishBundle', () => {
  it('writes a document that gives all keys back, tainted ones until they are revoked (WSVID-6.1-01, BUNDLE-4.1.2-02)', async () => {
    const { document, anchors } = await publishBundle(bundle, { ...options, previous: nothingPublished(0) })
    const contents = parseSpiffeBundle(document ?? new Uint8Array(), { trustDomain, runtime })
    expect(contents.witAuthorities?.map(({ keyId }) => keyId)).toEqual(['wit-a', 'wit-b'])
    expect(contents.jwtAuthorities?.map(({ keyId }) => keyId)).toEqual(['jwt'])
    expect(contents.x509Authorities).toEqual(anchors)
    expect(contents).toMatchObject({ sequence: runtime.now(), refreshHintSeconds: 30 })
  })

  it('keeps document and sequence as long as no key has changed, in whatever order they come', async () => {
    const first = await publishBundle(bundle, { ...options, previous: nothingPublished(0) })
    const shuffled = { ...bundle, sequence: 4n, witAuthorities: bundle.witAuthorities.toReversed() }
    expect(await publishBundle(shuffled, { ...options, previous: first })).toBe(first)
  })

  it('counts on from the highest number ever, even where the clock went back (BUNDLE-4.1.1-02, BUNDLE-4.1.1-03)', async () => {
    const later = runtime.now() + 5000
    const first = await publishBundle(bundle, { ...options, previous: nothingPublished(later) })
    expect(first.sequence).toBe(later + 1)
    const second = await publishBundle({ ...bundle, witAuthorities: [] }, { ...options, previous: first })
    expect(second.sequence).toBe(later + 2)
  })

  it.each([
    ['two WIT keys of one kid (WSVID-6.1-04)', async () => ({ witAuthorities: [await keyOf('a'), await keyOf('a')] })],
    ['a JWT key with the kid of a WIT key (WSVID-6.1-05)', async () => ({ jwtAuthorities: [await keyOf('wit-a')] })],
    ['a WIT key without kid (WSVID-6.1-03)', async () => ({ witAuthorities: [await keyOf('')] })],
    ['no X.509 root', async () => ({ x509Authorities: [] })],
    ['a certificate that is none', async () => ({ x509Authorities: [{ certificate: new Uint8Array([1]), tainted: false }] })],
  ])('refuses %s', async (_title, change) => {
    const previous = nothingPublished(0)
    await expect(publishBundle({ ...bundle, ...(await change()) }, { ...options, previous })).rejects.toMatchObject({
      code: 'ERR_SPIRE_API_MALFORMED',
    })
  })
})
