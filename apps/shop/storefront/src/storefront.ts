import { defaultRuntime } from '@wimse/keys'
import { accessToken, amountIn, bodyOf, customerIn, required, type ShopApp, type ShopService, textIn } from '@wimse/shop-platform'
import { createConsents } from './consents.ts'

const ORDERS = 'spiffe://shop.example/orders'
const ORDERS_EVENING = 'spiffe://shop.example/orders-evening'
const SCHEDULER = 'spiffe://shop.example/scheduler'
const AGENTS = ['spiffe://shop.example/concierge', 'spiffe://shop.example/buyer']
const CURRENCY = 'EUR'
const ITEMS = [
  { item: 'teapot', amount: 45 },
  { item: 'espresso-machine', amount: 900 },
  { item: 'piano', amount: 12_000 },
]

/** The entry for people and agents: here an access token becomes a transaction, or is handed on as a delegation. */
export function storefront(app: ShopApp, service: ShopService): void {
  const { at, call, config, delegates, either, jobs, tokens, users, workloads } = service
  const consents = jobs && createConsents({ tokens, queue: jobs, runtime: defaultRuntime() })
  const customers = (scope: readonly string[]) => either(delegates({ allow: AGENTS, scope }), users({ scope }))

  app.post('/orders', customers(['shop:order']), async (c) => {
    const body = await bodyOf(c)
    const [item, amount] = [textIn(body, 'item'), amountIn(body)]
    const transaction = await tokens.startTransaction(accessToken(customerIn(c).token), {
      scope: ['orders:place'],
      requestDetails: { item, amount, currency: CURRENCY },
      requestContext: { channel: customerIn(c).actors.length === 0 ? 'web' : 'agent' },
    })
    const settle = body['settle']
    if (settle !== undefined) {
      // The evening's orders are taken by a workload that is gone at night, when they are settled.
      const taker = settle === 'evening' ? ORDERS_EVENING : ORDERS
      const { order, job } = await call(taker, '/orders', { json: { item, amount, settle: 'later' }, transaction })
      return c.json({ order: order ?? null, transaction: transaction.transaction, job: job ?? null }, 202)
    }
    const { order, receipt } = await call(ORDERS, '/orders', { json: { item, amount }, transaction })
    return c.json({ order: order ?? null, transaction: transaction.transaction, receipt: receipt ?? null }, 201)
  })

  app.post('/batches', customers(['shop:order']), async (c) => {
    const body = await bodyOf(c)
    const [item, amount, count] = [textIn(body, 'item'), amountIn(body), amountIn(body, 'count')]
    const transaction = await tokens.startTransaction(accessToken(customerIn(c).token), {
      scope: ['orders:place'],
      requestDetails: { item, amount: amount * count, currency: CURRENCY },
      requestContext: { channel: 'web' },
    })
    const batch = await call(ORDERS, '/batches', { json: { item, amount, count }, transaction })
    return c.json({ ...batch, transaction: transaction.transaction }, 202)
  })

  // Consent is the user's own to give: no agent gives it for her.
  app.post('/consents', users({ scope: ['shop:restock'] }), async (c) => {
    const body = await bodyOf(c)
    const asked = { item: textIn(body, 'item'), limit: amountIn(body, 'limit'), runs: amountIn(body, 'runs'), days: amountIn(body, 'days') }
    return c.json({ ...(await required(consents).give(customerIn(c), asked)) }, 201)
  })

  app.get('/consents', users({ scope: ['shop:restock'] }), (c) => c.json({ consents: required(consents).of(customerIn(c).subject) }))

  app.delete('/consents/:consent', users({ scope: ['shop:restock'] }), async (c) => {
    await required(consents).withdraw(customerIn(c).subject, c.req.param('consent'))
    return c.body(null, 204)
  })

  // Nobody is there at night: the job runs by the consents alone.
  app.post('/restocks', workloads({ allow: SCHEDULER }), async (c) => {
    const body = await bodyOf(c)
    return c.json({ jobs: await required(consents).run(textIn(body, 'item'), amountIn(body)) }, 202)
  })
  const everySeconds = config.document['restockEverySeconds']
  if (consents !== undefined && typeof everySeconds === 'number') {
    for (const { item, amount } of ITEMS)
      setInterval(() => void consents.run(item, amount).catch(() => undefined), everySeconds * 1000).unref()
  }

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
