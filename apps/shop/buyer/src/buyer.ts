import { accessToken, amountIn, bodyOf, customerIn, Refusal, type ShopApp, type ShopService, textIn } from '@wimse/shop-platform'

const CONCIERGE = 'spiffe://shop.example/concierge'
const STOREFRONT = 'spiffe://shop.example/storefront'

/** An agent that works for another agent: it sees no user and no token of one, only what was handed on to it. */
export function buyer(app: ShopApp, { at, call, delegates, tokens }: ShopService): void {
  app.post('/purchases', delegates({ allow: CONCIERGE, scope: ['shop:order'] }), async (c) => {
    const body = await bodyOf(c)
    const [item, amount, budget] = [textIn(body, 'item'), amountIn(body), amountIn(body, 'budget')]
    const { actors, token: fromConcierge } = customerIn(c)
    // Only the outermost actor counts: the one whose key proved this call.
    if (actors[0] !== c.var.peer.identifier) throw new Refusal('the caller is not the one who acts')
    if (amount > budget) throw new Refusal('over the budget')
    // Narrower once more: whoever gets hold of this can order at the storefront and nothing else, and needs our key for that.
    const token = await tokens.exchangeFor(at(STOREFRONT), accessToken(fromConcierge), { scope: ['shop:order'] })
    return c.json(await call(STOREFRONT, '/orders', { json: { item, amount }, token }), 201)
  })
}
