import { amountIn, bodyOf, type ShopApp, type ShopService, transactionIn } from '@wimse/shop-platform'

const ORDERS = ['spiffe://shop.example/orders', 'spiffe://shop.example/orders-evening']

/**
 * Judges an order, and says so where nobody after it can take it away: the answer is a replacement of the transaction token, in whose signed
 * context the verdict stands beside the amount that it is about.
 */
export function fraud(app: ShopApp, { config, workloads, tokens }: ShopService): void {
  const clearUpTo = amountIn(config.document, 'clearUpTo')

  app.post('/checks', workloads({ allow: ORDERS, transaction: true }), async (c) => {
    const amount = amountIn(await bodyOf(c))
    const verdict = amount <= clearUpTo ? 'clear' : 'review'
    const replacement = await tokens.replaceTransaction(transactionIn(c).token, { requestDetails: { fraud: { verdict, amount } } })
    return c.json({ verdict, transactionToken: replacement.token })
  })
}
