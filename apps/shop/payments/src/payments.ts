import { inMemoryReplayStore } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import {
  amountIn,
  bodyOf,
  customerIn,
  Refusal,
  type ShopApp,
  type ShopService,
  textIn,
  transactionIn,
  transactionOf,
} from '@wimse/shop-platform'
import { DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS } from '@wimse/transaction-tokens'
import { refuseCharge } from './charge-policy.ts'

const ORDERS = 'spiffe://shop.example/orders'
const BANK_TOKENS = 'spiffe://bank.example/token-service'
const LEDGER = 'spiffe://bank.example/ledger'

/** Charges by signed context alone, and enters them at the bank, in the other trust domain, by identity chaining. */
export function payments(app: ShopApp, { at, call, delegates, tokens, workloads }: ShopService): void {
  const charged = inMemoryReplayStore({ capacity: 100_000 })
  /** Proofs are good for one request; a transaction is the same in all of them, and an order is paid once. */
  const isFirst = async (id: string): Promise<boolean> => {
    const now = defaultRuntime().now() / 1000
    return charged.record({ scope: 'charge', id, expiresAt: now + DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS }, now)
  }

  app.post('/charges', workloads({ allow: ORDERS, transaction: true }), async (c) => {
    const amount = amountIn(await bodyOf(c))
    const { token: transaction } = transactionIn(c)
    const reason = refuseCharge({ amount, transaction })
    if (reason !== undefined) throw new Refusal(reason)
    if (!(await isFirst(transaction.transaction))) throw new Refusal('this transaction has been charged')
    // The transaction token stays at home: the bank gets what our token service lets across, and gives a token of its own for it.
    const token = await tokens.chainTo(at(LEDGER), at(BANK_TOKENS), transactionOf(transaction))
    const { entry } = await call(LEDGER, '/entries', { json: { amount }, token })
    return c.json({ receipt: entry ?? null }, 201)
  })

  app.post('/refunds', delegates({ allow: ORDERS, scope: ['shop:refund'] }), async (c) => {
    const body = await bodyOf(c)
    const [order, amount] = [textIn(body, 'order'), amountIn(body)]
    const { actors, subject } = customerIn(c)
    // Only the outermost actor counts for access. The others are for audit.
    if (actors[0] !== c.var.peer.identifier) throw new Refusal('the caller is not the one who acts')
    return c.json({ refunded: order, amount, for: subject, actors })
  })
}
