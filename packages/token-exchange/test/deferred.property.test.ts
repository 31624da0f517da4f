import { isJsonObject, type JsonObject, parseStrictJson, parseTrustDomain, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthenticatedClient,
  canonicalJson,
  checkRedemption,
  formatDeferral,
  formatParameterLimits,
  inMemoryGrantUseStore,
  issueDeferredGrant,
  parseDeferral,
  parseParameterLimits,
  TOKEN_TYPES,
  type VerifiedDeferredGrant,
  verifyDeferredGrant,
} from '../src/index.ts'
import { codeOf, createWorld, NOW, ORDERS, SHOP, type World } from './support/world.ts'

const CODED = /^(?:ok|ERR_[A-Z0-9_]+)$/
const REFUSED = /^ERR_[A-Z0-9_]+$/
const name = fc.stringMatching(/^[a-z]{1,8}$/)
/** JSON as parameters may have it. */
const value = fc
  .jsonValue({ maxDepth: 4 })
  .filter((json) => !/\\u[dD]|__proto__/.test(JSON.stringify(json)))
  .map((json) => JSON.parse(JSON.stringify(json, (_name, member: unknown) => (isUnsafe(member) ? 7 : member))) as JsonObject[string] & {})
const parameters = fc.dictionary(name, value, { maxKeys: 5 })
const limit = fc.oneof(
  fc.nat().map((atMost) => ({ atMost })),
  value.map((equals) => ({ equals })),
)
const limits = fc.dictionary(name, limit, { minKeys: 1, maxKeys: 5 })

function isUnsafe(member: unknown): boolean {
  return typeof member === 'number' && Number.isInteger(member) && !Number.isSafeInteger(member)
}

/** The same value with its members the other way round, at every depth. */
function reversed(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(reversed)
  if (!isJsonObject(json)) return json
  return Object.fromEntries(
    Object.entries(json)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  )
}

let world: World
let worker: AuthenticatedClient
let token: string
let grant: VerifiedDeferredGrant
beforeAll(async () => {
  world = await createWorld()
  worker = await world.clientOf(world.payments)
  const { identifier: requester } = await world.clientOf(world.orders)
  const deferral = { worker: 'spiffe://shop.example/*', action: 'settle', limits: { a: { atMost: 3 } }, uses: 9, end: NOW + 600 }
  const subjectTokenType = TOKEN_TYPES.accessToken
  const contents = { subject: 'alice', subjectTokenType, actors: [{ sub: ORDERS }], scope: ['pay'], requester, transaction: 't', deferral }
  const { runtime, signer } = world
  token = (await issueDeferredGrant(contents, { issuer: SHOP, signer, keyId: '1', runtime })).token
  grant = await verify(token)
})

function verify(text: string): Promise<VerifiedDeferredGrant> {
  const { issuers, runtime } = world
  return verifyDeferredGrant(text, { issuers, issuer: SHOP, runtime })
}

function redeem(details: JsonObject | undefined): ReturnType<typeof checkRedemption> {
  const { runtime } = world
  const rules = { trustDomain: parseTrustDomain('shop.example'), scope: ['pay'], permittedScope: ['pay'], members: ['a', 'b'], runtime }
  return checkRedemption(grant, { client: worker, details, ...rules })
}

describe('canonical JSON', () => {
  it('is the same for the same value, whatever the order of members, and reads as that value', () => {
    fc.assert(
      fc.property(value, (json) => {
        const text = canonicalJson(json)
        expect(canonicalJson(reversed(json))).toBe(text)
        expect(parseStrictJson(utf8(text))).toEqual(json)
        expect(canonicalJson(parseStrictJson(utf8(text)))).toBe(text)
      }),
    )
  })

  it('is another one for another value', () => {
    fc.assert(
      fc.property(parameters, name, value, (json, key, member) => {
        const changed = { ...json, [key]: member }
        const same = Object.hasOwn(json, key) && canonicalJson(json[key]) === canonicalJson(member)
        expect(canonicalJson(changed) === canonicalJson(json)).toBe(same)
      }),
    )
  })
})

describe('what is formatted is read as it was', () => {
  it('limits', () => {
    fc.assert(
      fc.property(limits, (some) => {
        expect(parseParameterLimits(formatParameterLimits(some))).toEqual(some)
      }),
    )
  })

  it('a deferral', () => {
    const terms = fc.oneof(fc.record({ parameters }), fc.record({ limits }))
    const rest = fc.record(
      {
        action: fc.stringMatching(/^[!-~]{1,20}$/),
        uses: fc.integer({ min: 1, max: 100_000 }),
        end: fc.integer({ min: 2, max: 2 ** 40 }),
        notBefore: fc.constantFrom(0, 1),
        purpose: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((text) => !/\p{Cc}/u.test(text)),
      },
      { requiredKeys: ['action', 'uses', 'end'] },
    )
    fc.assert(
      fc.property(terms, rest, (some, others) => {
        const deferral = { worker: 'spiffe://shop.example/a/*', ...some, ...others }
        expect(parseDeferral(formatDeferral(deferral))).toEqual(deferral)
      }),
    )
  })
})

describe('a deferred grant', () => {
  it('is refused with one octet changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'AQgw05-_.'), async (at, octet) => {
        const changed = `${token.slice(0, at)}${octet}${token.slice(at + 1)}`
        // The last character of a signature has bits that mean nothing, which strict base64url refuses.
        if (changed !== token) expect(await codeOf(verify(changed))).toMatch(REFUSED)
      }),
      { numRuns: 300 },
    )
  })
})

describe('arbitrary input ends in a value or a coded error', () => {
  it('as a deferral, as limits, as parameters', async () => {
    const member = fc.constantFrom('worker', 'action', 'parameters', 'limits', 'uses', 'not_before', 'end', 'purpose', 'x')
    const anything = fc.oneof(fc.anything(), fc.dictionary(member, fc.oneof(fc.jsonValue(), fc.constant('spiffe://a.example/b'))))
    await fc.assert(
      fc.asyncProperty(anything, async (input) => {
        expect(await codeOf(() => parseDeferral(input))).toMatch(CODED)
        expect(await codeOf(() => parseParameterLimits(input))).toMatch(CODED)
        expect(await codeOf(() => canonicalJson(input))).toMatch(CODED)
      }),
      { numRuns: 500 },
    )
  })

  it('as a grant, and as the details of a redemption', async () => {
    const member = fc.constantFrom('use', 'parameters', 'x')
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.dictionary(member, fc.jsonValue()), async (text, details) => {
        expect(await codeOf(verify(text))).toMatch(REFUSED)
        expect(await codeOf(redeem(details as JsonObject))).toMatch(CODED)
      }),
      { numRuns: 300 },
    )
  })
})

describe('uses of a grant', () => {
  it('are never more than the grant has, never in two hands, and never begin again once finished', () => {
    const step = fc.record({
      use: fc.constantFrom('a', 'b', 'c', 'd'),
      wait: fc.integer({ min: 0, max: 40 }),
      finish: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = inMemoryGrantUseStore({ capacity: 10 })
        const taken = new Map<string, number>()
        const leases = new Map<string, number>()
        const finished = new Set<string>()
        let now = NOW
        for (const { use, wait, finish } of steps) {
          now += wait
          const claim = { grant: 'g', use, uses: 2, maxTakeovers: 3, leaseUntil: now + 60, expiresAt: NOW + 86_400 }
          const outcome = store.claim(claim, now)
          if (outcome === 'new' || outcome === 'taken over') {
            expect(leases.get(use) ?? 0).toBeLessThanOrEqual(now)
            expect(finished.has(use)).toBe(false)
            taken.set(use, (taken.get(use) ?? 0) + 1)
            leases.set(use, now + 60)
          }
          if (finish && store.finish({ grant: 'g', use })) finished.add(use)
        }
        expect(taken.size).toBeLessThanOrEqual(2)
        expect(Math.max(0, ...taken.values())).toBeLessThanOrEqual(4)
      }),
    )
  })
})
