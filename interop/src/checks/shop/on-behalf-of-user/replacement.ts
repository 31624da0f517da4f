import type { JsonObject } from '@wimse/core'
import type { Check, Evidence } from '../../../suite/check.ts'
import { expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { expectMembers } from '../expect-equal.ts'
import { askToReplace, clearedOrder, type Replacement } from '../order-steps.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, shownToken } from '../tokens.ts'

interface ReplacementAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  readonly asked: Replacement
  readonly refused: TokenRefusal
}

const attacks: readonly ReplacementAttack[] = [
  {
    name: 'replacement.scope-widened',
    title: 'orders has the transaction token replaced with more scope',
    requirements: ['TXN-13.15-04', 'TXN-13.15-01'],
    asked: { scope: ['orders:place', 'orders:cancel'] },
    refused: { code: 'ERR_TXN_SCOPE_WIDER' },
  },
  {
    name: 'replacement.context-raised',
    title: 'orders has the transaction token replaced with a greater amount',
    requirements: ['TXN-13.15-04', 'TXN-9.2-13'],
    asked: { requestDetails: { amount: 46 } },
    refused: { code: 'ERR_TXN_CONTEXT_WIDER' },
  },
  {
    name: 'replacement.context-changed',
    title: 'orders has the transaction token replaced with another item',
    requirements: ['TXN-13.15-04', 'TXN-9.2.3-02'],
    asked: { requestDetails: { item: 'piano' } },
    refused: { code: 'ERR_TXN_CONTEXT_WIDER' },
  },
  {
    name: 'replacement.stolen',
    title: 'rogue has the transaction token replaced',
    requirements: ['TXN-11.3-02', 'TXN-13.12-01'],
    asked: { by: 'rogue' },
    refused: { code: 'ERR_POLICY_DENIED', detail: 'no rule' },
  },
  {
    name: 'replacement.replayed',
    title: 'the request for the replacement is sent a second time',
    requirements: ['TXN-11.5-03', 'WPT-2-38'],
    asked: { change: { tamper: [{ kind: 'replay' }] } },
    refused: { code: 'ERR_WPT_REPLAYED' },
  },
]

async function attackReplacement(scene: ShopScene, { asked, refused }: ReplacementAttack): Promise<Evidence> {
  const token = await clearedOrder(scene)
  const details: JsonObject = { amount: 44 }
  const narrower = issued(await askToReplace(scene, token, { requestDetails: details }))
  const [before, after] = [claimsOf(token), claimsOf(narrower)]
  expectMembers('the replacement', after, { txn: before['txn'], sub: before['sub'], aud: before['aud'], scope: before['scope'] })
  const attack = await expectTokenRefused(scene, await askToReplace(scene, token, asked), refused)
  return { accepted: shownToken('transaction token', narrower), attack }
}

/** A replacement permits the same or less. Each attack comes beside a replacement with a smaller amount, which is issued. */
export const replacementChecks: readonly Check[] = shopChecks(
  'on-behalf-of-user',
  attacks.map((attack) => ({
    name: attack.name,
    title: attack.title,
    requirements: attack.requirements,
    run: (scene) => attackReplacement(scene, attack),
  })),
)
