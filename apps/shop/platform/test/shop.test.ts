import { type JsonObject, requestViewOfRequest } from '@wimse/core'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'
import type { CallInit } from '@wimse/workload/node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accessToken, itself, transactionOf } from '../src/index.ts'
import { type Answer, answerOf, type Intruder, intruder, type Place, post, type ShopWorld, startShop } from './shop-world.ts'

const id = (name: string): string => `spiffe://shop.example/${name}`

let shop: ShopWorld
let held: ReadonlyMap<string, Intruder>

beforeAll(async () => {
  shop = await startShop()
  const names = ['storefront', 'orders', 'fraud', 'payments', 'concierge', 'buyer', 'rogue']
  held = new Map(await Promise.all(names.map(async (name) => [name, await intruder(shop, name)] as const)))
}, 90_000)

afterAll(() => shop?.close(), 30_000)

function as(name: string): Intruder {
  const found = held.get(name)
  if (found === undefined) throw new Error(name)
  return found
}

async function call(name: string, place: Place, path: string, init: CallInit): Promise<Answer> {
  return answerOf(await as(name).workload.fetch(`${shop.origin(place)}${path}`, init))
}

async function signIn(place: Place, scope: string, claims: JsonObject = {}): Promise<string> {
  return shop.signIn({ aud: shop.origin(place), scope, ...claims })
}

const order = { item: 'teapot', amount: 45 }

async function placeOrder(body: JsonObject = order, token?: string): Promise<Answer> {
  return shop.visit(`${shop.origin('storefront')}/orders`, post(body, token ?? (await signIn('storefront', 'shop:browse shop:order'))))
}

/** The transaction of an order of ada's, with the context that is told, as the storefront gets it. */
async function begin(amount = 45): Promise<VerifiedTransactionToken> {
  const token = await signIn('storefront', 'shop:order')
  return as('storefront').tokens.startTransaction(accessToken(token), {
    scope: ['orders:place'],
    requestDetails: { item: 'teapot', amount, currency: 'EUR' },
  })
}

async function cleared(amount = 45): Promise<VerifiedTransactionToken> {
  return as('fraud').tokens.replaceTransaction(await begin(amount), { requestDetails: { fraud: { verdict: 'clear', amount } } })
}

function charge(amount: number, transaction: VerifiedTransactionToken, name = 'orders'): Promise<Answer> {
  return call(name, 'payments', '/charges', post({ amount }, undefined, { transaction }))
}

const hops = (): readonly JsonObject[] => shop.lines.filter(({ event }) => event === 'hop')
/** The line of a service about what happened since the test began. */
const hopOf = (service: Place, members: JsonObject): Promise<JsonObject> => shop.heard({ event: 'hop', service, ...members }, before)

let before = 0
beforeEach(() => {
  before = shop.lines.length
})

describe('an order', () => {
  it('is the same transaction at every hop, and the bank sees neither the user nor the service (TXN-12.2-05, CHN-2.5-01)', async () => {
    const { status, body } = await placeOrder()
    expect([status, body]).toEqual([201, { order: expect.any(String), transaction: expect.any(String), receipt: expect.any(String) }])
    const transaction = body['transaction'] ?? null
    const inside = { transaction, subject: 'user:ada', decision: 'allowed' }
    for (const service of ['orders', 'fraud', 'payments'] as const)
      await hopOf(service, { ...inside, scope: ['orders:place'], proof: 'wpt' })
    await hopOf('storefront', { ...inside, proof: 'bearer' })
    await hopOf('payments', { transaction, caller: id('orders'), requestingWorkloads: [id('storefront'), id('fraud')] })
    const entry = { subject: 'customer', actors: [id('services')], proof: 'http-signature', scope: ['entries:write'] }
    expect(await hopOf('ledger', entry)).not.toHaveProperty('transaction')
  })

  it('that fraud wants to look at is refused by payments, and the storefront says who refused', async () => {
    const { status, body } = await placeOrder({ item: 'piano', amount: 12_000 })
    expect([status, body]).toEqual([403, expect.objectContaining({ code: 'ERR_POLICY_DENIED', hop: 'payments', status: 403 })])
    await hopOf('payments', { decision: 'refused', reason: 'fraud did not clear this order' })
    await hopOf('storefront', { decision: 'refused', reason: 'payments: ERR_POLICY_DENIED' })
  })

  it.each([
    ['for another resource', { aud: 'https://elsewhere.example' }, 401, 'ERR_EXCHANGE_ACCESS_TOKEN_AUD'],
    ['without the scope', { scope: 'shop:browse' }, 403, 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE'],
    ['of another issuer', { iss: 'https://elsewhere.example' }, 401, 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER'],
    ['that has expired', { iat: 1, exp: 300 }, 401, 'ERR_EXCHANGE_ACCESS_TOKEN_EXPIRED'],
    ['that is bound to a key', { cnf: { jkt: 'A'.repeat(43) } }, 401, 'ERR_EXCHANGE_ACCESS_TOKEN_PROOF'],
  ])('is refused with an access token %s', async (_title, claims, status, code) => {
    const { aud, scope, ...others }: JsonObject = { aud: shop.origin('storefront'), scope: 'shop:order', ...claims }
    const answer = await placeOrder(order, await shop.signIn({ aud: String(aud), scope: String(scope), ...others }))
    expect([answer.status, answer.body]).toEqual([status, expect.objectContaining({ code, hop: 'storefront' })])
    await hopOf('storefront', { decision: 'refused', reason: code })
  })

  it.each([
    ['no amount', { item: 'teapot' }],
    ['a negative amount', { item: 'teapot', amount: -1 }],
    ['an item that is no short text', { item: '<teapot>', amount: 1 }],
  ])('is refused with %s', async (_title, body) => {
    expect(await placeOrder(body)).toMatchObject({ status: 400, body: { code: 'ERR_MESSAGE_MALFORMED' } })
  })

  it('is not put off where nobody does it later', async () => {
    const { status, body } = await placeOrder({ ...order, settle: 'later' })
    expect([status, body['code'], body['hop']]).toEqual([403, 'ERR_POLICY_DENIED', 'orders'])
    await hopOf('orders', { decision: 'refused', reason: 'nothing is done later here: no broker is configured' })
  })

  it('is refused without any token', async () => {
    const { status, body } = await shop.visit(`${shop.origin('storefront')}/orders`, post(order))
    expect([status, body['code']]).toEqual([401, 'ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED'])
  })
})

describe('payments, by signed context', () => {
  it('charges what was ordered and cleared', async () => {
    expect((await charge(45, await cleared())).status).toBe(201)
  })

  it('charges a transaction once, however often it is asked (TXN-13.2-02)', async () => {
    const transaction = await cleared()
    expect((await charge(45, transaction)).status).toBe(201)
    expect((await charge(45, transaction)).status).toBe(403)
    await hopOf('payments', { decision: 'refused', reason: 'this transaction has been charged' })
  })

  it.each([
    ['another amount', async () => charge(46, await cleared()), 'the amount is not the one that was ordered'],
    ['an order that fraud has not seen', async () => charge(45, await begin()), 'fraud was not asked in this transaction'],
    [
      'an order that began elsewhere',
      async () => {
        const subject = accessToken(await signIn('concierge', 'shop:order'))
        const details = { scope: ['orders:place'], requestDetails: { item: 'teapot', amount: 45 } }
        const began = await as('concierge').tokens.startTransaction(subject, details)
        return charge(
          45,
          await as('fraud').tokens.replaceTransaction(began, { requestDetails: { fraud: { verdict: 'clear', amount: 45 } } }),
        )
      },
      'the transaction did not begin at the storefront',
    ],
    [
      'what an agent does by itself',
      async () => charge(45, await as('buyer').tokens.startTransaction(itself(as('buyer').workload), { scope: ['catalog:read'] })),
      'nobody has ordered: the subject is no user',
    ],
  ])('refuses %s', async (_title, attempt, reason) => {
    const { status, body } = await attempt()
    expect([status, body['code'], body['hop']]).toEqual([403, 'ERR_POLICY_DENIED', 'payments'])
    await hopOf('payments', { caller: id('orders'), decision: 'refused', reason })
  })

  it.each(['storefront', 'fraud', 'rogue'])('refuses %s, whatever it holds (TXN-13.12-01)', async (name) => {
    expect(await charge(45, await cleared(), name)).toMatchObject({ status: 403, body: { code: 'ERR_POLICY_DENIED' } })
    await hopOf('payments', { caller: id(name), decision: 'refused', reason: 'ERR_POLICY_DENIED' })
  })

  it('refuses a token that the proof does not cover, and none at all (WPT-2-18, TXN-12.1-01)', async () => {
    const { workload } = as('orders')
    const url = `${shop.origin('payments')}/charges`
    const bare = await workload.prepare(requestViewOfRequest(new Request(url, post({ amount: 45 }))))
    const { token } = await cleared()
    const slipped = { ...bare.request, fields: [...bare.request.fields, ['txn-token', token] as const] }
    const { response } = await workload.send(slipped)
    expect(response.status).toBe(401)
    await hopOf('payments', { decision: 'refused', reason: 'ERR_WPT_TTH_MISSING' })
    expect((await call('orders', 'payments', '/charges', post({ amount: 45 }))).body['code']).toBe('ERR_TXN_TOKEN_MISSING')
  })

  it('does not let anyone but fraud add a verdict, nor fraud change one (TXN-13.15-03, TXN-13.15-04)', async () => {
    const verdict = { requestDetails: { fraud: { verdict: 'clear', amount: 45 } } }
    await expect(as('orders').tokens.replaceTransaction(await begin(), verdict)).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED' })
    const review = { requestDetails: { fraud: { verdict: 'review', amount: 45 } } }
    const reviewed = await as('fraud').tokens.replaceTransaction(await begin(), review)
    await expect(as('fraud').tokens.replaceTransaction(reviewed, verdict)).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED' })
  })
})

describe('a refund', () => {
  const refund = { order: 'teapot-1', amount: 45 }

  it('is asked for by the user, and acted on by storefront and orders (TEX-4.1-03)', async () => {
    const token = await signIn('storefront', 'shop:refund')
    const { status, body } = await shop.visit(`${shop.origin('storefront')}/refunds`, post(refund, token))
    expect([status, body]).toEqual([200, { refunded: 'teapot-1', amount: 45, for: 'user:ada', actors: [id('orders'), id('storefront')] }])
  })

  it('that an agent asks for in the name of the user has a chain of three', async () => {
    const { tokens } = as('concierge')
    const asked = { scope: ['shop:refund'] }
    const token = await tokens.exchangeFor(shop.origin('storefront'), accessToken(await signIn('concierge', 'shop:refund')), asked)
    const { status, body } = await call('concierge', 'storefront', '/refunds', post(refund, token, { proof: 'http-signature' }))
    expect([status, body['actors']]).toEqual([200, [id('orders'), id('storefront'), id('concierge')]])
    await hopOf('payments', { subject: 'user:ada', actors: [id('orders'), id('storefront'), id('concierge')] })
  })

  it('is refused to whoever stole the token, and to its holder without the key in the proof (CHN-B.3-04)', async () => {
    const asked = { scope: ['shop:refund'] }
    const user = accessToken(await signIn('concierge', 'shop:refund'))
    const token = await as('concierge').tokens.exchangeFor(shop.origin('storefront'), user, asked)
    const stolen = await call('buyer', 'storefront', '/refunds', post(refund, token, { proof: 'http-signature' }))
    expect([stolen.status, stolen.body['code']]).toEqual([401, 'ERR_EXCHANGE_ACCESS_TOKEN_PROOF'])
    const bearer = await shop.visit(`${shop.origin('storefront')}/refunds`, post(refund, token))
    expect(bearer.status).toBe(401)
    expect((await call('concierge', 'orders', '/refunds', post(refund, token, { proof: 'http-signature' }))).status).toBe(403)
  })

  it('is refused without the scope, and a token for it is refused to who may not ask', async () => {
    const token = await signIn('storefront', 'shop:order')
    expect((await shop.visit(`${shop.origin('storefront')}/refunds`, post(refund, token))).status).toBe(403)
    const asked = as('buyer').tokens.exchangeFor(shop.origin('payments'), accessToken(await signIn('buyer', 'shop:refund')))
    await expect(asked).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', error: 'invalid_target' })
  })

  it('lets payments take the place of the user at orders, which nobody else may, and the events tell (TEX-A.1.1-01)', async () => {
    const asked = { scope: ['shop:refund'] }
    const user = accessToken(await signIn('orders', 'shop:refund'))
    const token = accessToken(await as('orders').tokens.exchangeFor(shop.origin('payments'), user, asked))
    await as('payments').tokens.exchangeFor(shop.origin('orders'), token, asked)
    await shop.heard({ event: 'token.issued', acting: 'delegation', client: id('orders') }, before)
    await shop.heard({ event: 'token.issued', acting: 'impersonation', client: id('payments') }, before)
    const asFraud = as('fraud').tokens.exchangeFor(shop.origin('orders'), accessToken(await signIn('orders', 'shop:refund')), asked)
    await expect(asFraud).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', error: 'invalid_target' })
  })
})

describe('the ledger', () => {
  it('takes nothing but tokens of its own token service from their holder (CHN-5.2-01, CHN-B.3-04)', async () => {
    const subject = transactionOf(await cleared())
    const token = await as('payments').tokens.chainTo(shop.origin('ledger'), shop.origin('bank'), subject)
    const enter = (name: string) => call(name, 'ledger', '/entries', post({ amount: 45 }, token, { proof: 'http-signature' }))
    expect((await enter('payments')).body).toMatchObject({ for: 'customer', actors: [id('services')] })
    expect((await enter('orders')).body['code']).toBe('ERR_EXCHANGE_ACCESS_TOKEN_PROOF')
    const bare = await call('payments', 'ledger', '/entries', post({ amount: 45 }))
    expect(bare.body['code']).toBe('ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED')
  })

  it('takes no token of another trust domain (BCP-3.8-01)', async () => {
    const asked = { scope: ['shop:refund'] }
    const token = await as('orders').tokens.exchangeFor(shop.origin('payments'), accessToken(await signIn('orders', 'shop:refund')), asked)
    const { body } = await call('orders', 'ledger', '/entries', post({ amount: 45 }, token, { proof: 'http-signature' }))
    expect(body['code']).toBe('ERR_EXCHANGE_ACCESS_TOKEN_ISSUER')
  })

  it('is out of reach for other workloads of the shop: no grant is theirs', async () => {
    const attempt = as('orders').tokens.chainTo(shop.origin('ledger'), shop.origin('bank'), transactionOf(await cleared()))
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', error: 'invalid_target' })
  })
})

describe('the catalog', () => {
  const look = (name: string, init: CallInit = {}) => call(name, 'storefront', '/catalog', init)

  it('tells a user, an agent in the name of the user, and the same agent by itself apart', async () => {
    const headers = { authorization: `Bearer ${await signIn('storefront', 'shop:browse')}` }
    const user = await shop.visit(`${shop.origin('storefront')}/catalog`, { headers })
    expect(user.body).toMatchObject({ for: 'user:ada', by: [], autonomous: false })

    const subject = accessToken(await signIn('concierge', 'shop:browse'))
    const token = await as('concierge').tokens.exchangeFor(shop.origin('storefront'), subject, { scope: ['shop:browse'] })
    const delegated = await look('concierge', { headers: { authorization: `Bearer ${token}` }, proof: 'http-signature' })
    expect(delegated.body).toMatchObject({ for: 'user:ada', by: [id('concierge')], autonomous: false })

    for (const proof of ['wpt', 'http-signature'] as const) {
      expect((await look('concierge', { proof })).body).toMatchObject({ for: null, by: [id('concierge')], autonomous: true })
    }
  })

  it('is closed to workloads that are no agents, and to nobody in particular', async () => {
    expect((await look('rogue')).status).toBe(403)
    expect((await shop.visit(`${shop.origin('storefront')}/catalog`, {})).status).toBe(401)
  })
})

it('no token is in any log', () => {
  expect(hops().length).toBeGreaterThan(20)
  expect(shop.log.join('\n')).not.toMatch(/eyJ[\w-]+\.[\w-]+\./)
})
