import { inMemoryReplayStore, type RequestView } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeTokenService } from './transactions.ts'
import { authenticatorOf, call, codeOf, field, makeWorld, type World } from './world.ts'

let world: World
const signed: Record<'wpt' | 'http-signature', RequestView[]> = { wpt: [], 'http-signature': [] }
beforeAll(async () => {
  world = await makeWorld()
  for (const proof of ['wpt', 'http-signature'] as const) signed[proof].push((await call(world, proof)).request)
})

const NAMES = ['Authorization', 'Workload-Identity-Token', 'Signature', 'Signature-Input', 'Content-Digest', 'Txn-Token']
const VALUES = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.constantFrom('WPT a.b.c', 'Bearer a.b.c', 'wimse=:AAAA:', 'wimse=("@method");tag="wimse-workload-to-workload"', 'e30.e30.e30'),
)

describe('the authenticator', () => {
  it('gives nothing but coded errors, whatever the request has', async () => {
    const lines = fc.array(fc.tuple(fc.constantFrom(...NAMES), VALUES), { maxLength: 6 })
    const transactionTokens = { verify: (await makeTokenService(world.runtime)).verifier() }
    const authenticator = authenticatorOf(world, { accept: ['wpt', 'http-signature', 'jwt-svid', 'mutual-tls'], transactionTokens })
    await fc.assert(
      fc.asyncProperty(lines, fc.uint8Array({ maxLength: 20 }), async (fields, body) => {
        const request: RequestView = { ...(signed.wpt[0] as RequestView), fields, body }
        expect(await codeOf(authenticator.authenticate(request))).toMatch(/^ERR_/)
      }),
      { numRuns: 300 },
    )
  })

  it.each(['wpt', 'http-signature'] as const)('refuses a request by %s of which one character was changed', async (proof) => {
    const [request] = signed[proof]
    if (request === undefined) throw new Error('no request')
    const names = {
      wpt: ['workload-identity-token', 'authorization'],
      'http-signature': ['workload-identity-token', 'signature', 'content-type', 'content-digest'],
    }[proof]
    const fresh = () => authenticatorOf({ ...world, replay: inMemoryReplayStore({ capacity: 10 }) })
    expect(await codeOf(fresh().authenticate(request))).toBe('nothing was thrown')
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 0x21, max: 0x7e }), async (name, at, code) => {
        const value = field(request, name)
        // The scheme and the label mean the same in other words; what they introduce doesn't.
        const start = { authorization: 'WPT '.length, signature: 'wimse='.length }[name] ?? 0
        const place = start + (at % (value.length - start))
        const changed = `${value.slice(0, place)}${String.fromCharCode(code)}${value.slice(place + 1)}`
        fc.pre(changed !== value)
        const fields = request.fields.map((line) => (line[0].toLowerCase() === name ? ([name, changed] as const) : line))
        expect(await codeOf(fresh().authenticate({ ...request, fields }))).toMatch(/^ERR_/)
      }),
      { numRuns: 200 },
    )
  })
})
