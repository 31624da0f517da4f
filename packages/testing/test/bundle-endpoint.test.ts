import { utf8 } from '@wimse/core'
import { bundleEndpointSource, createTrustStore } from '@wimse/trust'
import { nodeFetchBundle } from '@wimse/trust/node'
import { afterEach, describe, expect, it } from 'vitest'
import { type BundleEndpointServer, createTestAuthority, createTestRuntime, startBundleEndpoint, type TestAuthority } from '../src/index.ts'

const closing: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close()
})
const runtime = createTestRuntime()

async function start(profile: 'https_spiffe' | 'https_web') {
  const authority = await createTestAuthority({ trustDomain: 'bank.example', runtime })
  const endpoint = await startBundleEndpoint({ authority, profile })
  closing.push(endpoint)
  return { authority, endpoint }
}

/** A store that follows the endpoint. */
async function follow(authority: TestAuthority, { url, identifier, webAuthorityPem }: BundleEndpointServer) {
  const source = bundleEndpointSource({
    trustDomain: authority.trustDomain,
    url,
    profile:
      webAuthorityPem === undefined
        ? { kind: 'https_spiffe', endpointIdentifier: identifier, bootstrap: authority.contents() }
        : { kind: 'https_web' },
    fetchBundle: nodeFetchBundle({ runtime, ...(webAuthorityPem !== undefined && { ca: webAuthorityPem }) }),
    runtime,
  })
  const store = createTrustStore({ sources: [source], refreshCooldownSeconds: 0, runtime })
  closing.push(store)
  await store.start()
  return store
}

describe('a bundle endpoint', () => {
  it.each(['https_spiffe', 'https_web'] as const)('serves by %s what the authority publishes', async (profile) => {
    const { authority, endpoint } = await start(profile)
    const store = await follow(authority, endpoint)
    expect(store.bundle(authority.trustDomain).witAuthorities).toHaveLength(1)
    await authority.rotate('wit')
    await store.refresh(authority.trustDomain)
    expect(store.bundle(authority.trustDomain).witAuthorities).toHaveLength(2)
    expect(endpoint.requests).toBe(2)
  })

  it('is followed by https_spiffe through a rotation that was published before', async () => {
    const { authority, endpoint } = await start('https_spiffe')
    const store = await follow(authority, endpoint)
    const steps = [
      { change: () => authority.prepare('x509'), roots: 2 },
      { change: () => authority.rotate('x509'), roots: 2 },
      { change: () => authority.withdraw('x509'), roots: 1 },
    ]
    for (const { change, roots } of steps) {
      await change()
      await endpoint.renewed()
      await store.refresh(authority.trustDomain)
      expect(store.bundle(authority.trustDomain).x509Authorities).toHaveLength(roots)
    }
  })

  it('serves something else when told', async () => {
    const { authority, endpoint } = await start('https_web')
    const store = await follow(authority, endpoint)
    endpoint.serve(utf8('{'))
    await store.refresh(authority.trustDomain)
    expect(store.status().flatMap(({ errors }) => errors.map(({ code }) => code))).toEqual(['ERR_TRUST_BUNDLE_MALFORMED'])
    expect(store.bundle(authority.trustDomain).witAuthorities).toHaveLength(1)
  })
})
