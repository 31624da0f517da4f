import { accessToken, amountIn, bodyOf, customerIn, type ShopApp, type ShopService, textIn } from '@wimse/shop-platform'

const ORDERS = 'spiffe://shop.example/orders'
const AGENTS = ['spiffe://shop.example/concierge', 'spiffe://shop.example/buyer']
const CURRENCY = 'EUR'
const ITEMS = [
  { item: 'teapot', amount: 45 },
  { item: 'espresso-machine', amount: 900 },
  { item: 'piano', amount: 12_000 },
]

/** The entry for people and agents: here an access token becomes a transaction, or is handed on as a delegation. */
export function storefront(app: ShopApp, service: ShopService): void {
  const { at, call, delegates, either, tokens, users } = service
  const customers = (scope: readonly string[]) => either(delegates({ allow: AGENTS, scope }), users({ scope }))

  app.post('/orders', customers(['shop:order']), async (c) => {
    const body = await bodyOf(c)
    const [item, amount] = [textIn(body, 'item'), amountIn(body)]
    const transaction = await tokens.startTransaction(accessToken(customerIn(c).token), {
      scope: ['orders:place'],
      requestDetails: { item, amount, currency: CURRENCY },
      requestContext: { channel: customerIn(c).actors.length === 0 ? 'web' : 'agent' },
    })
    const { order, receipt } = await call(ORDERS, '/orders', { json: { item, amount }, transaction })
    return c.json({ order: order ?? null, transaction: transaction.transaction, receipt: receipt ?? null }, 201)
  })

  app.post('/refunds', customers(['shop:refund']), async (c) => {
    const body = await bodyOf(c)
    const [order, amount] = [textIn(body, 'order'), amountIn(body)]
    const token = await tokens.exchangeFor(at(ORDERS), accessToken(customerIn(c).token), { scope: ['shop:refund'] })
    return c.json(await call(ORDERS, '/refunds', { json: { order, amount }, token }))
  })

  // An agent may look around by itself as well: then nobody stands behind it, and the answer says so.
  const scope = ['shop:browse']
  app.get('/catalog', either(delegates({ allow: AGENTS, scope, autonomous: true }), users({ scope })), (c) => {
    const { customer, peer } = c.var
    const by = customer === undefined ? [peer.identifier] : customer.actors
    return c.json({ for: customer?.subject ?? null, by, autonomous: customer === undefined, items: ITEMS })
  })
}
