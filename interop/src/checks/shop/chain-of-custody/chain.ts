import type { JsonObject } from '@wimse/core'
import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { Check, Evidence } from '../../../suite/check.ts'
import { AGED_PHASE, AGED_TIMEOUT_MS, outlive } from '../aged.ts'
import { exchange, expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { awaitHop, shownLines } from '../await-lines.ts'
import { expectDone, expectServiceRefused } from '../call-service.ts'
import { agedTransaction } from '../on-behalf-of-user/transaction-token.ts'
import {
  AMOUNT,
  askForOrder,
  askFraud,
  askToReplace,
  charge,
  clearedOrder,
  type Replacement,
  startOrder,
  userToken,
} from '../order-steps.ts'
import { rewrittenToken } from '../rewritten-token.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, SHOP, shopId, shownToken, transactionToken } from '../tokens.ts'

const CLEAR: JsonObject = { fraud: { verdict: 'clear', amount: AMOUNT } }

/** A chain that orders rewrites without the key of the token service. */
interface Rewriting extends Pick<ShopCheck, 'name' | 'title'> {
  readonly claims: JsonObject
  /** The token is the one that fraud has not seen. */
  readonly ofBeginning?: boolean
}

const rewritings: readonly Rewriting[] = [
  {
    name: 'chain.chain-cut',
    title: 'orders takes a workload out of the chain',
    claims: { req_wl: [shopId('storefront')] },
  },
  {
    name: 'chain.chain-reordered',
    title: 'orders puts the chain in another order',
    claims: { req_wl: [shopId('fraud'), shopId('storefront')] },
  },
  {
    name: 'chain.forged-member',
    title: 'orders writes fraud into the chain of an order that fraud has not seen',
    claims: { req_wl: [shopId('storefront'), shopId('fraud')], tctx: { item: 'teapot', amount: AMOUNT, currency: 'EUR', ...CLEAR } },
    ofBeginning: true,
  },
]

async function attackByRewriting(scene: ShopScene, { claims, ofBeginning = false }: Rewriting): Promise<Evidence> {
  const begun = await startOrder(scene)
  const token = await askFraud(scene, begun)
  const rewritten = rewrittenToken(ofBeginning ? begun : token, claims)
  const attack = expectServiceRefused(await charge(scene, rewritten), { code: 'ERR_TXN_SIGNATURE' })
  const replaced = await expectTokenRefused(scene, await askToReplace(scene, rewritten), {
    code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
    detail: 'ERR_TXN_SIGNATURE',
  })
  const accepted = expectDone(await charge(scene, token))
  return { accepted, rewritten: shownToken('transaction token', rewritten), attack, replaced }
}

interface ReplacementAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  readonly asked: Replacement
  readonly refused: TokenRefusal
}

const NOT_ADMITTED: TokenRefusal = { code: 'ERR_EXCHANGE_PARAMETER_MALFORMED', detail: 'request_details: a member that no rule admits' }

/** What orders asks of the token service, beside a replacement that changes nothing and is issued. */
const replacements: readonly ReplacementAttack[] = [
  {
    name: 'fraud.added-by-orders',
    title: 'orders has the verdict of fraud added itself',
    requirements: ['TXN-9.2.3-02', 'TXN-13.15-03'],
    asked: { requestDetails: CLEAR },
    refused: NOT_ADMITTED,
  },
  {
    name: 'chain.asked-for',
    title: 'orders asks for a chain of its own choice',
    requirements: ['TXN-13.15-09', 'TXN-11.3-16'],
    asked: { requestDetails: { req_wl: [shopId('storefront'), shopId('fraud')] } },
    refused: NOT_ADMITTED,
  },
  {
    name: 'chain.scope-widened',
    title: 'orders has the scope widened together with the chain',
    requirements: ['TXN-13.15-04'],
    asked: { scope: ['orders:place', 'catalog:read'] },
    refused: { code: 'ERR_TXN_SCOPE_WIDER' },
  },
  {
    name: 'chain.stolen',
    title: 'the concierge, which may start transactions, has one replaced that it has only seen',
    requirements: ['TXN-11.3-02', 'TXN-13.12-01'],
    asked: { by: 'as-concierge' },
    refused: { code: 'ERR_POLICY_DENIED', detail: 'no rule' },
  },
  {
    name: 'chain.another-trust-domain',
    title: 'a workload of the bank has a transaction token of the shop replaced',
    requirements: ['TXN-11.3-02', 'TXN-9.2-05'],
    asked: { by: 'bank-clerk' },
    refused: { code: 'ERR_EXCHANGE_CLIENT_ADMISSION' },
  },
]

async function attackReplacement(scene: ShopScene, { asked, refused }: ReplacementAttack): Promise<Evidence> {
  const token = await startOrder(scene)
  const accepted = shownToken('transaction token', issued(await askToReplace(scene, token)))
  return { accepted, attack: await expectTokenRefused(scene, await askToReplace(scene, token, asked), refused) }
}

/** The chain can't be cut, reordered, invented, or grown without end. */
export const chainChecks: readonly Check[] = shopChecks('chain-of-custody', [
  ...rewritings.map(
    (rewriting): ShopCheck => ({
      name: rewriting.name,
      title: rewriting.title,
      requirements: ['TXN-13.15-09', 'TXN-12.2-02', 'TXN-16.3-01'],
      run: (scene) => attackByRewriting(scene, rewriting),
    }),
  ),
  ...replacements.map(
    (attack): ShopCheck => ({
      name: attack.name,
      title: attack.title,
      requirements: attack.requirements,
      run: (scene) => attackReplacement(scene, attack),
    }),
  ),
  {
    name: 'chain.too-long',
    title: 'orders has a token replaced until the chain is full',
    requirements: ['TXN-13.15-08'],
    async run(scene) {
      const first = await startOrder(scene)
      const second = issued(await askToReplace(scene, first))
      const third = issued(await askToReplace(scene, second))
      const fourth = issued(await askToReplace(scene, third))
      const attack = await expectTokenRefused(scene, await askToReplace(scene, fourth), { code: 'ERR_TXN_REPLACEMENT_LIMIT' })
      return { accepted: shownToken('transaction token', fourth), attack }
    },
  },
  {
    name: 'chain.replayed',
    title: 'the charge with the whole chain is sent a second time',
    requirements: ['WPT-2-38'],
    async run(scene) {
      const token = await clearedOrder(scene)
      const attack = expectServiceRefused(await charge(scene, token, { tamper: [{ kind: 'replay' }] }), { code: 'ERR_WPT_REPLAYED' })
      const hop = await awaitHop(scene, 'payments', { transaction: String(claimsOf(token)['txn']), decision: 'allowed' })
      return { transaction: shownToken('transaction token', token), accepted: shownLines([hop]), attack }
    },
  },
  {
    name: 'chain.expired',
    title: 'a replacement is asked for when the time of the token is over',
    requirements: ['TXN-13.15-06'],
    phase: AGED_PHASE,
    timeoutMs: AGED_TIMEOUT_MS,
    async run(scene) {
      const old = await agedTransaction(scene)
      await outlive(old)
      const accepted = shownToken('transaction token', issued(await askToReplace(scene, await startOrder(scene))))
      const attack = await expectTokenRefused(scene, await askToReplace(scene, old), {
        code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
        detail: 'ERR_TXN_EXPIRED',
      })
      return { accepted, expired: shownToken('transaction token', old), attack }
    },
  },
  {
    name: 'chain.confused-audience',
    title: 'the replacement is asked for another trust domain, or begun anew by a token that is none of its subjects',
    requirements: ['TXN-11.1-02', 'TXN-13.15-05'],
    async run(scene) {
      const token = await startOrder(scene)
      const accepted = shownToken('transaction token', issued(await askToReplace(scene, token)))
      const elsewhere = await exchange(scene, {
        by: 'as-orders',
        subjectToken: transactionToken(token),
        audience: 'bank.example',
        scope: ['orders:place'],
        requestedTokenType: TOKEN_TYPES.transactionToken,
      })
      const asAccessToken = await askForOrder(scene, { token })
      return {
        accepted,
        elsewhere: await expectTokenRefused(scene, elsewhere, { code: 'ERR_EXCHANGE_TARGET' }),
        asAccessToken: await expectTokenRefused(scene, asAccessToken, {
          code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
          detail: 'ERR_EXCHANGE_ACCESS_TOKEN_TYP',
        }),
      }
    },
  },
  {
    name: 'entry.claimed-at-start',
    title: 'the storefront starts a transaction in which fraud has already decided, and one in the name of another entry',
    requirements: ['TXN-9.2.3-02', 'TXN-11.3-16'],
    async run(scene) {
      const token = await userToken(scene)
      const accepted = shownToken('transaction token', issued(await askForOrder(scene, { token })))
      const refuse = async (requestDetails: JsonObject): Promise<Evidence> =>
        expectTokenRefused(scene, await askForOrder(scene, { token, requestDetails }), NOT_ADMITTED)
      return { accepted, verdict: await refuse(CLEAR), entry: await refuse({ req_wl: [shopId('concierge')], audience: SHOP }) }
    },
  },
])
