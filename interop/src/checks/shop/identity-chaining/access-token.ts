import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { Check, Evidence } from '../../../suite/check.ts'
import { exchange, issued } from '../ask-tokens.ts'
import { expectDone, expectServiceRefused, type ServiceRefusal } from '../call-service.ts'
import { bankToken, enter } from '../chaining-steps.ts'
import { userToken } from '../order-steps.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { accessToken, shownToken } from '../tokens.ts'

interface EntryAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  readonly change: NonNullable<Parameters<typeof enter>[2]>
  readonly withoutToken?: boolean
  readonly refused: ServiceRefusal
}

const attacks: readonly EntryAttack[] = [
  {
    name: 'access-token.stolen',
    title: 'orders shows the access token of payments, with a signature of its own',
    requirements: ['CHN-B.3-04', 'CHN-5.2-01'],
    change: { by: 'as-orders' },
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_PROOF', hop: 'ledger' },
  },
  {
    name: 'access-token.stolen-by-the-bank',
    title: 'a workload of the bank shows the access token of payments: the ledger serves the shop',
    requirements: ['CHN-B.3-04', 'CRED-7-01'],
    change: { by: 'bank-clerk' },
    refused: { code: 'ERR_POLICY_DENIED' },
  },
  {
    name: 'access-token.without-proof',
    title: 'the access token alone, as a bearer token',
    requirements: ['CHN-B.3-04', 'CRED-9.2-01'],
    change: { proof: 'none' },
    refused: { code: 'ERR_POLICY_BEARER', status: 401 },
  },
  {
    name: 'access-token.missing',
    title: 'payments proves itself and shows no access token of the bank',
    requirements: ['CHN-2.4-01', 'CHN-2.1-01'],
    change: {},
    withoutToken: true,
    refused: { code: 'ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED', hop: 'ledger' },
  },
  {
    name: 'access-token.replayed',
    title: 'the entry is sent a second time',
    requirements: ['SIG-3-41'],
    change: { tamper: [{ kind: 'replay' }] },
    refused: { code: 'ERR_HTTP_SIGNATURE_REPLAYED' },
  },
  {
    name: 'access-token.another-amount',
    title: 'the amount of the entry is changed on the way',
    requirements: ['SIG-3-01', 'SIG-3-11'],
    change: { tamper: [{ kind: 'body', value: '{"amount":4500}' }] },
    refused: { code: 'ERR_DIGEST_MISMATCH' },
  },
]

async function attackEntry(scene: ShopScene, { change, withoutToken = false, refused }: EntryAttack): Promise<Evidence> {
  const token = await bankToken(scene)
  const accepted = expectDone(await enter(scene, token))
  return {
    token: shownToken('access token', token),
    accepted,
    attack: expectServiceRefused(await enter(scene, withoutToken ? undefined : token, change), refused),
  }
}

/** The bank's ledger takes an access token of the bank's token service, from the workload whose key it names. */
export const bankTokenChecks: readonly Check[] = shopChecks('identity-chaining', [
  ...attacks.map(
    (attack): ShopCheck => ({
      name: attack.name,
      title: attack.title,
      requirements: attack.requirements,
      run: (scene) => attackEntry(scene, attack),
    }),
  ),
  {
    name: 'access-token.another-trust-domain',
    title: "an access token of the shop's token service, bound to the key of its holder, at the bank's ledger",
    requirements: ['CHN-2-01', 'BCP-3.8-01'],
    async run(scene) {
      const subject = accessToken(await userToken(scene, { scope: ['shop:refund'] }))
      const asked = {
        by: 'as-storefront',
        subjectToken: subject,
        audience: scene.at('orders'),
        requestedTokenType: TOKEN_TYPES.accessToken,
      } as const
      const token = issued(await exchange(scene, { ...asked, scope: ['shop:refund'] }))
      const accepted = expectDone(await enter(scene, await bankToken(scene)))
      const attack = await enter(scene, token, { by: 'as-storefront' })
      return {
        accepted,
        foreign: shownToken('access token', token),
        attack: expectServiceRefused(attack, { code: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER', hop: 'ledger' }),
      }
    },
  },
  {
    name: 'access-token.confused-audience',
    title: "the bank's access token for the ledger, at payments of the shop",
    requirements: ['BCP-3.9-01', 'CHN-2.1-01'],
    async run(scene) {
      const token = await bankToken(scene)
      const accepted = expectDone(await enter(scene, token))
      const attack = await enter(scene, token, { by: 'as-orders', to: scene.at('payments'), path: '/refunds' })
      return { accepted, attack: expectServiceRefused(attack, { code: 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER', hop: 'payments' }) }
    },
  },
])
