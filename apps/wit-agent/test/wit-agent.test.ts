import { readFile, stat, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { Code } from '@connectrpc/connect'
import { parseTrustDomain, parseWorkloadIdentifier, utf8 } from '@wimse/core'
import { generateSigner, type SignatureAlgorithm } from '@wimse/keys'
import { parseSpiffeBundle, staticTrust } from '@wimse/trust'
import { verifyWit } from '@wimse/wit'
import type { X509Credential } from '@wimse/workload-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWitRequest } from '../src/request/wit-request.ts'
import { AGENT, createHarness, type Harness, TRUST_DOMAIN, until } from './harness.ts'

let harness: Harness

beforeEach(async () => {
  harness = await createHarness()
})

afterEach(() => harness.close())

async function bodyFor(credential: X509Credential, { algorithm = 'ES256' as SignatureAlgorithm, hint = '', subject = '' } = {}) {
  const { signer } = await generateSigner(algorithm, harness.clock)
  return createWitRequest({
    signer,
    audience: parseWorkloadIdentifier(AGENT),
    subject: subject === '' ? credential.identifier : parseWorkloadIdentifier(subject),
    leaf: credential.chain[0] ?? new Uint8Array(),
    runtime: harness.clock,
    ...(hint !== '' && { hint }),
  })
}

const problemOf = ({ text }: { readonly text: string }): unknown => (JSON.parse(text) as { code?: unknown }).code

describe('a WIT agent', () => {
  it('attests with a join token and gives a workload the WIT-SVID of its own identity and key (WSVID-3.1-02, WSVID-3.2-03)', async () => {
    const agent = await harness.start()
    const { wit, bundle } = await agent.ready()
    const credential = await harness.server.workloadSvid('/orders')
    const answer = await harness.call(wit, { body: await bodyFor(credential), credential })
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const { spiffe_id, wit_svid, expires_at } = JSON.parse(answer.text) as Record<string, unknown>
    expect(spiffe_id).toBe(`spiffe://${TRUST_DOMAIN}/orders`)
    expect(expires_at).toBe(harness.clock.now() / 1000 + 120)

    const published = await harness.call(bundle, { method: 'GET', path: '/bundle' })
    const contents = parseSpiffeBundle(utf8(published.text), { trustDomain: parseTrustDomain(TRUST_DOMAIN) })
    const verified = await verifyWit(String(wit_svid), { trust: staticTrust([contents]), profile: 'wit-svid', runtime: harness.clock })
    expect(verified.identifier).toBe(spiffe_id)
    expect(harness.named('wit.issued')).toMatchObject([{ peer: spiffe_id, entry: 'e-orders', algorithm: 'ES256' }])
  })

  it('serves the bundle with all three kinds of keys to anyone (FED-5.2.2.3-02, FED-5.2.2.3-04, FED-5.2.2.3-06, WSVID-6.1-02)', async () => {
    const { bundle } = await (await harness.start()).ready()
    const answer = await harness.call(bundle, { method: 'GET', path: '/bundle' })
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    const { keys, spiffe_sequence, spiffe_refresh_hint } = JSON.parse(answer.text) as { keys: { use: string }[] } & Record<string, unknown>
    expect(keys.map(({ use }) => use)).toEqual(['x509-svid', 'jwt-svid', 'wit-svid'])
    expect(spiffe_sequence).toBe(harness.clock.now())
    expect(spiffe_refresh_hint).toBe(60)
  })

  it.each([
    ['GET', '/other', 404],
    ['POST', '/bundle', 405],
  ])('answers %s %s at the bundle endpoint with %i', async (method, path, status) => {
    const { bundle } = await (await harness.start()).ready()
    expect((await harness.call(bundle, { method, path })).status).toBe(status)
  })

  it('publishes a new key with a higher sequence number (BUNDLE-4.1.1-02, BUNDLE-4.1.1-03)', async () => {
    const { bundle } = await (await harness.start()).ready()
    const sequence = async (): Promise<number> =>
      (JSON.parse((await harness.call(bundle, { method: 'GET', path: '/bundle' })).text) as { spiffe_sequence: number }).spiffe_sequence
    const first = await sequence()
    await harness.round()
    expect(await sequence()).toBe(first)
    await harness.server.addWitKey()
    await harness.round()
    expect(await sequence()).toBeGreaterThan(first)
  })

  it('logs by id which entries came and went', async () => {
    await (await harness.start()).ready()
    harness.server.entries = [
      { id: 'e-agent', path: '/wit-agent' },
      { id: 'e-orders', path: '/orders', hint: 'blue' },
      { id: 'e-fraud', path: '/fraud' },
    ]
    await harness.round()
    expect(harness.named('entries.changed')).toMatchObject([
      { added: ['e-agent', 'e-orders'] },
      { added: ['e-fraud'], changed: ['e-orders'], removed: [] },
    ])
  })
})

describe('refusals', () => {
  it.each([
    ['a workload without an entry', '/fraud', {}, 403, 'ERR_WIT_AGENT_NOT_ENTITLED'],
    ['a hint that no entry has', '/orders', { hint: 'green' }, 403, 'ERR_WIT_AGENT_NOT_ENTITLED'],
    [
      'an algorithm that a WIT-SVID may not name (WSVID-3.2-04)',
      '/orders',
      { algorithm: 'EdDSA' as const },
      400,
      'ERR_WIT_AGENT_ALGORITHM',
    ],
    ['a proof for another identity', '/orders', { subject: `spiffe://${TRUST_DOMAIN}/fraud` }, 400, 'ERR_WIT_AGENT_KEY_PROOF'],
  ])('%s', async (_title, path, change, status, code) => {
    const { wit } = await (await harness.start()).ready()
    const credential = await harness.server.workloadSvid(path)
    const answer = await harness.call(wit, { body: await bodyFor(credential, change), credential })
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } })
    expect(problemOf(answer)).toBe(code)
    expect(harness.named('wit.refused')).toMatchObject([{ peer: credential.identifier, code }])
  })

  it('a request that was sent before (WSVID-7.2-04)', async () => {
    const { wit } = await (await harness.start()).ready()
    const credential = await harness.server.workloadSvid('/orders')
    const body = await bodyFor(credential)
    expect((await harness.call(wit, { body, credential })).status).toBe(200)
    expect(problemOf(await harness.call(wit, { body, credential }))).toBe('ERR_WIT_AGENT_REPLAY')
    expect(harness.server.calls.get('wit')).toBe(1)
  })

  it('a body that is no JSON, or too long, or of another type', async () => {
    const { wit } = await (await harness.start()).ready()
    const credential = await harness.server.workloadSvid('/orders')
    expect(problemOf(await harness.call(wit, { body: '{', credential }))).toBe('ERR_WIT_AGENT_REQUEST')
    expect(problemOf(await harness.call(wit, { body: '{}', credential, contentType: 'text/plain' }))).toBe('ERR_WIT_AGENT_REQUEST')
    expect(problemOf(await harness.call(wit, { body: ' '.repeat(20_000), credential }))).toBe('ERR_MESSAGE_BODY_TOO_LARGE')
  })

  it.each([
    ['GET', '/v1/wit-svid', 405],
    ['POST', '/other', 404],
  ])('%s %s', async (method, path, status) => {
    const { wit } = await (await harness.start()).ready()
    const credential = await harness.server.workloadSvid('/orders')
    expect((await harness.call(wit, { method, path, credential, ...(method === 'POST' && { body: '{}' }) })).status).toBe(status)
  })

  it('a caller without a certificate, or with one of another trust domain', async () => {
    const { wit } = await (await harness.start()).ready()
    await expect(harness.call(wit, { body: '{}' })).rejects.toThrow()
    const stranger = await createHarness()
    try {
      const credential = await stranger.server.workloadSvid('/orders')
      await expect(harness.call(wit, { body: '{}', credential })).rejects.toThrow()
    } finally {
      await stranger.close()
    }
    await until(() => harness.named('peer.refused').length === 2)
    expect(harness.named('peer.refused').map(({ code }) => code)).toEqual([
      'ERR_MTLS_CERTIFICATE_MISSING',
      expect.stringMatching(/^ERR_X509_/),
    ])
  })

  it('an entry that went after the last synchronization', async () => {
    const { wit } = await (await harness.start()).ready()
    const credential = await harness.server.workloadSvid('/orders')
    harness.server.entries = harness.server.entries.filter(({ id }) => id !== 'e-orders')
    const answer = await harness.call(wit, { body: await bodyFor(credential), credential })
    expect(problemOf(answer)).toBe('ERR_WIT_AGENT_NOT_ENTITLED')
  })

  it('what the SPIRE server gives for another key or identity', async () => {
    const { wit } = await (await harness.start()).ready()
    const credential = await harness.server.workloadSvid('/orders')
    harness.server.tamperWith = { sub: `spiffe://${TRUST_DOMAIN}/fraud` }
    expect(problemOf(await harness.call(wit, { body: await bodyFor(credential), credential }))).toBe('ERR_WIT_AGENT_UPSTREAM')
    const { signer } = await generateSigner('ES256', harness.clock)
    harness.server.tamperWith = { cnf: { jwk: signer.publicJwk } }
    expect(problemOf(await harness.call(wit, { body: await bodyFor(credential), credential }))).toBe('ERR_WIT_AGENT_UPSTREAM')
  })
})

describe('over time', () => {
  it('renews its own SVIDs at about half of their life, and goes on with the new ones', async () => {
    harness.server.nodeTtlSeconds = 100
    const agent = await harness.start()
    const { wit } = await agent.ready()
    for (let passed = 0; passed < 100; passed += 5) await harness.round()
    expect(harness.named('node.renewed').length).toBeGreaterThanOrEqual(1)
    expect(harness.named('serving.renewed').length).toBeGreaterThanOrEqual(3)
    expect(harness.named('sync.failed')).toEqual([])
    const credential = await harness.server.workloadSvid('/orders')
    expect((await harness.call(wit, { body: await bodyFor(credential), credential })).status).toBe(200)
  })

  it('follows a new root, and replaces what a tainted one has signed', async () => {
    const agent = await harness.start()
    const { wit } = await agent.ready()
    await harness.server.addRoot()
    await harness.round()
    harness.server.taintOldRoots()
    await harness.round()
    expect(harness.named('authority.tainted')).toHaveLength(1)
    expect(harness.named('node.renewed')).toHaveLength(1)
    expect(harness.named('serving.renewed')).toHaveLength(2)
    const credential = await harness.server.workloadSvid('/orders')
    expect((await harness.call(wit, { body: await bodyFor(credential), credential })).status).toBe(200)
  })

  it('goes on after a restart without a new join token, with a higher sequence number, from a file of mode 0600', async () => {
    const first = await harness.start()
    await first.ready()
    const { sequence } = first.health().bundle
    await first.close()
    expect((await stat(harness.path('data/state.json'))).mode & 0o777).toBe(0o600)
    harness.clock.advance(1)
    const second = await harness.start()
    await second.ready()
    expect(harness.server.calls.get('attest')).toBe(1)
    expect(second.health().bundle.sequence).toBeGreaterThan(sequence)
  })

  it('says that it needs a join token when its SVID has ended, and takes one that is put there', async () => {
    harness.server.nodeTtlSeconds = 30
    const agent = await harness.start()
    await agent.ready()
    harness.server.failures.set('renew', Code.Unavailable)
    harness.server.failures.set('bundle', Code.Unavailable)
    await harness.round(31)
    harness.server.failures.clear()
    await harness.round(15)
    expect(harness.named('sync.failed').at(-1)).toMatchObject({ code: 'ERR_WIT_AGENT_UPSTREAM' })
    expect(harness.server.calls.get('attest')).toBe(1)
    harness.server.addJoinToken('token-2')
    await writeFile(harness.path('token'), 'token-2')
    await harness.round(15)
    expect(harness.named('node.attested')).toHaveLength(2)
    expect((await harness.health(agent)).status).toBe(200)
  })

  it('attests again with a new token when the server has evicted it', async () => {
    const agent = await harness.start()
    await agent.ready()
    harness.server.evict()
    harness.server.addJoinToken('token-2')
    await writeFile(harness.path('token'), 'token-2')
    await harness.round()
    expect(harness.named('sync.failed')).toMatchObject([{ code: 'ERR_SPIRE_API_REFUSED' }])
    await harness.round(1)
    expect(harness.named('node.attested')).toHaveLength(2)
    expect((await harness.health(agent)).status).toBe(200)
  })

  it('serves what is live while the SPIRE server is gone, says so, and recovers by itself', async () => {
    const agent = await harness.start()
    const { wit, bundle } = await agent.ready()
    expect(await harness.health(agent)).toMatchObject({ status: 200, report: { status: 'ok', entries: 2 } })
    await harness.idle()
    await harness.server.stop()
    await harness.round()

    expect(await harness.health(agent)).toMatchObject({
      status: 503,
      report: { status: 'degraded', server: { reachable: false, lastError: { code: 'ERR_SPIRE_API_UNAVAILABLE' } } },
    })
    expect((await harness.call(bundle, { method: 'GET', path: '/bundle' })).status).toBe(200)
    const credential = await harness.server.workloadSvid('/orders')
    const refused = await harness.call(wit, { body: await bodyFor(credential), credential })
    expect(refused.status).toBe(503)
    expect(problemOf(refused)).toBe('ERR_WIT_AGENT_UPSTREAM')

    await harness.round(1)
    await harness.server.start()
    await harness.round(15)
    expect(await harness.health(agent)).toMatchObject({ status: 200, report: { status: 'ok', server: { reachable: true } } })
    expect((await harness.call(wit, { body: await bodyFor(credential), credential })).status).toBe(200)
    const waits = harness.named('sync.failed').map(({ retryInMs }) => Number(retryInMs))
    expect(waits.length).toBeGreaterThanOrEqual(2)
    expect(waits[1]).toBeGreaterThanOrEqual(500)
  })

  it('is degraded while the server answers but refuses', async () => {
    const agent = await harness.start()
    await agent.ready()
    harness.server.failures.set('entries', Code.PermissionDenied)
    await harness.round()
    expect(await harness.health(agent)).toMatchObject({
      status: 503,
      report: { status: 'degraded', server: { reachable: true, lastError: { code: 'ERR_SPIRE_API_REFUSED' } } },
    })
  })

  it('tells its health on a unix socket too, and takes no other file away for it', async () => {
    const socketPath = harness.path('health.sock')
    for (const _start of [1, 2]) {
      const agent = await harness.start({ health: { socketPath } })
      await agent.ready()
      const status = await new Promise((resolve, reject) => {
        httpRequest({ socketPath, path: '/healthz' }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end()
      })
      expect(status).toBe(200)
      await agent.close()
    }
    await expect(harness.start({ health: { socketPath: harness.path('token') } })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(await readFile(harness.path('token'), 'utf8')).toBe('token-1\n')
  })

  it('waits for its own entry, and opens its endpoints then', async () => {
    harness.server.entries = []
    const agent = await harness.start()
    await harness.idle()
    expect(await harness.health(agent)).toMatchObject({ status: 503, report: { status: 'down', serving: null } })
    expect(harness.named('sync.failed')).toMatchObject([{ code: 'ERR_WIT_AGENT_NOT_ENTITLED' }])
    harness.server.entries = [{ id: 'e-agent', path: '/wit-agent' }]
    await harness.round(1)
    await agent.ready()
    expect((await harness.health(agent)).status).toBe(200)
  })

  it('does not speak to a server of another root', async () => {
    const other = await createHarness()
    try {
      await writeFile(harness.path('bootstrap.pem'), other.server.bootstrapPem)
      const agent = await harness.start()
      await harness.idle()
      expect(harness.server.calls.get('attest')).toBeUndefined()
      expect(agent.health().status).toBe('down')
    } finally {
      await other.close()
    }
  })
})

describe('secrets', () => {
  it('are in no event: no token, no key, no join token', async () => {
    const { wit } = await (await harness.start()).ready()
    const credential = await harness.server.workloadSvid('/orders')
    const body = await bodyFor(credential)
    await harness.call(wit, { body, credential })
    await harness.call(wit, { body, credential })
    const { jwk, proof } = JSON.parse(body) as { jwk: { x: string }; proof: string }
    const { node } = JSON.parse(await readFile(harness.path('data/state.json'), 'utf8')) as { node: { privateKey: string } }
    const log = JSON.stringify(harness.events)
    for (const secret of [jwk.x, proof, proof.split('.')[1] ?? '', node.privateKey, 'token-1', 'eyJ']) expect(log).not.toContain(secret)
  })
})
