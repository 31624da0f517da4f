import { createHash } from 'node:crypto'
import type { Check } from '../../../suite/check.ts'
import type { ServiceName, TokenEvent } from '../../../world/world.ts'
import { actAlong, askToAct, REFUND, refund, refundToken } from '../acting-steps.ts'
import { eventOfToken, expectTokenRefused, issued } from '../ask-tokens.ts'
import { awaitEvent, awaitHop, shownLines } from '../await-lines.ts'
import { callAsUser, expectDone } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { userToken } from '../order-steps.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { shopId, shownToken } from '../tokens.ts'

const ORDER = { order: 'teapot-1', amount: 45 }
const [ORDERS = '', STOREFRONT = '', CONCIERGE = ''] = ['orders', 'storefront', 'concierge'].map(shopId)

/** What a token service has issued in a user's name, to one workload for one service, with so many actors. */
function delegated(scene: ShopScene, user: string, client: string, target: ServiceName, actors: number): Promise<TokenEvent> {
  const subjectHash = createHash('sha256').update(`user:${user}`).digest('base64url')
  const expected = { client, target: scene.at(target), acting: 'delegation', actors, subjectHash }
  const fits = (event: TokenEvent): boolean => Object.entries(expected).every(([name, value]) => event[name] === value)
  return awaitEvent(scene, 'shop', `about a delegation to ${client} with ${actors} actors`, fits)
}

/** Who acts for a user is told hop by hop, and told apart from who takes the user's place. Ada's refunds go through the real services alone. */
export const refundChecks: readonly Check[] = shopChecks('delegation', [
  {
    name: 'refund.accepted',
    title: 'ada has the concierge ask for a refund: payments sees orders, storefront and concierge act for her, in this order',
    kind: 'positive',
    requirements: ['TEX-A.2.5-01', 'TEX-4.1-01', 'TEX-4.1-03', 'TEX-4.1-05', 'TEX-2.1-16', 'AIM-10.3-01', 'AIM-10.8-01', 'AIM-11-14'],
    async run(scene) {
      const token = await userToken(scene, { service: 'concierge', scope: REFUND })
      const answer = await callAsUser(scene, { service: 'concierge', path: '/refunds', token, json: ORDER })
      const call = expectDone(answer, 200)
      const actors = [ORDERS, STOREFRONT, CONCIERGE]
      expectMembers('the answer of payments', answer.body, { for: 'user:ada', actors })
      const inside = { subject: 'user:ada', scope: REFUND, proof: 'http-signature', decision: 'allowed', request: 'POST /refunds' } as const
      const hops = await Promise.all([
        awaitHop(scene, 'concierge', { subject: 'user:ada', proof: 'bearer', request: 'POST /refunds', actors: undefined }),
        awaitHop(scene, 'storefront', { ...inside, caller: CONCIERGE, actors: [CONCIERGE] }),
        awaitHop(scene, 'orders', { ...inside, caller: STOREFRONT, actors: [STOREFRONT, CONCIERGE] }),
        awaitHop(scene, 'payments', { ...inside, caller: ORDERS, actors }),
      ])
      const events = await Promise.all([
        delegated(scene, 'ada', CONCIERGE, 'storefront', 1),
        delegated(scene, 'ada', STOREFRONT, 'orders', 2),
        delegated(scene, 'ada', ORDERS, 'payments', 3),
      ])
      return { user: shownToken('access token', token), call, hops: shownLines(hops), events: shownLines(events) }
    },
  },
  {
    name: 'refund.in-person',
    title: 'ada asks the storefront for a refund herself: the chain is shorter by the concierge',
    kind: 'positive',
    requirements: ['TEX-4.1-03', 'TEX-A.2.5-01'],
    async run(scene) {
      const token = await userToken(scene, { scope: REFUND })
      const answer = await callAsUser(scene, { service: 'storefront', path: '/refunds', token, json: ORDER })
      const call = expectDone(answer, 200)
      const actors = [ORDERS, STOREFRONT]
      expectMembers('the answer of payments', answer.body, { for: 'user:ada', actors })
      const hop = await awaitHop(scene, 'payments', { caller: ORDERS, subject: 'user:ada', actors, decision: 'allowed' })
      return { user: shownToken('access token', token), call, hops: shownLines([hop]) }
    },
  },
  {
    name: 'impersonation.told-apart',
    title: 'payments may take the place of those who act, by a rule about that: no actor is added, and the event says impersonation',
    kind: 'positive',
    requirements: ['TEX-A.1.1-01', 'TEX-4.3-01', 'TEX-2.2.2-01'],
    async run(scene) {
      const delegation = await refundToken(scene, 3)
      const impersonation = await actAlong(scene, delegation, [{ by: 'as-payments', to: 'orders', scope: REFUND }])
      const acting = await eventOfToken(scene, 'shop', delegation)
      const instead = await eventOfToken(scene, 'shop', impersonation)
      expectMembers('the event of the delegation', acting, { acting: 'delegation', client: ORDERS, actors: 3 })
      expectMembers('the event of the impersonation', instead, { acting: 'impersonation', client: shopId('payments'), actors: 3 })
      return {
        delegation: shownToken('access token', delegation),
        impersonation: shownToken('access token', impersonation),
        events: shownLines([acting, instead]),
      }
    },
  },
  {
    name: 'impersonation.not-granted',
    title: 'orders asks for what payments is granted: it gets no token for orders, and none anywhere without being named as the actor',
    requirements: ['TEX-A.1.1-01', 'TEX-2.2.2-03'],
    async run(scene) {
      const token = await refundToken(scene, 2)
      const own = issued(await askToAct(scene, token, { by: 'as-orders', to: 'payments', scope: REFUND }))
      const event = await eventOfToken(scene, 'shop', own)
      expectMembers('the event of what orders got', event, { acting: 'delegation', client: ORDERS })
      const answer = await askToAct(scene, token, { by: 'as-orders', to: 'orders', scope: REFUND })
      return {
        accepted: expectDone(await refund(scene, own), 200),
        delegation: shownLines([event]),
        attack: await expectTokenRefused(scene, answer, { code: 'ERR_EXCHANGE_TARGET' }),
      }
    },
  },
])
