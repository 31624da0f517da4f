import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { Check, Evidence } from '../../../suite/check.ts'
import type { WorkloadName } from '../../../world/world.ts'
import { forgeWit, stolenKeys } from '../../forge.ts'
import { AGED_PHASE, AGED_TIMEOUT_MS, aged, CLOCK_TOLERANCE_SECONDS, outlive } from '../aged.ts'
import { exchange, expectTokenRefused, issued, redeem, type TokenAnswer, type TokenRefusal } from '../ask-tokens.ts'
import { askForGrant, type GrantUse, useGrant } from '../chaining-steps.ts'
import { clearedOrder } from '../order-steps.ts'
import { rewrittenToken } from '../rewritten-token.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { shopId, shownToken, transactionToken } from '../tokens.ts'

/** Left to expire from the first check on. */
export const agedGrant: (scene: ShopScene) => Promise<string> = aged(async (scene) => issued(await askForGrant(scene)))

interface UseAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  use(scene: ShopScene): Promise<GrantUse> | GrantUse
  /** What becomes of the grant before. */
  rewrite?(grant: string): string
  readonly refused: TokenRefusal
}

const by = (name: WorkloadName) => (): GrantUse => ({ by: name })

/** Redemptions that the bank refuses, each of a grant that payments redeems afterwards. */
const attacks: readonly UseAttack[] = [
  {
    name: 'grant.stolen',
    title: 'orders, which the bank does not know, redeems the grant of payments',
    requirements: ['CHN-5.5-01', 'CHN-5.5-04', 'CHN-2.4.2-04'],
    use: by('as-orders'),
    refused: { code: 'ERR_EXCHANGE_CLIENT_ADMISSION' },
  },
  {
    name: 'grant.stolen-by-rogue',
    title: 'rogue redeems the grant of payments',
    requirements: ['CHN-5.5-01', 'CHN-5.5-04'],
    use: by('rogue'),
    refused: { code: 'ERR_EXCHANGE_CLIENT_ADMISSION' },
  },
  {
    name: 'grant.stolen-by-the-bank',
    title: 'a workload of the bank, which its token service admits, redeems the grant of payments',
    requirements: ['CHN-5.5-01', 'CHN-2.3.2-03'],
    use: by('bank-clerk'),
    refused: { code: 'ERR_EXCHANGE_TARGET' },
  },
  {
    name: 'grant.another-key',
    title: 'somebody with the name of payments and another key redeems its grant',
    requirements: ['CHN-B.3-01', 'CHN-B.3-04', 'CHN-5.5-01'],
    async use({ context: { world } }) {
      const { wit } = await stolenKeys(world, 'shop.example')
      return { change: { forgedCredential: await forgeWit(wit, { identifier: shopId('payments') }) } }
    },
    refused: { code: 'ERR_EXCHANGE_GRANT_CLIENT', detail: 'another key' },
  },
  {
    name: 'grant.confused-audience',
    title: "the grant for the bank at the shop's own token service",
    requirements: ['CHN-2.4.2-02', 'CHN-2.3.3-04'],
    use: ({ at }) => ({ domain: 'shop', resource: at('orders') }),
    refused: { code: 'ERR_EXCHANGE_GRANT_ISSUER' },
  },
  {
    name: 'grant.another-resource',
    title: 'the grant is redeemed for a resource that the bank does not have',
    requirements: ['CHN-2.4.1-03', 'CHN-2.4.2-05'],
    use: ({ at }) => ({ resource: at('payments') }),
    refused: { code: 'ERR_EXCHANGE_TARGET' },
  },
  {
    name: 'grant.scope-widened',
    title: 'more scope is asked for than the grant has',
    requirements: ['CHN-2.5-03', 'CHN-2.5-04'],
    use: () => ({ scope: ['ledger:post', 'ledger:close'] }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'grant.chain-cut',
    title: 'payments takes the actor out of the grant',
    requirements: ['CHN-2.4.2-01', 'TEX-4.1-03'],
    use: () => ({}),
    rewrite: (grant) => rewrittenToken(grant, { act: null }),
    refused: { code: 'ERR_EXCHANGE_GRANT_SIGNATURE' },
  },
  {
    name: 'grant.chain-reordered',
    title: 'payments puts the actor in the place of the subject',
    requirements: ['CHN-2.4.2-01', 'CHN-2.4.2-03'],
    use: () => ({}),
    rewrite: (grant) => rewrittenToken(grant, { sub: shopId('services'), act: { sub: 'customer' } }),
    refused: { code: 'ERR_EXCHANGE_GRANT_SIGNATURE' },
  },
]

async function attackUse(scene: ShopScene, { use, rewrite, refused }: UseAttack): Promise<Evidence> {
  const grant = issued(await askForGrant(scene))
  const attack = await useGrant(scene, rewrite?.(grant) ?? grant, await use(scene))
  const evidence = await expectTokenRefused(scene, attack, refused)
  // An attack that failed leaves the grant to whom it is for.
  return { grant: shownToken('grant', grant), attack: evidence, accepted: shownToken('access token', issued(await useGrant(scene, grant))) }
}

/** A grant is for one server, one key, once, for a minute, and for no more than was allowed at home. */
export const grantChecks: readonly Check[] = shopChecks('identity-chaining', [
  ...attacks.map(
    (attack): ShopCheck => ({
      name: attack.name,
      title: attack.title,
      requirements: attack.requirements,
      run: (scene) => attackUse(scene, attack),
    }),
  ),
  {
    name: 'grant.replayed',
    title: 'payments redeems its grant a second time, with a proof that is new',
    requirements: ['CHN-5.5-01', 'CHN-5.5-03'],
    async run(scene) {
      const grant = issued(await askForGrant(scene))
      const accepted = shownToken('access token', issued(await useGrant(scene, grant)))
      return { accepted, attack: await expectTokenRefused(scene, await useGrant(scene, grant), { code: 'ERR_EXCHANGE_GRANT_REPLAYED' }) }
    },
  },
  {
    name: 'grant.expired',
    title: 'payments redeems a grant when its minute is over',
    requirements: ['CHN-5.5-02', 'CHN-2.4.2-01'],
    phase: AGED_PHASE,
    timeoutMs: AGED_TIMEOUT_MS,
    async run(scene) {
      const old = await agedGrant(scene)
      await outlive(old, CLOCK_TOLERANCE_SECONDS)
      const accepted = shownToken('access token', issued(await useGrant(scene, issued(await askForGrant(scene)))))
      const attack = await expectTokenRefused(scene, await useGrant(scene, old), { code: 'ERR_EXCHANGE_GRANT_EXPIRED' })
      return { accepted, expired: shownToken('grant', old), attack }
    },
  },
  {
    name: 'request.aimed-elsewhere',
    title: 'payments asks for a grant for a server that the shop does not know',
    requirements: ['CHN-2.3.2-02', 'CHN-2.3.2-01', 'CHN-2.3.1-03'],
    run: (scene) => attackRequest(scene, { audience: 'https://tokens.elsewhere.example' }, { code: 'ERR_EXCHANGE_TARGET' }),
  },
  {
    name: 'request.stolen',
    title: 'orders asks for the grant: it has the transaction token, and no part in what goes to the bank',
    requirements: ['CHN-2.3.2-03', 'CHN-5.3-01'],
    run: (scene) => attackRequest(scene, { by: 'as-orders' }, { code: 'ERR_EXCHANGE_TARGET' }),
  },
  {
    name: 'request.scope-widened',
    title: 'payments asks for more scope than the transaction has',
    requirements: ['CHN-2.5-03', 'CHN-2.3.1-02'],
    run: (scene) => attackRequest(scene, { scope: ['orders:place', 'orders:cancel'] }, { code: 'ERR_EXCHANGE_SCOPE' }),
  },
  {
    name: 'request.another-trust-domain',
    title: "payments takes its transaction token to the bank's token service at once, and a made-up grant",
    requirements: ['CHN-2-01', 'TXN-9.2-05', 'CHN-2.1-01'],
    async run(scene) {
      const transaction = await clearedOrder(scene)
      const accepted = issued(await askForGrant(scene, { transaction }))
      const asSubject = await exchange(scene, {
        by: 'as-payments',
        domain: 'bank',
        subjectToken: transactionToken(transaction),
        audience: scene.at('ledger'),
        requestedTokenType: TOKEN_TYPES.accessToken,
      })
      const asGrant = await redeemTransaction(scene, transaction)
      return {
        accepted: shownToken('grant', accepted),
        asSubject: await expectTokenRefused(scene, asSubject, {
          code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
          detail: 'a client of another trust domain',
        }),
        asGrant: await expectTokenRefused(scene, asGrant, { code: 'ERR_EXCHANGE_GRANT_TYP' }),
      }
    },
  },
])

async function attackRequest(scene: ShopScene, change: Parameters<typeof askForGrant>[1], refused: TokenRefusal): Promise<Evidence> {
  const transaction = await clearedOrder(scene)
  const attack = await expectTokenRefused(scene, await askForGrant(scene, { transaction, ...change }), refused)
  return { accepted: shownToken('grant', issued(await askForGrant(scene, { transaction }))), attack }
}

function redeemTransaction(scene: ShopScene, assertion: string): Promise<TokenAnswer> {
  return redeem(scene, { by: 'as-payments', assertion, resource: scene.at('ledger') })
}
