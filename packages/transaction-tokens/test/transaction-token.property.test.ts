import { formatBase64url, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  formatScope,
  issueTransactionToken,
  parseScope,
  parseTokenServiceKeys,
  readTransactionTokenField,
  replaceTransactionToken,
} from '../src/index.ts'
import { codeOf, createWorld, forgeJws, NOW, ORDERS, SHOP, STOREFRONT, type World } from './support/world.ts'

const CODED = /^ERR_[A-Z0-9_]+$/
const OK_OR_CODED = /^(?:ok|ERR_[A-Z0-9_]+)$/
let world: World
beforeAll(async () => {
  world = await createWorld()
})

const scopeValue = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,12}$/)
const scope = fc.array(scopeValue, { minLength: 1, maxLength: 5 })
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const context = fc.dictionary(
  fc.stringMatching(/^[a-z_]{1,8}$/),
  fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    text,
    fc.array(text, { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), text, { maxKeys: 3 }),
  ),
  { maxKeys: 6 },
)

describe('a change of an accepted transaction token is refused', () => {
  it('TXN-12.2-02: of each character to another', async () => {
    const token = await world.forge()
    for (let at = 0; at < token.length; at += 1) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      expect(await codeOf(world.verify(changed)), `at ${at}`).toMatch(CODED)
    }
  })

  it('TXN-12.2-02: of any character to any, one more, one less', async () => {
    const token = await world.forge()
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(2), async (at, code, kind) => {
        const end = kind === 1 ? at : at + 1
        const changed = token.slice(0, at) + (kind === 2 ? '' : String.fromCharCode(code)) + token.slice(end)
        fc.pre(changed !== token)
        expect(await codeOf(world.verify(changed))).toMatch(CODED)
      }),
      { numRuns: 300 },
    )
  })
})

describe('arbitrary input ends in a coded error', () => {
  it('as a token', async () => {
    const shaped = fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map((part) => formatBase64url(utf8(part))).join('.'))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), shaped, fc.anything()), async (token) => {
        expect(await codeOf(world.verify(token as string))).toMatch(CODED)
      }),
      { numRuns: 300 },
    )
  })

  it('as any one member of a token that is signed by the right key', async () => {
    const claims = ['iat', 'aud', 'exp', 'nbf', 'txn', 'sub', 'scope', 'req_wl', 'tctx', 'rctx', 'iss'].map((name) => `claims.${name}`)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('header.typ', 'header.kid', 'header.alg', ...claims), fc.jsonValue(), async (path, value) => {
        const [place = '', member = ''] = path.split('.')
        const token = await world.forge({ [place]: { [member]: value } })
        expect(await codeOf(world.verify(token))).toMatch(OK_OR_CODED)
      }),
      { numRuns: 500 },
    )
  })

  it('as claims that are signed by the right key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (claims) => {
        const token = await forgeJws({ typ: 'txntoken+jwt', alg: 'ES256', kid: '1' }, claims, world.service)
        expect(await codeOf(world.verify(token))).toMatch(CODED)
      }),
      { numRuns: 200 },
    )
  })

  it('as fields', async () => {
    const name = fc.constantFrom('txn-token', 'Txn-Token', 'authorization', 'x')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, fc.string({ unit: 'binary' }))), async (fields) => {
        expect(await codeOf(() => readTransactionTokenField(fields))).toMatch(OK_OR_CODED)
      }),
    )
  })

  it('as a grant, as a replacement, as keys', async () => {
    const options = { signer: world.service, keyId: '1', runtime: world.runtime }
    const grant = { trustDomain: SHOP, subject: 'ada', scope: ['a'], requester: STOREFRONT }
    const original = await world.verify(await world.forge())
    const member = fc.constantFrom(
      'trustDomain',
      'subject',
      'scope',
      'requester',
      'transaction',
      'transactionContext',
      'lifetimeSeconds',
      'subjectExpiresAt',
    )
    const change = fc.constantFrom('requester', 'narrowerScope', 'addedContext', 'lifetimeSeconds')
    await fc.assert(
      fc.asyncProperty(member, change, fc.anything(), async (inGrant, inReplacement, value) => {
        expect(await codeOf(issueTransactionToken({ ...grant, [inGrant]: value }, options))).toMatch(OK_OR_CODED)
        const replacement = { requester: ORDERS, [inReplacement]: value }
        expect(await codeOf(replaceTransactionToken(original, replacement, options))).toMatch(OK_OR_CODED)
        expect(await codeOf(() => parseTokenServiceKeys(value))).toMatch(OK_OR_CODED)
        expect(await codeOf(() => parseTokenServiceKeys({ keys: [value] }))).toMatch(OK_OR_CODED)
      }),
      {
        numRuns: 500,
        // No number comes of it.
        examples: [
          ['lifetimeSeconds', 'lifetimeSeconds', { toString: 0 }],
          ['subjectExpiresAt', 'requester', { toString: 0 }],
        ],
      },
    )
  })
})

describe('what is written can be read', () => {
  it('TXN-9.2-11: the values of a scope', () => {
    fc.assert(
      fc.property(scope, (values) => {
        expect(parseScope(formatScope(values))).toEqual(values)
      }),
    )
  })

  it('TXN-9.2-11: the text of a scope', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        let values: readonly string[]
        try {
          values = parseScope(value)
        } catch {
          return
        }
        expect(formatScope(values)).toBe(value)
      }),
    )
  })

  it('TXN-9.2-13, TXN-9.2-14: a token verifies to what was granted', async () => {
    await fc.assert(
      fc.asyncProperty(scope, context, context, fc.integer({ min: 1, max: 300 }), async (values, tctx, rctx, lifetimeSeconds) => {
        const grant = { trustDomain: SHOP, subject: 'ada', scope: values, requester: STOREFRONT, lifetimeSeconds }
        const options = { signer: world.service, keyId: '1', runtime: world.runtime }
        const token = await issueTransactionToken({ ...grant, transactionContext: tctx, requesterContext: rctx }, options)
        const verified = await world.verify(token)
        expect(verified).toMatchObject({ subject: 'ada', scope: values, expiresAt: NOW + lifetimeSeconds })
        expect(verified.transactionContext).toEqual(tctx)
        expect(verified.requesterContext).toEqual(rctx)
      }),
    )
  })
})

it('TXN-13.15-04, TXN-13.15-05: no replacement permits more than what it replaces', async () => {
  const original = await world.verify(await world.forge())
  const options = { signer: world.service, keyId: '1', runtime: world.runtime }
  const values = fc.array(fc.oneof(fc.constantFrom(...original.scope), scopeValue), { minLength: 1, maxLength: 3 })
  const added = fc.dictionary(fc.oneof(fc.constantFrom('action', 'amount', 'items'), fc.stringMatching(/^[a-z]{1,3}$/)), fc.jsonValue(), {
    maxKeys: 3,
  })
  await fc.assert(
    fc.asyncProperty(values, added, async (narrowerScope, addedContext) => {
      let token: string
      try {
        token = await replaceTransactionToken(original, { requester: ORDERS, narrowerScope, addedContext }, options)
      } catch {
        return
      }
      const replaced = await world.verify(token)
      expect(replaced).toMatchObject({ transaction: original.transaction, subject: original.subject, trustDomain: original.trustDomain })
      expect(original.scope).toEqual(expect.arrayContaining([...replaced.scope]))
      expect(replaced.transactionContext).toMatchObject(original.transactionContext ?? {})
      expect(replaced.expiresAt).toBeLessThanOrEqual(original.expiresAt)
    }),
  )
})
