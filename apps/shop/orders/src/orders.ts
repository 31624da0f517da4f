import {
  accessToken,
  amountIn,
  bodyOf,
  customerIn,
  Refusal,
  type ShopApp,
  type ShopService,
  textIn,
  transactionIn,
} from '@wimse/shop-platform'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'

const STOREFRONT = 'spiffe://shop.example/storefront'
const FRAUD = 'spiffe://shop.example/fraud'
const PAYMENTS = 'spiffe://shop.example/payments'

/** Takes orders inside of a transaction, and refunds on behalf of a user. */
export function orders(app: ShopApp, service: ShopService): void {
  const { call, config, delegates, tokens, verifyTransaction, workloads } = service
  // For the suite: what happens to an order that fraud has never seen is for payments to say.
  const skipsFraud = config.document['skipFraud'] === true

  const checked = async (transaction: VerifiedTransactionToken, amount: number): Promise<VerifiedTransactionToken> => {
    const { transactionToken } = await call(FRAUD, '/checks', { json: { amount }, transaction })
    const replacement = await verifyTransaction(String(transactionToken))
    // What comes back in a body is bound to no proof: it counts only as the same transaction of the same principal.
    if (replacement.transaction !== transaction.transaction || replacement.subject !== transaction.subject) {
      throw new Refusal('fraud answered with another transaction')
    }
    return replacement
  }

  app.post('/orders', workloads({ allow: STOREFRONT, transaction: true }), async (c) => {
    const body = await bodyOf(c)
    const [item, amount] = [textIn(body, 'item'), amountIn(body)]
    const { token } = transactionIn(c)
    const transaction = skipsFraud ? token : await checked(token, amount)
    const { receipt } = await call(PAYMENTS, '/charges', { json: { amount }, transaction })
    return c.json({ order: `${item}-${token.transaction.slice(0, 8)}`, receipt: receipt ?? null }, 201)
  })

  app.post('/refunds', delegates({ allow: STOREFRONT, scope: ['shop:refund'] }), async (c) => {
    const body = await bodyOf(c)
    const [order, amount] = [textIn(body, 'order'), amountIn(body)]
    const { actors, token } = customerIn(c)
    if (actors[0] !== c.var.peer.identifier) throw new Refusal('the caller is not the one who acts')
    const onward = await tokens.exchangeFor(service.at(PAYMENTS), accessToken(token), { scope: ['shop:refund'] })
    return c.json(await call(PAYMENTS, '/refunds', { json: { order, amount }, token: onward }))
  })
}
