import type { Check } from '../../../suite/check.ts'
import { awaitHops, shownLines } from '../await-lines.ts'
import { callAsUser, expectDone } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { AMOUNT, userToken } from '../order-steps.ts'
import { shopChecks } from '../shop-check.ts'
import { shopId, shownToken, textIn } from '../tokens.ts'
import { agedTransaction } from './transaction-token.ts'
import { agedUserToken } from './user-token.ts'

const [STOREFRONT, ORDERS, FRAUD] = ['storefront', 'orders', 'fraud'].map(shopId)

/** A user orders, and every service on the way acts for her in one transaction. */
export const orderChecks: readonly Check[] = shopChecks('on-behalf-of-user', [
  {
    name: 'order.accepted',
    title: 'ada signs in and orders; storefront, orders, fraud and payments act for her in the same transaction with the same scope',
    kind: 'positive',
    requirements: ['TXN-9.2-07', 'TXN-9.2-08', 'TXN-9.2-11', 'TXN-12.1-01', 'TXN-12.2-05', 'TXN-11.5-01', 'WPT-2-18'],
    async run(scene) {
      // What is to expire begins to age.
      void Promise.allSettled([agedUserToken(scene), agedTransaction(scene)])
      const token = await userToken(scene)
      const answer = await callAsUser(scene, { service: 'storefront', path: '/orders', token, json: { item: 'teapot', amount: AMOUNT } })
      const call = expectDone(answer)
      const transaction = textIn(answer.body, 'transaction')
      const inside = { subject: 'user:ada', scope: ['orders:place'], proof: 'wpt', decision: 'allowed' } as const
      const hops = await awaitHops(scene, transaction, [
        { service: 'storefront', request: 'POST /orders', subject: 'user:ada', proof: 'bearer', decision: 'allowed' },
        { service: 'orders', request: 'POST /orders', caller: STOREFRONT, ...inside },
        { service: 'fraud', request: 'POST /checks', caller: ORDERS, ...inside },
        { service: 'payments', request: 'POST /charges', caller: ORDERS, ...inside, requestingWorkloads: [STOREFRONT ?? '', FRAUD ?? ''] },
      ])
      const events = (await scene.shop.events('shop')).filter((event) => event['transaction'] === transaction)
      expectMembers(
        'the events of the transaction',
        { kinds: events.map(({ kind }) => kind) },
        { kinds: ['transaction-token', 'replacement'] },
      )
      return { user: shownToken('access token', token), call, hops: shownLines(hops), events: shownLines(events) }
    },
  },
])
