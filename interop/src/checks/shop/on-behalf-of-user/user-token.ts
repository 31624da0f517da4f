import type { JsonObject } from '@wimse/core'
import type { Check } from '../../../suite/check.ts'
import { AGED_PHASE, AGED_TIMEOUT_MS, aged, CLOCK_TOLERANCE_SECONDS, outlive } from '../aged.ts'
import { expectTokenRefused, issued } from '../ask-tokens.ts'
import { callAsUser, expectDone, expectServiceRefused, type ServiceAnswer } from '../call-service.ts'
import { bankToken } from '../chaining-steps.ts'
import { AMOUNT, askForOrder, userToken } from '../order-steps.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { shownToken } from '../tokens.ts'

const ORDER: JsonObject = { item: 'teapot', amount: AMOUNT }

/** Left to expire from the first check on. */
export const agedUserToken: (scene: ShopScene) => Promise<string> = aged((scene) => userToken(scene))

function order(scene: ShopScene, token: string): Promise<ServiceAnswer> {
  return callAsUser(scene, { service: 'storefront', path: '/orders', token, json: ORDER })
}

/** What is wrong with a user's access token is seen by the storefront, and by the token service where a storefront were not to look. */
export const userTokenChecks: readonly Check[] = shopChecks('on-behalf-of-user', [
  {
    name: 'user-token.expired',
    title: "the user's access token when its time is over, at the storefront and at the token service",
    requirements: ['TXN-6-02', 'TXN-11.3-03', 'TEX-5-01'],
    phase: AGED_PHASE,
    timeoutMs: AGED_TIMEOUT_MS,
    async run(scene) {
      const old = await agedUserToken(scene)
      await outlive(old, CLOCK_TOLERANCE_SECONDS)
      const fresh = await userToken(scene)
      return {
        accepted: expectDone(await order(scene, fresh)),
        expired: shownToken('access token', old),
        storefront: expectServiceRefused(await order(scene, old), { code: 'ERR_EXCHANGE_ACCESS_TOKEN_EXPIRED', hop: 'storefront' }),
        tokens: await expectTokenRefused(scene, await askForOrder(scene, { token: old }), {
          code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
          detail: 'ERR_EXCHANGE_ACCESS_TOKEN_EXPIRED',
        }),
      }
    },
  },
  {
    name: 'user-token.confused-audience',
    title: "the user's access token for another service: the one who got it is not its audience",
    requirements: ['TEX-2.1-21', 'TEX-2.1-16', 'BCP-3.9-01'],
    async run(scene) {
      const forStorefront = await userToken(scene)
      const forConcierge = await userToken(scene, { service: 'concierge' })
      issued(await askForOrder(scene, { by: 'as-concierge', token: forConcierge }))
      return {
        accepted: expectDone(await order(scene, forStorefront)),
        storefront: expectServiceRefused(await order(scene, forConcierge), { code: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD', hop: 'storefront' }),
        tokens: await expectTokenRefused(scene, await askForOrder(scene, { by: 'as-concierge', token: forStorefront }), {
          code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
          detail: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD',
        }),
      }
    },
  },
  {
    name: 'user-token.stolen',
    title: "the user's access token at the token service, by workloads that start no transactions",
    requirements: ['TXN-11.3-01', 'TXN-11.3-02', 'TXN-13.10-01'],
    async run(scene) {
      const token = await userToken(scene)
      issued(await askForOrder(scene, { token }))
      const refuse = async (by: 'rogue' | 'as-payments') =>
        expectTokenRefused(scene, await askForOrder(scene, { by, token }), { code: 'ERR_POLICY_DENIED', detail: 'no rule' })
      return { rogue: await refuse('rogue'), payments: await refuse('as-payments') }
    },
  },
  {
    name: 'user-token.scope-widened',
    title: 'a transaction with more scope than the user has allowed',
    requirements: ['TXN-13.6-01', 'TXN-11.3-12', 'TXN-9.2.1-01'],
    async run(scene) {
      const [token, browsing] = await Promise.all([userToken(scene), userToken(scene, { scope: ['shop:browse'] })])
      issued(await askForOrder(scene, { token }))
      const refused = { code: 'ERR_EXCHANGE_SCOPE' } as const
      return {
        storefront: expectServiceRefused(await order(scene, browsing), { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE', hop: 'storefront' }),
        tokens: await expectTokenRefused(scene, await askForOrder(scene, { token: browsing }), refused),
        unknownPurpose: await expectTokenRefused(
          scene,
          await askForOrder(scene, { token, scope: ['orders:place', 'orders:cancel'] }),
          refused,
        ),
      }
    },
  },
  {
    name: 'user-token.another-trust-domain',
    title: "an access token of the bank's token service in place of the user's",
    requirements: ['TXN-11.3-03', 'TXN-11.3-04', 'BCP-3.8-01'],
    async run(scene) {
      const token = await bankToken(scene)
      return {
        accepted: expectDone(await order(scene, await userToken(scene))),
        foreign: shownToken('access token', token),
        storefront: expectServiceRefused(await order(scene, token), { code: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER', hop: 'storefront' }),
        tokens: await expectTokenRefused(scene, await askForOrder(scene, { token }), {
          code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
          detail: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER',
        }),
      }
    },
  },
  {
    name: 'user-token.replayed',
    title: 'the request for a transaction token is sent a second time',
    requirements: ['TXN-11.5-03', 'WPT-2-38'],
    async run(scene) {
      const token = await userToken(scene)
      const replayed = await askForOrder(scene, { token, change: { tamper: [{ kind: 'replay' }] } })
      const evidence = await expectTokenRefused(scene, replayed, { code: 'ERR_WPT_REPLAYED' })
      issued(await askForOrder(scene, { token }))
      return evidence
    },
  },
])
