import { amountIn, bodyOf, customerIn, type ShopApp, type ShopService } from '@wimse/shop-platform'

/** The bank's book. Whoever comes from the shop shows a token of the bank's own token service: who it was there, the bank isn't told. */
export function ledger(app: ShopApp, { delegates }: ShopService): void {
  let entries = 0

  app.post('/entries', delegates({ allow: 'spiffe://shop.example/*', scope: ['entries:write'] }), async (c) => {
    const amount = amountIn(await bodyOf(c))
    const { actors, subject } = customerIn(c)
    entries += 1
    return c.json({ entry: `entry-${entries}`, amount, for: subject, actors }, 201)
  })
}
