import type { Check, Evidence } from '../../../suite/check.ts'
import { agedRefundToken, askToAct, REFUND, refund, refundToken, type Step } from '../acting-steps.ts'
import { AGED_PHASE, AGED_TIMEOUT_MS, CLOCK_TOLERANCE_SECONDS, outlive } from '../aged.ts'
import { expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { expectDone, expectServiceRefused, type ServiceRefusal } from '../call-service.ts'
import { bankToken } from '../chaining-steps.ts'
import { userToken } from '../order-steps.ts'
import { rewrittenToken } from '../rewritten-token.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { shopId, shownToken } from '../tokens.ts'

type Row = Pick<ShopCheck, 'name' | 'title' | 'requirements'>

/** A refund at payments that differs from the one that orders gets. */
interface RefundAttack extends Row {
  readonly change: (token: string, scene: ShopScene) => Promise<Parameters<typeof refund>[2] & { readonly token?: string }>
  readonly refused: ServiceRefusal
}

const [ORDERS, STOREFRONT, CONCIERGE] = ['orders', 'storefront', 'concierge'].map(shopId)

const refunds: readonly RefundAttack[] = [
  {
    name: 'refund.confused-audience',
    title: "orders shows payments the storefront's token for orders",
    requirements: ['BCP-3.9-01', 'AIM-10.8-01'],
    change: async (_token, scene) => ({ token: await refundToken(scene, 2) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD', hop: 'payments' },
  },
  {
    name: 'refund.without-proof',
    title: 'the access token alone, as a bearer token',
    requirements: ['CHN-B.3-04', 'CRED-9.2-01'],
    change: async () => ({ proof: 'none' }),
    refused: { code: 'ERR_POLICY_BEARER', status: 401 },
  },
  {
    name: 'refund.stolen',
    title: 'rogue shows the access token of orders, with a signature of its own',
    requirements: ['TEX-4.1-04', 'AIM-9.2.3-01'],
    change: async () => ({ by: 'rogue' }),
    refused: { code: 'ERR_POLICY_DENIED' },
  },
  {
    name: 'refund.replayed',
    title: 'the request is sent a second time',
    requirements: ['SIG-3-41', 'AIM-9.2.3-01'],
    change: async () => ({ tamper: [{ kind: 'replay' }] }),
    refused: { code: 'ERR_HTTP_SIGNATURE_REPLAYED' },
  },
  {
    name: 'refund.another-trust-domain',
    title: "an access token of the bank's token service in the hands of orders",
    requirements: ['BCP-3.8-01'],
    change: async (_token, scene) => ({ token: await bankToken(scene) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER', hop: 'payments' },
  },
  {
    name: 'refund.chain-cut',
    title: 'orders leaves itself and the storefront out of the chain',
    requirements: ['TEX-4.1-03', 'BCP-3.3-01'],
    change: async (token) => ({ token: rewrittenToken(token, { act: { sub: CONCIERGE ?? '' } }) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE', hop: 'payments' },
  },
  {
    name: 'refund.chain-reordered',
    title: 'orders puts the chain in another order',
    requirements: ['TEX-4.1-03', 'BCP-3.3-01'],
    change: async (token) => {
      const act = { sub: ORDERS ?? '', act: { sub: CONCIERGE ?? '', act: { sub: STOREFRONT ?? '' } } }
      return { token: rewrittenToken(token, { act }) }
    },
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE', hop: 'payments' },
  },
  {
    name: 'refund.another-subject',
    title: "orders writes ada in place of bob into bob's token",
    requirements: ['TEX-A.2.5-01', 'BCP-3.3-01'],
    change: async (token) => ({ token: rewrittenToken(token, { sub: 'user:ada' }) }),
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE', hop: 'payments' },
  },
]

async function attackRefund(scene: ShopScene, { change, refused }: RefundAttack): Promise<Evidence> {
  void agedRefundToken(scene)
  const own = await refundToken(scene, 3)
  const accepted = expectDone(await refund(scene, own), 200)
  const { token = own, ...call } = await change(own, scene)
  return { accepted, token: shownToken('access token', token), attack: expectServiceRefused(await refund(scene, token, call), refused) }
}

/** What orders asks the token service for, beside the step that it is granted. */
interface ExchangeAttack extends Row {
  readonly change: (token: string, scene: ShopScene) => Promise<Partial<Step> & { readonly token?: string }>
  readonly refused: TokenRefusal
}

const exchanges: readonly ExchangeAttack[] = [
  {
    name: 'exchange.confused-audience',
    title: "orders exchanges the concierge's token for the storefront: its audience is not the one who got it",
    requirements: ['TEX-2.1-21', 'CHN-5.3-01', 'BCP-3.9-01'],
    change: async (_token, scene) => ({ token: await refundToken(scene, 1) }),
    refused: { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD' },
  },
  {
    name: 'exchange.stolen',
    title: 'rogue exchanges the token that orders got',
    requirements: ['TEX-2.1-03', 'TEX-2.2.2-03'],
    change: async () => ({ by: 'rogue' }),
    refused: { code: 'ERR_EXCHANGE_TARGET' },
  },
  {
    name: 'exchange.scope-widened',
    title: 'orders asks for more scope than its caller had',
    requirements: ['CHN-2.5-03', 'TEX-5-01'],
    change: async () => ({ scope: [...REFUND, 'shop:order'] }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'exchange.replayed',
    title: 'the request for the token is sent a second time',
    requirements: ['WPT-2-38'],
    change: async () => ({ change: { tamper: [{ kind: 'replay' }] } }),
    refused: { code: 'ERR_WPT_REPLAYED' },
  },
  {
    name: 'exchange.another-trust-domain',
    title: "orders exchanges an access token of the bank's token service",
    requirements: ['TEX-2.1-21', 'BCP-3.8-01'],
    change: async (_token, scene) => ({ token: await bankToken(scene) }),
    refused: { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER' },
  },
  {
    name: 'exchange.chain-cut',
    title: 'orders leaves everybody who acted before it out of the token that it exchanges',
    requirements: ['TEX-4.1-03', 'TEX-2.1-21'],
    change: async (token) => ({ token: rewrittenToken(token, { act: undefined }) }),
    refused: { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE' },
  },
  {
    name: 'exchange.actor-repeated',
    title: 'orders acts a second time in one chain, by a token that payments has got for it',
    requirements: ['TEX-4.1-03', 'TEX-2.2.2-01'],
    change: async (token, scene) => {
      const forPayments = issued(await askToAct(scene, token, { by: 'as-orders', to: 'payments', scope: REFUND }))
      return { token: issued(await askToAct(scene, forPayments, { by: 'as-payments', to: 'orders', scope: REFUND })) }
    },
    refused: { code: 'ERR_EXCHANGE_ACTOR_REPEATED' },
  },
]

async function attackExchange(scene: ShopScene, { change, refused }: ExchangeAttack): Promise<Evidence> {
  const own = await refundToken(scene, 2)
  const step: Step = { by: 'as-orders', to: 'payments', scope: REFUND }
  const accepted = shownToken('access token', issued(await askToAct(scene, own, step)))
  const { token = own, ...asked } = await change(own, scene)
  const answer = await askToAct(scene, token, { ...step, ...asked })
  return { accepted, subject: shownToken('access token', token), attack: await expectTokenRefused(scene, answer, refused) }
}

/** A token of a delegation is worth something to who is its current actor, at its audience, and nothing of its chain can be changed. */
export const delegationAttacks: readonly Check[] = shopChecks('delegation', [
  ...refunds.map(
    ({ name, title, requirements, ...attack }): ShopCheck => ({
      name,
      title,
      requirements,
      run: (scene) => attackRefund(scene, { name, title, requirements, ...attack }),
    }),
  ),
  ...exchanges.map(
    ({ name, title, requirements, ...attack }): ShopCheck => ({
      name,
      title,
      requirements,
      run: (scene) => attackExchange(scene, { name, title, requirements, ...attack }),
    }),
  ),
  {
    name: 'refund.stolen-by-an-agent',
    title: "buyer, whom the storefront admits, shows it the concierge's token with a signature of its own",
    requirements: ['CHN-B.3-04', 'AIM-7-01'],
    async run(scene) {
      const token = await refundToken(scene, 1)
      const accepted = expectDone(await refund(scene, token, { by: 'as-concierge', service: 'storefront' }), 200)
      const attack = await refund(scene, token, { by: 'as-buyer', service: 'storefront' })
      return { accepted, attack: expectServiceRefused(attack, { code: 'ERR_EXCHANGE_ACCESS_TOKEN_PROOF', hop: 'storefront' }) }
    },
  },
  {
    name: 'refund.scope-widened',
    title: 'the concierge asks for a refund with a token for browsing',
    requirements: ['CHN-2.5-03', 'TEX-4.2-01'],
    async run(scene) {
      const user = await userToken(scene, { user: 'bob', service: 'concierge', scope: ['shop:browse', ...REFUND] })
      const ask = async (scope: readonly string[]) => {
        const token = issued(await askToAct(scene, user, { by: 'as-concierge', to: 'storefront', scope }))
        return refund(scene, token, { by: 'as-concierge', service: 'storefront' })
      }
      const refused = { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE', hop: 'storefront' } as const
      return { accepted: expectDone(await ask(REFUND), 200), attack: expectServiceRefused(await ask(['shop:browse']), refused) }
    },
  },
  {
    name: 'refund.expired',
    title: 'orders shows the access token that it got, after its end',
    requirements: ['TEX-5-01'],
    phase: AGED_PHASE,
    timeoutMs: AGED_TIMEOUT_MS,
    async run(scene) {
      const old = await agedRefundToken(scene)
      await outlive(old, CLOCK_TOLERANCE_SECONDS)
      const accepted = expectDone(await refund(scene, await refundToken(scene, 3)), 200)
      const attack = expectServiceRefused(await refund(scene, old), { code: 'ERR_EXCHANGE_ACCESS_TOKEN_EXPIRED', hop: 'payments' })
      return { accepted, expired: shownToken('access token', old), attack }
    },
  },
])
