import type { Evidence } from '../../../suite/check.ts'
import { expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { expectDone } from '../call-service.ts'
import type { ShopCheck, ShopScene } from '../shop-check.ts'
import { shownToken } from '../tokens.ts'
import { type Deferred, deferOrder, deferRestock, expectEntries, type RedemptionChange, redeemDeferred, settle } from './deferred-steps.ts'

/** A redemption that the token service refuses; the grant is redeemed by its worker afterwards. */
export interface GrantAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  change(deferred: Deferred, scene: ShopScene): Promise<RedemptionChange> | RedemptionChange
  /** The grant that it is made on; one for an order unless told. */
  readonly standing?: boolean
  readonly refused: TokenRefusal
  /** Whom the token service takes for the client, where that is not the one who asks. */
  readonly as?: string
}

/** The check of an attack. */
export function grantAttackCheck(attack: GrantAttack): ShopCheck {
  const { name, title, requirements } = attack
  return { name, title, requirements, run: (scene) => attackGrant(scene, attack) }
}

async function attackGrant(scene: ShopScene, { change, standing = false, refused, as }: GrantAttack): Promise<Evidence> {
  const deferred = await (standing ? deferRestock(scene) : deferOrder(scene))
  const answer = await redeemDeferred(scene, deferred, await change(deferred, scene))
  const attack = await expectTokenRefused(scene, as === undefined ? answer : { ...answer, by: as }, refused)
  const without = await expectEntries(scene, deferred, 0)
  // An attack that failed leaves the grant to whom it is for, with all of its uses.
  const token = issued(await redeemDeferred(scene, deferred))
  const done = expectDone(await settle(scene, token, { amount: Number(deferred.parameters['amount']) }))
  const entry = await expectEntries(scene, deferred, 1)
  return {
    grant: shownToken('deferred grant', deferred.grant),
    attack,
    without,
    accepted: shownToken('transaction token', token),
    done,
    entry,
  }
}
