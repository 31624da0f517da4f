import { defaultRuntime } from '@wimse/keys'
import {
  accessToken,
  amountIn,
  bodyOf,
  customerIn,
  Refusal,
  required,
  type ShopApp,
  type ShopService,
  textIn,
  transactionIn,
} from '@wimse/shop-platform'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'
import { createLater } from './settle-later.ts'

const STOREFRONT = 'spiffe://shop.example/storefront'
const FRAUD = 'spiffe://shop.example/fraud'
const PAYMENTS = 'spiffe://shop.example/payments'

/** Takes orders inside of a transaction, and refunds on behalf of a user. */
export function orders(app: ShopApp, service: ShopService): void {
  const { call, config, delegates, jobs, tokens, verifyTransaction, workloads } = service
  const later = jobs && createLater({ tokens, queue: jobs, runtime: defaultRuntime() })
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
    const order = nameOf(item, token)
    if (body['settle'] === 'later') return c.json({ order, job: await required(later).order(transaction, { order, amount }) }, 202)
    const { receipt } = await call(PAYMENTS, '/charges', { json: { amount }, transaction })
    return c.json({ order, receipt: receipt ?? null }, 201)
  })

  app.post('/batches', workloads({ allow: STOREFRONT, transaction: true }), async (c) => {
    const body = await bodyOf(c)
    const [item, amount, count] = [textIn(body, 'item'), amountIn(body), amountIn(body, 'count')]
    const { token } = transactionIn(c)
    // Fraud looks at all of it together.
    const transaction = await checked(token, amount * count)
    const order = nameOf(item, token)
    return c.json({ order, jobs: await required(later).batch(transaction, { order, amount, count }) }, 202)
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

function nameOf(item: string, { transaction }: VerifiedTransactionToken): string {
  return `${item}-${transaction.slice(0, 8)}`
}
