import { parseWorkloadIdentifier } from '@wimse/core'
import { GRANT_TYPES, jwtSvidAuthentication, TOKEN_TYPES } from '@wimse/token-exchange'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measureRate } from '../../../scripts/load-generator.ts'
import { type BenchWorld, ISSUER, startBenchWorld, type TokenRequest } from '../bench/bench-world.ts'
import { proofOf } from '../bench/request-kinds.ts'

const CONNECTIONS = 8
const BATCH = 1000
/** Octets of heap that 10,000 clients with bearer assertions may leave behind, all together: nothing is kept of any. */
const HEAP_AFTER_BEARERS = 1_500_000
/** Octets for each client with a WIT: the WIT and its key, for 10,000 at most (`DEFAULT_WIT_CACHE_SIZE`), and its live proof. */
const HEAP_PER_WIT = 6_000

let world: BenchWorld

beforeAll(async () => {
  world = await startBenchWorld(CONNECTIONS, ['--expose-gc'])
}, 60_000)

afterAll(() => world.close())

const clientNamed = (index: number): string => `spiffe://shop.example/batch/job-${index}`

const formFor = (identifier: string): TokenRequest['form'] => ({
  grant_type: GRANT_TYPES.tokenExchange,
  audience: 'shop.example',
  scope: 'orders:settle',
  requested_token_type: TOKEN_TYPES.transactionToken,
  subject_token_type: TOKEN_TYPES.unsignedJson,
  subject_token: JSON.stringify({ sub: identifier }),
})

async function byAssertion(name: string): Promise<TokenRequest> {
  const identifier = parseWorkloadIdentifier(name)
  const token = await world.authority.issueJwtSvid(identifier, { audience: [ISSUER] })
  const { fields, parameters } = jwtSvidAuthentication({ identifier, token })
  return { fields, form: { ...formFor(identifier), ...Object.fromEntries(parameters) } }
}

async function byWit(identifier: string): Promise<TokenRequest> {
  const { credential } = await world.authority.issueWit(identifier)
  return { fields: await proofOf(credential), form: formFor(identifier) }
}

/** Each client once; every answer has to be a token. */
async function ask(make: (identifier: string) => Promise<TokenRequest>, first: number, count: number): Promise<void> {
  for (let start = first; start < first + count; start += BATCH) {
    const requests = await Promise.all(Array.from({ length: BATCH }, (_, index) => make(clientNamed(start + index))))
    await measureRate(requests.map(world.prepared), CONNECTIONS)
  }
}

/** After two collections: the first one may leave what only then became garbage. */
async function heapUsed(): Promise<number> {
  await world.service.footprint()
  return (await world.service.footprint()).heapUsed
}

describe('many clients of one pattern rule', () => {
  it('leave the heap flat: ten thousand that nobody registered (SCA-5-02, SCA-5.1-06)', { timeout: 120_000 }, async () => {
    await ask(byAssertion, 0, BATCH)
    const before = await heapUsed()
    const events = world.service.events()
    await ask(byAssertion, BATCH, 10_000)
    expect((await heapUsed()) - before).toBeLessThan(HEAP_AFTER_BEARERS)
    // A request, an event.
    expect(world.service.events() - events).toBe(10_000)
  })

  it('cost the room of a known WIT and a live proof where they prove a key, and no more', { timeout: 120_000 }, async () => {
    await ask(byWit, 20_000, BATCH)
    const before = await heapUsed()
    await ask(byWit, 20_000 + BATCH, 2 * BATCH)
    expect((await heapUsed()) - before).toBeLessThan(2 * BATCH * HEAP_PER_WIT)
  })
})
