import { inMemoryReplayStore, type JsonObject } from '@wimse/core'
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
import { DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS, type VerifiedTransactionToken } from '@wimse/transaction-tokens'
import { refuseCharge } from './charge-policy.ts'
import { createOnce } from './once.ts'
import { clearedFor, origin, refuseSettlement } from './settlement-policy.ts'
import { createTally } from './tally.ts'

const ORDERS = 'spiffe://shop.example/orders'
const SETTLEMENT = 'spiffe://shop.example/settlement'
const BANK_TOKENS = 'spiffe://bank.example/token-service'
const LEDGER = 'spiffe://bank.example/ledger'

/** Transactions that are remembered. */
const CAPACITY = 100_000

/** Charges by signed context alone, and enters them at the bank, in the other trust domain, by identity chaining. */
export function payments(app: ShopApp, { at, call, delegates, tokens, workloads }: ShopService): void {
  const charged = inMemoryReplayStore({ capacity: CAPACITY })
  const settled = createOnce<string | null>(CAPACITY)
  /** What has been paid of an order, now and later: many jobs may be put off in one transaction, and fraud has cleared them together. */
  const paid = createTally(CAPACITY)
  const payOf = async <T>(id: string, amount: number, cleared: number, pay: () => Promise<T>): Promise<T> => {
    if (!paid.add(id, amount, cleared)) throw new Refusal('fraud cleared less')
    try {
      return await pay()
    } catch (error) {
      paid.takeBack(id, amount)
      throw error
    }
  }
  /** Proofs are good for one request; a transaction is the same in all of them, and an order is paid once. */
  const isFirst = async (id: string): Promise<boolean> => {
    const now = defaultRuntime().now() / 1000
    return charged.record({ scope: 'charge', id, expiresAt: now + DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS }, now)
  }

  /** The transaction token stays at home: the bank gets what our token service lets across, and gives a token of its own for it. */
  const enter = async (transaction: VerifiedTransactionToken, json: JsonObject): Promise<string | null> => {
    const token = await tokens.chainTo(at(LEDGER), at(BANK_TOKENS), transactionOf(transaction))
    const { entry } = await call(LEDGER, '/entries', { json, token })
    return typeof entry === 'string' ? entry : null
  }

  app.post('/charges', workloads({ allow: ORDERS, transaction: true }), async (c) => {
    const amount = amountIn(await bodyOf(c))
    const { token: transaction } = transactionIn(c)
    const reason = refuseCharge({ amount, transaction })
    if (reason !== undefined) throw new Refusal(reason)
    if (!(await isFirst(transaction.transaction))) throw new Refusal('this transaction has been charged')
    // It cleared just as much, so that nothing of this order can have been put off.
    const receipt = await payOf(transaction.transaction, amount, amount, () => enter(transaction, { amount }))
    return c.json({ receipt }, 201)
  })

  app.post('/settlements', workloads({ allow: SETTLEMENT, transaction: true }), async (c) => {
    const amount = amountIn(await bodyOf(c))
    const { token: transaction } = transactionIn(c)
    const reason = refuseSettlement({ caller: c.var.peer.identifier, amount, transaction })
    if (reason !== undefined) throw new Refusal(reason)
    const id = transaction.transaction
    // A worker that was killed has asked before: whoever took the work over gets the same receipt, and the ledger keeps one entry.
    const pay = (): Promise<string | null> => enter(transaction, { amount, reference: id })
    const cleared = clearedFor(transaction)
    const receipt = await settled(id, () => (cleared === undefined ? pay() : payOf(origin(transaction), amount, cleared, pay)))
    return c.json({ receipt }, 201)
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
