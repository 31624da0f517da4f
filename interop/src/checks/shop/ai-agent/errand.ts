import type { Check, Evidence } from '../../../suite/check.ts'
import type { WorkloadName } from '../../../world/world.ts'
import { actAlong, BROWSING, ERRAND, errandOf, errandToken, ORDERING } from '../acting-steps.ts'
import { awaitHop, awaitHops, shownLines } from '../await-lines.ts'
import { callAsUser, callService, expectDone, type ServiceAnswer } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { shopId, shownToken, textIn } from '../tokens.ts'

const [CONCIERGE = '', BUYER = '', STOREFRONT = ''] = ['concierge', 'buyer', 'storefront'].map(shopId)

interface Look {
  readonly by: WorkloadName
  readonly token?: string
  readonly proof?: 'wpt' | 'http-signature'
  readonly headers?: readonly (readonly [string, string])[]
  readonly told: { readonly for: string | null; readonly by: readonly string[]; readonly autonomous: boolean }
}

/** Looks at the catalog, and is told as whom. */
async function look(scene: ShopScene, { told, ...call }: Look): Promise<Evidence> {
  const answer: ServiceAnswer = await callService(scene, { ...call, service: 'storefront', path: '/catalog' })
  const evidence = expectDone(answer, 200)
  expectMembers('the answer of the storefront', answer.body, told, { call: evidence })
  return evidence
}

/** A user, an agent, and an agent of this agent; and the same agents when nobody has sent them. Ada's errand goes through the real services alone. */
export const errandChecks: readonly Check[] = shopChecks('ai-agent', [
  {
    name: 'errand.accepted',
    title: 'ada sends the concierge, the concierge sends the buyer, the buyer orders: with less scope each time, and both named',
    kind: 'positive',
    requirements: [
      'AIM-10.3-01',
      'AIM-10.8-01',
      'AIM-10.9-02',
      'AIM-7-04',
      'AIM-11-07',
      'AIM-11-08',
      'AIM-11-14',
      'TEX-4.1-03',
      'TEX-5-01',
    ],
    async run(scene) {
      const token = await errandOf(scene, 'ada')
      const json = { want: 'a teapot', budget: 100 }
      const answer = await callAsUser(scene, { service: 'concierge', path: '/tasks', token, json })
      const call = expectDone(answer)
      const act = { subject: 'user:ada', proof: 'http-signature', decision: 'allowed' } as const
      const hops = await Promise.all([
        awaitHop(scene, 'concierge', { subject: 'user:ada', proof: 'bearer', request: 'POST /tasks', decision: 'allowed' }),
        awaitHop(scene, 'storefront', { ...act, caller: CONCIERGE, request: 'GET /catalog', scope: BROWSING, actors: [CONCIERGE] }),
        awaitHop(scene, 'buyer', { ...act, caller: CONCIERGE, request: 'POST /purchases', scope: ERRAND, actors: [CONCIERGE] }),
      ])
      const transaction = textIn(answer.body, 'transaction')
      const inside = { subject: 'user:ada', scope: ['orders:place'], proof: 'wpt', decision: 'allowed' } as const
      const order = await awaitHops(scene, transaction, [
        { ...act, service: 'storefront', caller: BUYER, request: 'POST /orders', scope: ORDERING, actors: [BUYER, CONCIERGE] },
        { ...inside, service: 'orders', caller: STOREFRONT },
        { ...inside, service: 'payments', request: 'POST /charges' },
      ])
      return { user: shownToken('access token', token), call, hops: shownLines([...hops, ...order]) }
    },
  },
  {
    name: 'catalog.told-apart',
    title: 'the storefront tells both agents for ada from both agents for themselves',
    kind: 'positive',
    requirements: ['AIM-6-01', 'AIM-10.3-01', 'AIM-10.3-02', 'TEX-4.1-04'],
    async run(scene) {
      const user = await errandOf(scene, 'ada')
      const ofConcierge = await actAlong(scene, user, [{ by: 'as-concierge', to: 'storefront', scope: BROWSING }])
      const ofBuyer = await actAlong(scene, user, [
        { by: 'as-concierge', to: 'buyer', scope: ERRAND },
        { by: 'as-buyer', to: 'storefront', scope: BROWSING },
      ])
      const forAda = { for: 'user:ada', autonomous: false } as const
      const forNobody = { for: null, autonomous: true } as const
      return {
        conciergeForAda: await look(scene, { by: 'as-concierge', token: ofConcierge, told: { ...forAda, by: [CONCIERGE] } }),
        buyerForAda: await look(scene, { by: 'as-buyer', token: ofBuyer, told: { ...forAda, by: [BUYER, CONCIERGE] } }),
        concierge: await look(scene, { by: 'as-concierge', proof: 'http-signature', told: { ...forNobody, by: [CONCIERGE] } }),
        buyer: await look(scene, { by: 'as-buyer', told: { ...forNobody, by: [BUYER] } }),
      }
    },
  },
  {
    name: 'catalog.on-its-own',
    title: 'the concierge restocks when no user has asked it to: the storefront is told so by its proof alone',
    kind: 'positive',
    requirements: ['AIM-6-01', 'AIM-10.3-02'],
    async run(scene) {
      const answer = await callService(scene, { by: 'as-storefront', service: 'concierge', path: '/restock', json: {} })
      const call = expectDone(answer, 200)
      const hop = await awaitHop(scene, 'storefront', { caller: CONCIERGE, subject: undefined, actors: undefined, decision: 'allowed' })
      return { call, hops: shownLines([hop]) }
    },
  },
  {
    name: 'catalog.user-claimed',
    title: 'an agent that nobody has sent says in header fields that ada has: it is told that it asks for nobody',
    requirements: ['AIM-10.3-02'],
    async run(scene) {
      const headers = [
        ['x-user', 'ada'],
        ['x-on-behalf-of', 'user:ada'],
      ] as const
      const forAda = await errandToken(scene, 1, 'ada')
      const token = await actAlong(scene, forAda, [{ by: 'as-buyer', to: 'storefront', scope: BROWSING }])
      return {
        accepted: await look(scene, { by: 'as-buyer', token, told: { for: 'user:ada', by: [BUYER, CONCIERGE], autonomous: false } }),
        attack: await look(scene, { by: 'as-buyer', headers, told: { for: null, by: [BUYER], autonomous: true } }),
      }
    },
  },
])
