import { accessToken, amountIn, bodyOf, customerIn, Refusal, type ShopApp, type ShopService, textIn } from '@wimse/shop-platform'
import { plan } from './plan.ts'

const CONCIERGE = 'spiffe://shop.example/concierge'
const STOREFRONT = 'spiffe://shop.example/storefront'
const BUYER = 'spiffe://shop.example/buyer'

/** What an errand takes. Whatever else the user allowed, the buyer doesn't get: it has no use for refunds. */
const ERRAND = ['shop:browse', 'shop:order']

/** An agent that acts for users, and now and then for nobody. */
export function concierge(app: ShopApp, { at, call, tokens, users, workloads }: ShopService): void {
  app.post('/tasks', users({ scope: ERRAND }), async (c) => {
    const body = await bodyOf(c)
    const [want, budget] = [textIn(body, 'want'), amountIn(body, 'budget')]
    // The user's own token stays here. What goes on is for one service, bound to our key, and says that we act for the user.
    const user = accessToken(customerIn(c).token)
    const browsing = await tokens.exchangeFor(at(STOREFRONT), user, { scope: ['shop:browse'] })
    const purchase = plan(want, await call(STOREFRONT, '/catalog', { token: browsing }))
    if (purchase === undefined) throw new Refusal('nothing like that is sold')
    const errand = await tokens.exchangeFor(at(BUYER), user, { scope: ERRAND })
    const bought = await call(BUYER, '/purchases', { json: { ...purchase, budget }, token: errand })
    return c.json({ ...bought, ...purchase }, 201)
  })

  app.post('/refunds', users({ scope: ['shop:refund'] }), async (c) => {
    const body = await bodyOf(c)
    const [order, amount] = [textIn(body, 'order'), amountIn(body)]
    const token = await tokens.exchangeFor(at(STOREFRONT), accessToken(customerIn(c).token), { scope: ['shop:refund'] })
    return c.json(await call(STOREFRONT, '/refunds', { json: { order, amount }, token }))
  })

  // Nobody's errand: no token comes in and none is asked for. The storefront sees our own proof and nothing else.
  app.post('/restock', workloads({ allow: [STOREFRONT, CONCIERGE] }), async (c) => c.json({ catalog: await call(STOREFRONT, '/catalog') }))
}
