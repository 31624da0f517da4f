import type { JsonObject } from '@wimse/core'
import type { Check, Evidence } from '../../../suite/check.ts'
import { forgeWit, stolenKeys } from '../../forge.ts'
import { expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { clearedOrder, userToken } from '../order-steps.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { accessToken, shopId, shownToken, transactionToken } from '../tokens.ts'
import {
  askToDefer,
  type Deferred,
  type Deferring,
  deferOrder,
  newOrder,
  orderDeferral,
  redeemDeferred,
  secondsFromNow,
  WORKER,
} from './deferred-steps.ts'

/** A grant that nobody gets. */
interface RequestAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  /** What differs from the grant that orders gets for an order. */
  change(scene: ShopScene, deferral: JsonObject): Promise<Partial<Deferring>> | Partial<Deferring>
  readonly refused: TokenRefusal
  /** In whose name it is asked, where that is none of the workloads that the suite has. */
  readonly as?: string
}

const DAY_SECONDS = 86_400
const DENIED = { code: 'ERR_EXCHANGE_DEFERRAL_DENIED' } as const
const deferring =
  (members: JsonObject): RequestAttack['change'] =>
  (_scene, deferral) => ({ deferral: { ...deferral, ...members } })
const LIMITS = { amount: { at_most: 1000 } }

/** The evening's orders by somebody who has an issuing key: no workload of the suite has that identity. */
async function asEvening({ context: { world } }: ShopScene, deferral: JsonObject): Promise<Partial<Deferring>> {
  const { wit } = await stolenKeys(world, 'shop.example')
  return { deferral, change: { forgedCredential: await forgeWit(wit, { identifier: EVENING }) } }
}
const EVENING = shopId('orders-evening')

const attacks: readonly RequestAttack[] = [
  {
    name: 'request.another-worker',
    title: 'orders asks for a grant that rogue could redeem',
    requirements: ['TXN-11.3-02', 'TXN-13.10-01'],
    change: deferring({ worker: shopId('rogue') }),
    refused: DENIED,
  },
  {
    name: 'request.any-worker',
    title: 'orders asks for a grant that every workload of the shop could redeem',
    requirements: ['TXN-11.3-02', 'TXN-13.10-01'],
    change: deferring({ worker: shopId('*') }),
    refused: DENIED,
  },
  {
    name: 'request.itself-as-worker',
    title: 'orders asks for a grant that it could redeem itself',
    requirements: ['TXN-11.3-02', 'TXN-13.10-01'],
    change: deferring({ worker: shopId('orders') }),
    refused: DENIED,
  },
  {
    name: 'request.worker-of-the-bank',
    title: 'orders asks for a grant that a workload of the bank could redeem',
    requirements: ['TXN-11.3-02', 'TXN-9.2-05'],
    change: deferring({ worker: 'spiffe://bank.example/clerk' }),
    refused: DENIED,
  },
  {
    name: 'request.too-long',
    title: 'orders asks for a grant that is good for longer than a day',
    requirements: ['TXN-6-05', 'TXN-11.3-18'],
    change: (_scene, deferral) => ({ deferral: { ...deferral, end: secondsFromNow(DAY_SECONDS + 60) } }),
    refused: DENIED,
  },
  {
    name: 'request.too-many-uses',
    title: 'orders asks for more uses than the rule has',
    requirements: ['TXN-11.3-18'],
    change: deferring({ uses: 1_001 }),
    refused: DENIED,
  },
  {
    name: 'request.standing',
    title: "the evening's orders, which settle exactly what was ordered, ask for a grant within limits",
    requirements: ['TXN-11.3-18', 'TXN-13.15-04'],
    change: async (scene, { parameters: _, ...deferral }) => asEvening(scene, { ...deferral, limits: LIMITS }),
    refused: DENIED,
    as: EVENING,
  },
  {
    name: 'request.second-use',
    title: "the evening's orders ask for a second use",
    requirements: ['TXN-11.3-18'],
    change: async (scene, deferral) => asEvening(scene, { ...deferral, uses: 2 }),
    refused: DENIED,
    as: EVENING,
  },
  {
    name: 'request.another-action',
    title: 'orders asks for an action that its rule does not have',
    requirements: ['TXN-11.3-02', 'TXN-13.10-01'],
    change: deferring({ action: 'restock' }),
    refused: DENIED,
  },
  {
    name: 'request.another-parameter',
    title: 'orders asks for a parameter that the action does not have',
    requirements: ['TXN-11.3-15', 'TXN-11.3-16'],
    change: (_scene, deferral) => ({ deferral: { ...deferral, parameters: { ...newOrder(), to: 'account-of-rogue' } } }),
    refused: DENIED,
  },
  {
    name: 'request.scope-widened',
    title: 'orders asks for the scope of the transaction, which is not for later',
    requirements: ['TXN-13.6-01', 'TXN-11.3-12'],
    change: (_scene, deferral) => ({ deferral, scope: ['payments:settle', 'orders:place'] }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'request.no-rule',
    title: 'rogue, who has got hold of the transaction token, has its settlement put off',
    requirements: ['TXN-13.10-01', 'TXN-13.12-01'],
    change: (_scene, deferral) => ({ deferral, by: 'rogue' }),
    refused: { code: 'ERR_POLICY_DENIED' },
  },
  {
    name: 'request.of-another-kind',
    title: 'the storefront, which puts off for users by their tokens, does so by a transaction token',
    requirements: ['TXN-11.3-03', 'TXN-13.10-01'],
    change: (_scene, { parameters: _, ...deferral }) => ({
      by: 'as-storefront',
      deferral: { ...deferral, action: 'restock', limits: { item: { equals: 'tea' }, ...LIMITS } },
    }),
    refused: DENIED,
  },
  {
    name: 'request.stolen-access-token',
    title: 'the storefront has work put off by a token that the user gave to the concierge',
    requirements: ['TEX-2.1-21', 'BCP-3.9-01'],
    change: async (scene, { parameters: _, ...deferral }) => ({
      by: 'as-storefront',
      subjectToken: accessToken(await userToken(scene, { service: 'concierge', scope: ['shop:restock'] })),
      deferral: { ...deferral, action: 'restock', limits: { item: { equals: 'tea' }, ...LIMITS } },
    }),
    refused: { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD' },
  },
  {
    name: 'request.without-consent',
    title: 'the storefront has work put off by a token of a user who has allowed ordering, and no restocking',
    requirements: ['TXN-13.6-01', 'TXN-13.14-01'],
    change: async (scene, { parameters: _, ...deferral }) => ({
      by: 'as-storefront',
      subjectToken: accessToken(await userToken(scene)),
      deferral: { ...deferral, action: 'restock', limits: { item: { equals: 'tea' }, ...LIMITS } },
    }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'request.replayed',
    title: 'the request for the grant is sent a second time',
    requirements: ['WPT-2-38'],
    change: (_scene, deferral) => ({ deferral, change: { tamper: [{ kind: 'replay' }] } }),
    refused: { code: 'ERR_WPT_REPLAYED' },
  },
]

async function attackRequest(scene: ShopScene, { change, refused, as }: RequestAttack): Promise<Evidence> {
  const subjectToken = transactionToken(await clearedOrder(scene))
  const deferral = orderDeferral(newOrder())
  const answer = await askToDefer(scene, { subjectToken, deferral, ...(await change(scene, deferral)) })
  const attack = await expectTokenRefused(scene, as === undefined ? answer : { ...answer, by: as }, refused)
  return { attack, accepted: shownToken('deferred grant', issued(await askToDefer(scene, { subjectToken, deferral }))) }
}

/** What is put off is bounded by a rule: by whom, to whom, what, how often, for how long, and out of what. */
export const requestAttacks: readonly Check[] = shopChecks('async-job', [
  ...attacks.map(
    ({ name, title, requirements, ...attack }): ShopCheck => ({
      name,
      title,
      requirements,
      run: (scene) => attackRequest(scene, { name, title, requirements, ...attack }),
    }),
  ),
  {
    name: 'request.out-of-a-redemption',
    title: 'a grant is made out of the token that another grant was redeemed for, so that authority would never end',
    requirements: ['TXN-13.15-08', 'TXN-6-05'],
    async run(scene) {
      const deferred: Deferred = await deferOrder(scene)
      const token = issued(await redeemDeferred(scene, deferred))
      const asked = { subjectToken: transactionToken(token), deferral: { ...orderDeferral(newOrder()), worker: WORKER } }
      const byOrders = await expectTokenRefused(scene, await askToDefer(scene, asked), {
        code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
        detail: 'it came of a grant itself',
      })
      const byWorker = await expectTokenRefused(scene, await askToDefer(scene, { ...asked, by: 'as-settlement' }), {
        code: 'ERR_POLICY_DENIED',
      })
      return { redeemed: shownToken('transaction token', token), byOrders, byWorker }
    },
  },
])
