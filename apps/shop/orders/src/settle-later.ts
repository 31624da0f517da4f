import type { JsonObject, Runtime } from '@wimse/core'
import { type JobQueue, type TokenClient, transactionOf } from '@wimse/shop-platform'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'

const WORKER = 'spiffe://shop.example/settlement'
const SCOPE = ['payments:settle']
/** How long work may wait. */
const DAY_SECONDS = 86_400

/** What is handed to a worker in place of being done now. */
export interface Later {
  /** One order, exactly as it is. @returns what the worker will call it */
  order(transaction: VerifiedTransactionToken, parameters: JsonObject & { readonly order: string }): Promise<string>
  /** `count` orders of at most this amount each, under one grant: they are told apart by their names. */
  batch(
    transaction: VerifiedTransactionToken,
    batch: { readonly order: string; readonly amount: number; readonly count: number },
  ): Promise<number>
}

/** Has work done later: the transaction of now ends in a minute, the grant that is made of it says what may still be done when it has. */
export function createLater({
  tokens,
  queue,
  runtime,
}: {
  readonly tokens: TokenClient
  readonly queue: JobQueue
  readonly runtime: Pick<Runtime, 'now'>
}): Later {
  const end = (): number => Math.floor(runtime.now() / 1000) + DAY_SECONDS
  return {
    async order(transaction, parameters) {
      const deferral = { worker: WORKER, action: 'settle', parameters, end: end() }
      const grant = await tokens.defer(transactionOf(transaction), { scope: SCOPE, deferral })
      await queue.send({ job: parameters.order, action: 'settle', parameters }, grant)
      return parameters.order
    },
    async batch(transaction, { order, amount, count }) {
      const deferral = { worker: WORKER, action: 'settle', limits: { amount: { atMost: amount } }, uses: count, end: end() }
      const grant = await tokens.defer(transactionOf(transaction), { scope: SCOPE, deferral })
      for (let number = 1; number <= count; number += 1) {
        const job = `${order}-${number}`
        // The one use of a grant has no name.
        const use = count > 1 ? { use: job } : {}
        await queue.send({ job, action: 'settle', parameters: { order: job, amount }, ...use }, grant)
      }
      return count
    },
  }
}
