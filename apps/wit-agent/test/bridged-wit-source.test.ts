import { Code } from '@connectrpc/connect'
import type { Runtime } from '@wimse/core'
import { decodeUnverifiedJws, type SignatureAlgorithm } from '@wimse/keys'
import type { WitCredential } from '@wimse/wit'
import type { X509Credential } from '@wimse/workload-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BridgedWitSource, createBridgedWitSource } from '../src/client/bridged-wit-source.ts'
import { AGENT, createHarness, type Harness, until } from './harness.ts'

let harness: Harness
let endpoint: string
let credential: X509Credential
let sources: BridgedWitSource[]
let waits: number[]
let failures: string[]

beforeEach(async () => {
  harness = await createHarness()
  // The agent's own SVID outlives every leap of these tests' clock.
  harness.server.entries = harness.server.entries.map((entry) => (entry.id === 'e-agent' ? { ...entry, ttlSeconds: 3600 } : entry))
  const { wit } = await (await harness.start()).ready()
  endpoint = `https://127.0.0.1:${wit}`
  credential = await harness.server.workloadSvid('/orders')
  sources = []
  waits = []
  failures = []
})

afterEach(async () => {
  for (const source of sources) source.close()
  await harness.close()
})

function open(change: { readonly agentIdentifier?: string; readonly algorithm?: SignatureAlgorithm; readonly hint?: string } = {}) {
  const runtime: Runtime = {
    ...harness.clock,
    delay(milliseconds, signal) {
      waits.push(milliseconds)
      return harness.clock.delay(milliseconds, signal)
    },
  }
  const source = createBridgedWitSource({
    x509Source: { current: () => credential, ready: async () => undefined },
    endpoint,
    agentIdentifier: AGENT,
    trust: harness.trust,
    runtime,
    onFailure: ({ error }) => failures.push(error.code),
    ...change,
  })
  sources.push(source)
  return source
}

/** Lets the time of the source's wait pass. */
async function pass(seconds: number): Promise<void> {
  const before = waits.length
  harness.clock.advance(seconds)
  await until(() => waits.length > before)
}

describe('createBridgedWitSource', () => {
  it('gives a WIT-SVID for the identity of the X.509-SVID, bound to a key of its own', async () => {
    const source = open({ algorithm: 'ES384' })
    await source.ready()
    const wit = source.current()
    expect(wit.identifier).toBe(credential.identifier)
    expect(wit.signer.algorithm).toBe('ES384')
    expect(decodeUnverifiedJws(wit.token).payload['cnf']).toEqual({ jwk: wit.signer.publicJwk })
  })

  it('renews at about half of its life, with a new key each time, and tells who listens', async () => {
    const source = open()
    await source.ready()
    const seen: WitCredential[] = []
    source.onRotate((wit) => seen.push(wit))
    const first = source.current()
    await until(() => waits.length === 1)
    expect(waits[0]).toBeGreaterThanOrEqual(0.4 * 120_000)
    expect(waits[0]).toBeLessThanOrEqual(0.6 * 120_000)
    await pass((waits[0] ?? 0) / 1000)
    const second = source.current()
    expect(seen).toEqual([second])
    expect(second.signer.thumbprint).not.toBe(first.signer.thumbprint)
    expect(second.expiresAt).toBeGreaterThan(first.expiresAt)
  })

  it('keeps the last one while no new one is to be had, up to its end and no longer', async () => {
    const source = open()
    await source.ready()
    const first = source.current()
    await until(() => waits.length === 1)
    harness.server.failures.set('wit', Code.Unavailable)
    await pass(75)
    expect(failures).toContain('ERR_WIT_AGENT_UPSTREAM')
    expect(source.current()).toBe(first)
    await pass(45)
    expect(() => source.current()).toThrowError(expect.objectContaining({ code: 'ERR_CREDENTIAL_EXPIRED' }))
    harness.server.failures.clear()
    await pass(10)
    expect(source.current().expiresAt).toBeGreaterThan(first.expiresAt)
  })

  it('withdraws it when the entry has gone', async () => {
    const source = open()
    await source.ready()
    await until(() => waits.length === 1)
    harness.server.entries = harness.server.entries.filter(({ id }) => id !== 'e-orders')
    await pass(75)
    expect(failures).toContain('ERR_WIT_AGENT_NOT_ENTITLED')
    expect(() => source.current()).toThrowError(expect.objectContaining({ code: 'ERR_CREDENTIAL_UNAVAILABLE' }))
  })

  it.each([
    ['an agent that is another workload', { agentIdentifier: 'spiffe://shop.example/impostor' }, 'ERR_MTLS_PEER'],
    ['an agent of a trust domain without roots', { agentIdentifier: 'spiffe://bank.example/wit-agent' }, 'ERR_MTLS_PEER'],
    ['a hint that no entry has', { hint: 'green' }, 'ERR_WIT_AGENT_NOT_ENTITLED'],
  ])('tells of %s, and tries again', async (_title, change, code) => {
    const source = open(change)
    await until(() => waits.length === 1)
    await pass(10)
    expect(failures).toEqual([code, code])
    expect(() => source.current()).toThrowError(expect.objectContaining({ code: 'ERR_CREDENTIAL_UNAVAILABLE' }))
  })

  it('does not take a WIT-SVID for another identity', async () => {
    credential = await harness.server.workloadSvid('/fraud')
    open()
    await until(() => waits.length === 1)
    expect(failures).toEqual(['ERR_WIT_AGENT_NOT_ENTITLED'])
  })

  it('forgets everything when it is closed', async () => {
    const source = open()
    await source.ready()
    source.close()
    expect(() => source.current()).toThrowError(expect.objectContaining({ code: 'ERR_CREDENTIAL_UNAVAILABLE' }))
  })

  it.each([
    ['a plain address', { endpoint: 'http://127.0.0.1:1' }],
    ['no address', { endpoint: 'nowhere' }],
    ['an algorithm that a WIT-SVID may not name (WSVID-3.2-04)', { algorithm: 'EdDSA' as const }],
  ])('refuses %s', (_title, change) => {
    const x509Source = { current: () => credential, ready: async () => undefined }
    const options = { x509Source, endpoint, agentIdentifier: AGENT, trust: harness.trust, runtime: harness.clock, ...change }
    expect(() => createBridgedWitSource(options)).toThrowError(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }))
  })
})
