import { TOKEN_TYPES } from '@wimse/token-exchange'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ServiceName, type ShopWorld, startShop } from './shop-world.ts'

const CONCIERGE = 'spiffe://shop.example/concierge'
const BUYER = 'spiffe://shop.example/buyer'
const EVERYTHING = ['shop:browse', 'shop:order', 'shop:refund']
const WISH = { want: 'A teapot please', budget: 50 }

let shop: ShopWorld
beforeAll(async () => {
  shop = await startShop()
}, 60_000)
afterAll(() => shop.close())
beforeEach(() => {
  shop.takeHops()
})

const subject = (token: string): { readonly token: string; readonly type: string } => ({ token, type: TOKEN_TYPES.accessToken })

describe('an errand for a user', () => {
  test('is done in the name of the user, with less at each hop, and every agent on the way is named', async () => {
    const answer = await shop.call('concierge', '/tasks', await shop.signIn({ scope: EVERYTHING }), WISH)
    expect(answer).toMatchObject({ status: 201, body: { item: 'teapot', amount: 45, transaction: expect.any(String) } })
    const hops = new Map(shop.takeHops().map((hop) => [`${hop['service']} ${hop['request']}`, hop]))
    const ada = { subject: 'user:ada', decision: 'allowed' }
    expect(hops.get('concierge POST /tasks')).toMatchObject({ ...ada, scope: EVERYTHING })
    expect(hops.get('concierge POST /tasks')).not.toHaveProperty('actors')
    expect(hops.get('storefront GET /catalog')).toMatchObject({ ...ada, scope: ['shop:browse'], actors: [CONCIERGE] })
    expect(hops.get('buyer POST /purchases')).toMatchObject({ ...ada, scope: ['shop:browse', 'shop:order'], actors: [CONCIERGE] })
    expect(hops.get('storefront POST /orders')).toMatchObject({ ...ada, scope: ['shop:order'], actors: [BUYER, CONCIERGE] })
    const { transaction } = answer.body
    expect(hops.get('payments POST /charges')).toMatchObject({ ...ada, transaction, scope: ['orders:place'], actors: [BUYER, CONCIERGE] })
    expect(hops.get('ledger POST /entries')).toMatchObject({ subject: 'customer', decision: 'allowed' })
  })

  test('that is a refund reaches payments with all three who act', async () => {
    const answer = await shop.call('concierge', '/refunds', await shop.signIn({ scope: ['shop:refund'] }), {
      order: 'teapot-1',
      amount: 45,
    })
    const actors = ['orders', 'storefront', 'concierge'].map((name) => `spiffe://shop.example/${name}`)
    expect(answer).toMatchObject({ status: 200, body: { for: 'user:ada', actors } })
  })

  test('stays within the budget, and what is refused there never reaches the shop', async () => {
    const wish = { want: 'a piano', budget: 11_999 }
    const answer = await shop.call('concierge', '/tasks', await shop.signIn({ scope: EVERYTHING }), wish)
    expect(answer).toMatchObject({ status: 403, body: { code: 'ERR_POLICY_DENIED', hop: 'buyer' } })
    const hops = shop.takeHops()
    expect(hops.find(({ service }) => service === 'buyer')).toMatchObject({ decision: 'refused', reason: 'over the budget' })
    expect(hops.some(({ request }) => request === 'POST /orders')).toBe(false)
  })

  test('is not begun for what nobody sells', async () => {
    const answer = await shop.call('concierge', '/tasks', await shop.signIn({ scope: EVERYTHING }), { ...WISH, want: 'a dragon' })
    expect(answer).toMatchObject({ status: 403, body: { code: 'ERR_POLICY_DENIED', hop: 'concierge' } })
  })

  const short: readonly (readonly [path: string, scope: readonly string[], json: Parameters<ShopWorld['call']>[3]])[] = [
    ['/tasks', ['shop:browse'], WISH],
    ['/tasks', ['shop:order'], WISH],
    ['/refunds', ['shop:browse', 'shop:order'], { order: 'teapot-1', amount: 45 }],
  ]
  test.each(short)('at %s is not begun with only %j of the user', async (path, scope, json) => {
    const answer = await shop.call('concierge', path, await shop.signIn({ scope }), json)
    expect(answer).toMatchObject({ status: 403, body: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE' } })
    expect(shop.takeHops()).toHaveLength(1)
  })
})

describe('an agent on its own', () => {
  test('is told apart from the same agent on an errand', async () => {
    const agent = await shop.as('concierge')
    expect(await agent.call('spiffe://shop.example/storefront', '/catalog')).toMatchObject({ for: null, by: [CONCIERGE], autonomous: true })
    const user = subject(await shop.signIn({ scope: EVERYTHING }))
    const token = await agent.tokens.exchangeFor(shop.url('storefront'), user, { scope: ['shop:browse'] })
    const onErrand = await agent.call('spiffe://shop.example/storefront', '/catalog', { token })
    expect(onErrand).toMatchObject({ for: 'user:ada', by: [CONCIERGE], autonomous: false })
    const [alone, acting] = shop.takeHops()
    expect(alone).not.toHaveProperty('subject')
    expect(acting).toMatchObject({ caller: CONCIERGE, subject: 'user:ada', actors: [CONCIERGE] })
  })

  test('looks around when the storefront asks, and orders nothing', async () => {
    const asked = await (await shop.as('storefront')).workload
      .fetch(`${shop.url('concierge')}/restock`, { method: 'POST' })
      .catch((error) => error)
    // The storefront of the sample calls no agents: nobody is mapped there.
    expect(asked).toMatchObject({ code: 'ERR_IDENTIFIER_UNMAPPED' })
    const restock = await (await shop.as('tester', 'spiffe://shop.example/storefront')).call(CONCIERGE, '/restock', { json: {} })
    expect(restock).toMatchObject({ catalog: { for: null, by: [CONCIERGE], autonomous: true } })
  })

  test('may not order without somebody who allowed that', async () => {
    const agent = await shop.as('buyer')
    const order = agent.call('spiffe://shop.example/storefront', '/orders', { json: { item: 'teapot', amount: 45 } })
    await expect(order).rejects.toMatchObject({ code: 'ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED', elsewhere: { hop: 'storefront' } })
  })

  test('is not sent by a workload that is allowed nowhere', async () => {
    const rogue = await shop.as('tester', 'spiffe://shop.example/rogue')
    await expect(rogue.call(CONCIERGE, '/restock', { json: {} })).rejects.toMatchObject({ code: 'ERR_POLICY_DENIED' })
    const purchase = { item: 'teapot', amount: 45, budget: 50 }
    await expect(rogue.call(BUYER, '/purchases', { json: purchase })).rejects.toMatchObject({ code: 'ERR_POLICY_DENIED' })
  })
})

describe('widening is refused', () => {
  const wider: readonly (readonly [
    title: string,
    granted: readonly string[],
    target: ServiceName,
    scope: readonly string[],
    error: string,
  ])[] = [
    ['a refund for the buyer, that no rule hands on', EVERYTHING, 'buyer', ['shop:refund'], 'invalid_scope'],
    ['one value too many', EVERYTHING, 'buyer', EVERYTHING, 'invalid_scope'],
    ['an order in the place of the buyer', EVERYTHING, 'storefront', ['shop:order'], 'invalid_scope'],
    ['what the user did not allow', ['shop:browse'], 'buyer', ['shop:order'], 'invalid_scope'],
    ['a service behind the storefront', EVERYTHING, 'payments', ['shop:refund'], 'invalid_target'],
  ]
  test.each(wider)('at the concierge: %s', async (_title, granted, target, scope, error) => {
    const { tokens } = await shop.as('concierge')
    const user = subject(await shop.signIn({ scope: granted }))
    await expect(tokens.exchangeFor(shop.url(target), user, { scope })).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', error })
  })

  test('at the buyer, although the user would have allowed it', async () => {
    const { handed } = await handOn()
    const { tokens } = await shop.as('buyer')
    const asked = tokens.exchangeFor(shop.url('storefront'), subject(handed), { scope: ['shop:order', 'shop:refund'] })
    await expect(asked).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', error: 'invalid_scope' })
  })

  test('at the storefront, which takes the scope of the token and not of the wish', async () => {
    const { handed } = await handOn()
    const agent = await shop.as('buyer')
    const token = await agent.tokens.exchangeFor(shop.url('storefront'), subject(handed), { scope: ['shop:order'] })
    const refund = agent.call('spiffe://shop.example/storefront', '/refunds', { json: { order: 'teapot-1', amount: 45 }, token })
    await expect(refund).rejects.toMatchObject({ code: 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE' })
  })
})

describe('a token in the wrong hands', () => {
  const purchase = { item: 'teapot', amount: 45, budget: 50 }

  test('of the user for the concierge buys nothing at the storefront, and the buyer gets nothing for it', async () => {
    const token = await shop.signIn({ scope: EVERYTHING })
    const answer = await shop.call('storefront', '/orders', token, { item: 'teapot', amount: 45 })
    expect(answer).toMatchObject({ status: 401, body: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD' } })
    const { tokens } = await shop.as('buyer')
    await expect(tokens.exchangeFor(shop.url('storefront'), subject(token))).rejects.toMatchObject({
      code: 'ERR_EXCHANGE_REFUSED',
      error: 'invalid_request',
    })
  })

  test('of the concierge is nothing to the same concierge with another key, nor to others', async () => {
    const { handed } = await handOn()
    const other = (await shop.as('concierge')).call(BUYER, '/purchases', { json: purchase, token: handed })
    await expect(other).rejects.toMatchObject({ code: 'ERR_EXCHANGE_ACCESS_TOKEN_PROOF' })
    const rogue = (await shop.as('tester', 'spiffe://shop.example/rogue')).call(BUYER, '/purchases', { json: purchase, token: handed })
    await expect(rogue).rejects.toMatchObject({ code: 'ERR_POLICY_DENIED' })
    const buyer = (await shop.as('buyer')).call('spiffe://shop.example/storefront', '/orders', { json: purchase, token: handed })
    await expect(buyer).rejects.toMatchObject({ code: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD' })
  })
})

test('no line of any service has a token in it', () => {
  expect(shop.lines.length).toBeGreaterThan(20)
  expect(shop.lines.join('')).not.toMatch(/eyJ|sample-password/)
})

/** What the concierge hands to the buyer. */
async function handOn(): Promise<{ readonly handed: string }> {
  const { tokens } = await shop.as('concierge')
  const user = subject(await shop.signIn({ scope: EVERYTHING }))
  return { handed: await tokens.exchangeFor(shop.url('buyer'), user, { scope: ['shop:browse', 'shop:order'] }) }
}
