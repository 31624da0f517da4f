import type { ErrorCode } from '@wimse/core'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  atMost,
  type ReplaceTransactionTokenOptions,
  replaceTransactionToken,
  subsetOf,
  type TransactionReplacement,
  type VerifiedTransactionToken,
} from '../src/index.ts'
import { CLAIMS, codeOf, createWorld, forgeJws, NOW, ORDERS, partsOf, STOREFRONT, signerOf, type World } from './support/world.ts'

const PAYMENTS = 'spiffe://shop.example/payments'
let world: World
let original: VerifiedTransactionToken
beforeEach(async () => {
  world = await createWorld()
  original = await world.verify(await world.forge({ claims: { 'shop.example/x': 1, jti: 'a', iss: 'urn:other' } }))
})

const replace = (
  replacement: Partial<TransactionReplacement> = {},
  options: Partial<ReplaceTransactionTokenOptions> = {},
  token: VerifiedTransactionToken = original,
): Promise<string> =>
  replaceTransactionToken(
    token,
    { requester: ORDERS, ...replacement },
    { signer: world.service, keyId: '1', runtime: world.runtime, ...options },
  )

const narrowing = { amount: atMost, items: subsetOf }

describe('a replacement', () => {
  it('TXN-13.15-05: keeps txn, sub and aud, the requester context and claims of others', async () => {
    const { iat: _iat, exp: _exp, req_wl: _chain, ...same } = CLAIMS
    world.runtime.advance(10)
    const [header, claims] = partsOf(await replace())
    expect(header).toEqual({ alg: 'ES256', typ: 'txntoken+jwt', kid: '1' })
    expect(claims).toEqual({ ...same, 'shop.example/x': 1, iat: NOW + 10, exp: NOW + 60, req_wl: [STOREFRONT, ORDERS] })
  })

  it('TXN-13.15-09, TXN-9.2-15: of a replacement names all requesters, first one first', async () => {
    const first = await world.verify(await replace())
    const second = await world.verify(await replace({ requester: PAYMENTS }, {}, first))
    expect(second.requestingWorkloads).toEqual([STOREFRONT, ORDERS, PAYMENTS])
  })

  it('TXN-13.15-02, TXN-13.15-04: has part of the scope', async () => {
    expect((await world.verify(await replace({ narrowerScope: ['payments.charge'] }))).scope).toEqual(['payments.charge'])
    expect((await world.verify(await replace())).scope).toEqual(['orders.place', 'payments.charge'])
  })

  it('TXN-13.15-03: has members of context added, the others as they were', async () => {
    const { transactionContext } = await world.verify(await replace({ addedContext: { fraud: { score: 3 } } }))
    expect(transactionContext).toEqual({ ...(CLAIMS['tctx'] as object), fraud: { score: 3 } })
  })

  it('TXN-13.15-03: has context where there was none', async () => {
    const bare = await world.verify(await world.forge({ claims: { tctx: undefined } }))
    expect((await world.verify(await replace({ addedContext: { a: 1 } }, {}, bare))).transactionContext).toEqual({ a: 1 })
    expect((await world.verify(await replace({}, {}, bare))).transactionContext).toBeUndefined()
  })

  it.each<readonly [title: string, addedContext: TransactionReplacement['addedContext']]>([
    ['a lower amount', { amount: 4249 }],
    ['the same amount', { amount: 4250 }],
    ['no amount', { amount: 0 }],
    ['fewer items', { items: ['pen'] }],
    ['the same object, its members in another order or not', { customer: { level: 'gold' } }],
  ])('TXN-13.15-02: may have %s', async (_title, addedContext) => {
    const { transactionContext } = await world.verify(await replace({ addedContext: addedContext ?? {} }, { narrowing }))
    expect(transactionContext).toMatchObject(addedContext ?? {})
  })

  it('TXN-13.15-07: ends with the token that it replaces, unless the policy says otherwise', async () => {
    world.runtime.advance(50)
    expect((await world.verify(await replace({ lifetimeSeconds: 300 }))).expiresAt).toBe(NOW + 60)
    expect((await world.verify(await replace({ lifetimeSeconds: 5 }))).expiresAt).toBe(NOW + 55)
    expect((await world.verify(await replace({ lifetimeSeconds: 300 }, { mayOutlive: true }))).expiresAt).toBe(NOW + 350)
  })
})

describe('no replacement is issued', () => {
  const rows: readonly (readonly [title: string, code: ErrorCode, replacement: object, options?: object])[] = [
    ['TXN-13.15-04: with another scope', 'ERR_TXN_SCOPE_WIDER', { narrowerScope: ['refunds.make'] }],
    ['TXN-13.15-04: with a wider scope', 'ERR_TXN_SCOPE_WIDER', { narrowerScope: ['orders.place', 'payments.charge', 'x'] }],
    ['TXN-13.15-04: with a scope in other letters', 'ERR_TXN_SCOPE_WIDER', { narrowerScope: ['Orders.Place'] }],
    ['TXN-9.2-11: with no scope', 'ERR_TXN_SCOPE', { narrowerScope: [] }],
    ['TXN-13.15-04: with a higher amount', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { amount: 4251 } }],
    ['TXN-13.15-04: with an amount below zero', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { amount: -1 } }],
    ['TXN-13.15-04: with an amount that is a text', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { amount: '1' } }],
    ['TXN-13.15-04: with a lower amount without a rule', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { amount: 1 } }, { narrowing: {} }],
    ['TXN-13.15-04: with more items', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { items: ['book', 'pen', 'car'] } }],
    ['TXN-13.15-04: with no items, which may stand for any', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { items: [] } }],
    ['TXN-13.15-04: with another action', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { action: 'sell' } }],
    ['TXN-13.15-04: with a member taken out', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { action: null } }],
    ['TXN-13.15-04: with a member of a member added', 'ERR_TXN_CONTEXT_WIDER', { addedContext: { customer: { level: 'gold', x: 1 } } }],
    [
      'TXN-13.15-04: with a rule found on every object',
      'ERR_TXN_CONTEXT_WIDER',
      { addedContext: { action: 1 } },
      { narrowing: { toString: atMost } },
    ],
    [
      'TXN-13.4-01: with the opaque token that was presented',
      'ERR_TXN_EMBEDDED_TOKEN',
      { addedContext: { a: 'opaque' } },
      { presentedTokens: ['opaque'] },
    ],
    ['TXN-9.2-13: with a list as context', 'ERR_TXN_CONTEXT', { addedContext: [] }],
    ['TXN-13.15-08: once the chain is as long as it may be', 'ERR_TXN_REPLACEMENT_LIMIT', {}, { maxRequestingWorkloads: 1 }],
    ['TXN-9.2-15: for something that is no workload', 'ERR_IDENTIFIER_MALFORMED', { requester: 'orders' }],
    ['TXN-13.1-01: that lives too long', 'ERR_OPTIONS_INVALID', { lifetimeSeconds: 301 }, { mayOutlive: true }],
    ['TXN-13.15-08: with a limit that recipients would not read', 'ERR_OPTIONS_INVALID', {}, { maxRequestingWorkloads: 17 }],
  ]
  it.each(rows.map(([title, code, replacement, options = {}]) => [title, code, replacement, options] as const))(
    '%s (%s)',
    async (_title, code, replacement, options) => {
      expect(await codeOf(replace(replacement, { narrowing, ...options }))).toBe(code)
    },
  )

  it('TXN-13.15-08: more often than three times unless told', async () => {
    let token = original
    for (let count = 0; count < 3; count += 1) token = await world.verify(await replace({}, {}, token))
    expect(token.requestingWorkloads).toHaveLength(4)
    expect(await codeOf(replace({}, {}, token))).toBe('ERR_TXN_REPLACEMENT_LIMIT')
  })

  it('TXN-13.15-06: of a token that has expired, whatever tolerance it was verified with', async () => {
    const tolerated = await world.verify(original.token, { clockToleranceSeconds: 100 })
    world.runtime.advance(59)
    expect(await codeOf(replace({}, {}, tolerated))).toBe('ok')
    world.runtime.advance(1)
    expect(await codeOf(replace({}, { mayOutlive: true }, tolerated))).toBe('ERR_TXN_EXPIRED')
  })

  it('TXN-13.4-01: with the token itself in its context', async () => {
    expect(await codeOf(replace({ addedContext: { before: original.token } }))).toBe('ERR_TXN_EMBEDDED_TOKEN')
    const external = await forgeJws({ alg: 'ES256' }, {}, await signerOf('other'))
    expect(await codeOf(replace({ addedContext: { a: [external] } }))).toBe('ERR_TXN_EMBEDDED_TOKEN')
  })

  it('TXN-13.15-01: of what is no verified token', async () => {
    expect(await codeOf(replace({}, {}, { ...original }))).toBe('ERR_OPTIONS_INVALID')
  })
})
