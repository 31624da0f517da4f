import { parseWorkloadIdentifier } from '@wimse/core'
import { jwtSvidAuthentication, TOKEN_TYPES } from '@wimse/token-exchange'
import type { Check, Evidence } from '../../../suite/check.ts'
import type { WorkloadName } from '../../../world/world.ts'
import { exchange, expectTokenRefused, redeem, type TokenAnswer } from '../ask-tokens.ts'
import { callService, expectServiceRefused } from '../call-service.ts'
import { rewrittenToken } from '../rewritten-token.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, shopId, shownToken } from '../tokens.ts'
import { type Deferred, deferOrder, expectEntries, settle, WORKER } from './deferred-steps.ts'
import { type GrantAttack, grantAttackCheck } from './grant-attack.ts'

/** The claims of the grant with other ones about the worker. */
const forAnother = (grant: string, worker: string): string => {
  const about = claimsOf(grant)['wimse_ts_deferral']
  return rewrittenToken(grant, { wimse_ts_deferral: { ...(typeof about === 'object' && !Array.isArray(about) && about), worker } })
}

const stolen: readonly GrantAttack[] = [
  {
    name: 'grant.stolen',
    title: 'rogue, who saw the grant in the broker, redeems it',
    requirements: ['TEX-2.1-03', 'TXN-11.3-02'],
    change: () => ({ by: 'rogue' }),
    refused: { code: 'ERR_EXCHANGE_GRANT_CLIENT' },
  },
  {
    name: 'grant.stolen-by-its-requester',
    title: 'orders, to whom the grant was given for another, redeems it itself',
    requirements: ['TXN-11.3-02', 'TXN-13.10-01'],
    change: () => ({ by: 'as-orders' }),
    refused: { code: 'ERR_EXCHANGE_GRANT_CLIENT' },
  },
  {
    name: 'grant.stolen-by-a-service',
    title: 'payments, which the worker calls, redeems the grant',
    requirements: ['TXN-11.3-02', 'TXN-13.10-01'],
    change: () => ({ by: 'as-payments' }),
    refused: { code: 'ERR_EXCHANGE_GRANT_CLIENT' },
  },
  {
    name: 'grant.stolen-by-the-bank',
    title: 'a workload of the bank redeems the grant',
    requirements: ['TXN-11.5-03', 'TEX-2.1-03'],
    change: () => ({ by: 'bank-clerk' }),
    refused: { code: 'ERR_EXCHANGE_CLIENT_ADMISSION' },
  },
  {
    name: 'grant.without-proof',
    title: 'the grant is redeemed by somebody who says nothing of himself',
    requirements: ['TEX-2.1-03', 'TXN-11.5-03'],
    change: () => ({ change: { proof: 'none' } }),
    refused: { code: 'ERR_EXCHANGE_CLIENT_MISSING' },
  },
  {
    name: 'grant.without-a-key',
    title:
      "rogue has got hold of a JWT-SVID of the worker for the token service, which is all that it takes to be taken for the worker's program",
    requirements: ['CRP-5.6-01', 'CHN-5.2-01'],
    change: async (_deferred, { as, at }) => {
      const { token } = await as('as-settlement').lendJwtSvid(at('shop-tokens'))
      return {
        by: 'rogue',
        client: jwtSvidAuthentication({ identifier: parseWorkloadIdentifier(WORKER), token }),
        change: { proof: 'none' },
      }
    },
    refused: { code: 'ERR_EXCHANGE_CLIENT_UNBOUND' },
    as: WORKER,
  },
  {
    name: 'grant.replayed-request',
    title: 'the request of the worker is sent a second time, before it has got through',
    requirements: ['WPT-2-38'],
    change: () => ({ scope: ['payments:settle', 'orders:place'], change: { tamper: [{ kind: 'replay' }] } }),
    refused: { code: 'ERR_WPT_REPLAYED' },
  },
  {
    name: 'grant.at-another-server',
    title: "payments, a client of the bank's token service, redeems the grant there",
    requirements: ['TXN-11.3-03', 'TXN-9.2-05'],
    change: () => ({ by: 'as-payments', domain: 'bank', audience: 'bank.example', scope: ['entries:read'] }),
    refused: { code: 'ERR_EXCHANGE_GRANT_ISSUER' },
  },
  {
    name: 'grant.confused-audience',
    title: 'the worker wants a token for the trust domain of the bank',
    requirements: ['TXN-11.1-02', 'TXN-9.2-04'],
    change: () => ({ audience: 'bank.example' }),
    refused: { code: 'ERR_EXCHANGE_TARGET' },
  },
  {
    name: 'grant.changed',
    title: 'the worker is another one in the grant, and redeems it',
    requirements: ['TXN-11.3-03', 'TEX-2.1-21'],
    change: ({ grant }) => ({ by: 'rogue', grant: forAnother(grant, shopId('rogue')) }),
    refused: { code: 'ERR_EXCHANGE_GRANT_SIGNATURE' },
  },
  {
    name: 'grant.prolonged',
    title: 'the worker writes another end into the grant',
    requirements: ['TXN-11.3-03', 'TEX-2.1-21'],
    change: ({ grant }) => ({ grant: rewrittenToken(grant, { exp: Number(claimsOf(grant)['exp']) + 86_400 }) }),
    refused: { code: 'ERR_EXCHANGE_GRANT_SIGNATURE' },
  },
  {
    name: 'grant.another-subject',
    title: 'the worker writes another user into the grant',
    requirements: ['TXN-11.3-03', 'TEX-2.1-16'],
    change: ({ grant }) => ({ grant: rewrittenToken(grant, { sub: 'user:bob' }) }),
    refused: { code: 'ERR_EXCHANGE_GRANT_SIGNATURE' },
  },
]

/** A grant is worth nothing to anybody but the worker that it names, and nothing as anything but what it is. */
export const grantAttacks: readonly Check[] = shopChecks('async-job', [
  ...stolen.map(grantAttackCheck),
  {
    name: 'grant.as-transaction-token',
    title: 'the worker shows payments the grant where transaction tokens are',
    requirements: ['TXN-9.1-02', 'TXN-12.2-01'],
    run: (scene) => asSomethingElse(scene, async ({ grant }) => expectServiceRefused(await settle(scene, grant), { code: 'ERR_TXN_TYP' })),
  },
  {
    name: 'grant.as-access-token',
    title: 'orders shows payments the grant where access tokens are',
    requirements: ['TXN-13.13-01', 'BCP-3.12-01'],
    run: (scene) =>
      asSomethingElse(scene, async ({ grant: token }) => {
        const refund = { by: 'as-orders', service: 'payments', path: '/refunds', json: { order: 'kettle', amount: 45 }, token } as const
        const refused = { code: 'ERR_EXCHANGE_ACCESS_TOKEN_TYP', hop: 'payments' } as const
        return expectServiceRefused(await callService(scene, refund), refused)
      }),
  },
  {
    name: 'grant.as-subject-token',
    title: 'the grant is exchanged as if it were an access token, and as if it were a transaction token',
    requirements: ['TEX-2.1-21', 'TXN-11.2-01'],
    run: (scene) =>
      asSomethingElse(scene, async (deferred) => {
        const as = async (by: WorkloadName, type: string, detail: string): Promise<Evidence> =>
          expectTokenRefused(scene, await exchangeAs(scene, deferred, { by, type }), { code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail })
        return {
          accessToken: await as('as-storefront', TOKEN_TYPES.accessToken, 'ERR_EXCHANGE_ACCESS_TOKEN_TYP'),
          transactionToken: await as('as-orders', TOKEN_TYPES.transactionToken, 'ERR_TXN_TYP'),
        }
      }),
  },
  {
    name: 'grant.as-chaining-grant',
    title: "payments takes the grant to the bank's token service, where grants of the shop are redeemed",
    requirements: ['CHN-2.4.2-01', 'TEX-2.1-21'],
    run: (scene) =>
      asSomethingElse(scene, async ({ grant: assertion }) => {
        const answer = await redeem(scene, { by: 'as-payments', assertion, resource: scene.at('ledger') })
        return expectTokenRefused(scene, answer, { code: 'ERR_EXCHANGE_GRANT_TYP' })
      }),
  },
])

async function asSomethingElse(scene: ShopScene, attack: (deferred: Deferred) => Promise<Evidence>): Promise<Evidence> {
  const deferred = await deferOrder(scene)
  const refused = await attack(deferred)
  const without = await expectEntries(scene, deferred, 0)
  return { grant: shownToken('deferred grant', deferred.grant), attack: refused, without }
}

function exchangeAs(
  scene: ShopScene,
  { grant }: Deferred,
  { by, type }: { readonly by: WorkloadName; readonly type: string },
): Promise<TokenAnswer> {
  return exchange(scene, {
    by,
    subjectToken: { token: grant, type },
    audience: 'shop.example',
    scope: ['orders:place'],
    requestedTokenType: TOKEN_TYPES.transactionToken,
  })
}
