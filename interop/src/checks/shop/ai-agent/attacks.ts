import type { JsonObject } from '@wimse/core'
import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { Check, Evidence } from '../../../suite/check.ts'
import type { CallSpec } from '../../../world/control-protocol.ts'
import type { WorkloadName } from '../../../world/world.ts'
import {
  agedErrandToken,
  askToAct,
  BROWSING,
  ERRAND,
  ERRAND_STEPS,
  errandOf,
  errandToken,
  ORDERING,
  REFUND,
  type Step,
} from '../acting-steps.ts'
import { AGED_PHASE, AGED_TIMEOUT_MS, CLOCK_TOLERANCE_SECONDS, outlive } from '../aged.ts'
import { exchange, expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { awaitHop, shownLines } from '../await-lines.ts'
import { callService, expectDone, expectServiceRefused, type ServiceAnswer, type ServiceRefusal } from '../call-service.ts'
import { bankToken } from '../chaining-steps.ts'
import { startOrder } from '../order-steps.ts'
import { rewrittenToken } from '../rewritten-token.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { SHOP, shopId, shownToken, unsignedSubject } from '../tokens.ts'

type Row = Pick<ShopCheck, 'name' | 'title' | 'requirements'>

/** What differs from an order by the buyer at the storefront. */
interface Order extends Partial<Omit<CallSpec, 'to' | 'body'>> {
  readonly by?: WorkloadName
  readonly token?: string | undefined
}

function order(scene: ShopScene, { by = 'as-buyer', token, ...call }: Order): Promise<ServiceAnswer> {
  const json = { item: 'teapot', amount: 45 }
  const held = token === undefined ? { proof: 'http-signature' as const } : { token }
  return callService(scene, { by, service: 'storefront', path: '/orders', json, ...held, ...call })
}

function purchase(
  scene: ShopScene,
  token: string,
  change: Partial<JsonObject> & { readonly amount?: number } = {},
): Promise<ServiceAnswer> {
  const json = { item: 'teapot', amount: 45, budget: 100, ...change }
  return callService(scene, { by: 'as-concierge', service: 'buyer', path: '/purchases', json, token })
}

interface OrderAttack extends Row {
  readonly change: (token: string, scene: ShopScene) => Order | Promise<Order>
  readonly refused: ServiceRefusal
}

const orders: readonly OrderAttack[] = [
  {
    name: 'order.stolen-by-the-concierge',
    title: "the concierge itself shows the buyer's token, with a signature of its own",
    requirements: ['CHN-B.3-04', 'AIM-7-01'],
    change: () => ({ by: 'as-concierge' }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_PROOF', hop: 'storefront' },
  },
  {
    name: 'order.stolen',
    title: "rogue shows the buyer's token, with a signature of its own",
    requirements: ['CHN-B.3-04', 'AIM-9.2.3-01'],
    change: () => ({ by: 'rogue' }),
    refused: { code: 'ERR_POLICY_DENIED' },
  },
  {
    name: 'order.replayed',
    title: 'the order is sent a second time',
    requirements: ['SIG-3-41', 'AIM-9.2.3-01'],
    change: () => ({ tamper: [{ kind: 'replay' }] }),
    refused: { code: 'ERR_HTTP_SIGNATURE_REPLAYED' },
  },
  {
    name: 'order.another-task',
    title: "the token of ada's errand is put into the order of bob's: the signature covers it",
    requirements: ['SIG-3-11', 'AIM-9.2.3-01'],
    change: async (_token, scene) => {
      const value = `Bearer ${await errandToken(scene, 2, 'ada')}`
      return { tamper: [{ kind: 'set-header', name: 'authorization', value }] }
    },
    refused: { code: 'ERR_HTTP_SIGNATURE_INVALID' },
  },
  {
    name: 'order.confused-audience',
    title: "the buyer shows the storefront the concierge's token for the buyer",
    requirements: ['BCP-3.9-01', 'AIM-10.8-01'],
    change: async (_token, scene) => ({ token: await errandToken(scene, 1) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD', hop: 'storefront' },
  },
  {
    name: 'order.another-trust-domain',
    title: "the buyer shows an access token of the bank's token service",
    requirements: ['BCP-3.8-01'],
    change: async (_token, scene) => ({ token: await bankToken(scene) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER', hop: 'storefront' },
  },
  {
    name: 'order.chain-cut',
    title: 'the buyer leaves the concierge out of the chain',
    requirements: ['TEX-4.1-03', 'AIM-11-14'],
    change: (token) => ({ token: rewrittenToken(token, { act: { sub: shopId('buyer') } }) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE', hop: 'storefront' },
  },
  {
    name: 'order.chain-reordered',
    title: 'the buyer puts the chain in another order',
    requirements: ['TEX-4.1-03', 'AIM-11-14'],
    change: (token) => ({ token: rewrittenToken(token, { act: { sub: shopId('concierge'), act: { sub: shopId('buyer') } } }) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE', hop: 'storefront' },
  },
  {
    name: 'order.scope-widened',
    title: 'the buyer orders with a token for browsing',
    requirements: ['TEX-4.2-01', 'AIM-10.9-02'],
    change: async (_token, scene) => {
      const step = { by: 'as-buyer', to: 'storefront', scope: BROWSING } as const
      return { token: issued(await askToAct(scene, await errandToken(scene, 1), step)) }
    },
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE', hop: 'storefront' },
  },
  {
    name: 'order.on-its-own',
    title: 'the buyer orders when nobody has sent it, with its proof alone',
    requirements: ['AIM-10.3-02', 'AIM-10.7-03'],
    change: () => ({ token: undefined }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED', hop: 'storefront' },
  },
]

async function attackOrder(scene: ShopScene, { change, refused }: OrderAttack): Promise<Evidence> {
  void agedErrandToken(scene)
  const token = await errandToken(scene, 2)
  const accepted = expectDone(await order(scene, { token }))
  const attack = await order(scene, { token, ...(await change(token, scene)) })
  return { accepted, token: shownToken('access token', token), attack: expectServiceRefused(attack, refused) }
}

interface ExchangeAttack extends Row {
  /** Which step of the errand is attacked: its own request is made first, and granted. */
  readonly step: 0 | 1
  readonly change: (token: string, scene: ShopScene) => (Partial<Step> & { readonly token?: string }) | Promise<{ readonly token: string }>
  readonly refused: TokenRefusal
}

const exchanges: readonly ExchangeAttack[] = [
  {
    name: 'concierge.scope-widened',
    title: 'the concierge hands on to the buyer what the user has allowed the concierge alone',
    requirements: ['CHN-2.5-03', 'AIM-10.9-02'],
    step: 0,
    change: () => ({ scope: [...ERRAND, ...REFUND] }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'concierge.scope-of-the-buyer',
    title: 'the concierge asks for what it takes to order itself: buying is for the buyer',
    requirements: ['AIM-10.9-02', 'TEX-2.2.2-01'],
    step: 0,
    change: () => ({ to: 'storefront', scope: ORDERING }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'buyer.scope-widened',
    title: 'the buyer asks for refunds as well',
    requirements: ['CHN-2.5-03', 'AIM-10.9-02'],
    step: 1,
    change: () => ({ scope: [...ORDERING, ...REFUND] }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'buyer.users-token',
    title: "the buyer exchanges the user's own token, which is for the concierge",
    requirements: ['TEX-2.1-21', 'AIM-10.8-01'],
    step: 1,
    change: async (_token, scene) => ({ token: await errandOf(scene) }),
    refused: { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD' },
  },
  {
    name: 'buyer.stolen',
    title: 'rogue exchanges the token that the buyer got',
    requirements: ['TEX-2.1-03', 'TEX-2.2.2-03'],
    step: 1,
    change: () => ({ by: 'rogue' }),
    refused: { code: 'ERR_EXCHANGE_TARGET' },
  },
  {
    name: 'buyer.stolen-by-the-concierge',
    title: 'the concierge exchanges the token that it has given to the buyer',
    requirements: ['TEX-2.1-21', 'BCP-3.9-01'],
    step: 1,
    change: () => ({ by: 'as-concierge', scope: BROWSING }),
    refused: { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD' },
  },
]

async function attackExchange(scene: ShopScene, { step: index, change, refused }: ExchangeAttack): Promise<Evidence> {
  const own = await errandToken(scene, index)
  const step = ERRAND_STEPS[index]
  const accepted = shownToken('access token', issued(await askToAct(scene, own, step)))
  const { token = own, ...asked } = await change(own, scene)
  const answer = await askToAct(scene, token, { ...step, ...asked })
  return { accepted, subject: shownToken('access token', token), attack: await expectTokenRefused(scene, answer, refused) }
}

/** An agent, and an agent that it has sent, can do what was handed to them and nothing else. */
export const agentAttacks: readonly Check[] = shopChecks('ai-agent', [
  ...orders.map((attack): ShopCheck => ({ ...rowOf(attack), run: (scene) => attackOrder(scene, attack) })),
  ...exchanges.map((attack): ShopCheck => ({ ...rowOf(attack), run: (scene) => attackExchange(scene, attack) })),
  {
    name: 'storefront.scope-widened',
    title: "the storefront makes a refund of the buyer's token for an order",
    requirements: ['CHN-2.5-03', 'TEX-5-01'],
    async run(scene) {
      const token = await errandToken(scene, 2)
      const started = await startOrder(scene, { token })
      const answer = await askToAct(scene, token, { by: 'as-storefront', to: 'orders', scope: REFUND })
      return {
        accepted: shownToken('transaction token', started),
        attack: await expectTokenRefused(scene, answer, { code: 'ERR_EXCHANGE_SCOPE' }),
      }
    },
  },
  {
    name: 'purchase.over-the-budget',
    title: 'the concierge has the buyer buy for more than the budget',
    requirements: ['AIM-10.3-02'],
    async run(scene) {
      const token = await errandToken(scene, 1)
      const accepted = expectDone(await purchase(scene, token))
      const refused = expectServiceRefused(await purchase(scene, token, { amount: 101 }), { code: 'ERR_POLICY_DENIED', hop: 'buyer' })
      const hop = await awaitHop(scene, 'buyer', { caller: shopId('concierge'), decision: 'refused', reason: 'over the budget' })
      return { accepted, attack: refused, hops: shownLines([hop]) }
    },
  },
  {
    name: 'purchase.users-token',
    title: "the concierge hands the user's own token to the buyer: with its signature, and as a bearer token",
    requirements: ['AIM-10.8-01', 'BCP-3.8-01', 'CHN-B.3-04'],
    async run(scene) {
      const user = await errandOf(scene)
      const token = issued(await askToAct(scene, user, ERRAND_STEPS[0]))
      const json = { item: 'teapot', amount: 45, budget: 100 }
      const bearer = { by: 'as-concierge', service: 'buyer', path: '/purchases', json, token: user, proof: 'none' } as const
      return {
        accepted: expectDone(await purchase(scene, token)),
        signed: expectServiceRefused(await purchase(scene, user), { code: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER', hop: 'buyer' }),
        bearer: expectServiceRefused(await callService(scene, bearer), { code: 'ERR_POLICY_BEARER', status: 401 }),
      }
    },
  },
  {
    name: 'transaction.user-claimed',
    title: 'the buyer starts a transaction on its own: not for ada, and not for an order',
    requirements: ['TXN-11.3-04', 'TXN-13.6-01'],
    async run(scene) {
      const ask = (subject: string, scope: string) =>
        exchange(scene, {
          by: 'as-buyer',
          subjectToken: unsignedSubject(subject),
          audience: SHOP,
          scope: [scope],
          requestedTokenType: TOKEN_TYPES.transactionToken,
        })
      const own = shopId('buyer')
      const [ada, ordering] = [await ask('user:ada', 'catalog:read'), await ask(own, 'orders:place')]
      return {
        accepted: shownToken('transaction token', issued(await ask(own, 'catalog:read'))),
        forAda: await expectTokenRefused(scene, ada, { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'sub' }),
        forAnOrder: await expectTokenRefused(scene, ordering, { code: 'ERR_EXCHANGE_SCOPE' }),
      }
    },
  },
  {
    name: 'order.expired',
    title: 'the buyer orders with its token, after the end of what the user allowed',
    requirements: ['TEX-5-01'],
    phase: AGED_PHASE,
    timeoutMs: AGED_TIMEOUT_MS,
    async run(scene) {
      const old = await agedErrandToken(scene)
      await outlive(old, CLOCK_TOLERANCE_SECONDS)
      const accepted = expectDone(await order(scene, { token: await errandToken(scene, 2) }))
      const attack = expectServiceRefused(await order(scene, { token: old }), {
        code: 'ERR_EXCHANGE_ACCESS_TOKEN_EXPIRED',
        hop: 'storefront',
      })
      return { accepted, expired: shownToken('access token', old), attack }
    },
  },
])

function rowOf({ name, title, requirements }: Row): Row {
  return { name, title, requirements }
}
