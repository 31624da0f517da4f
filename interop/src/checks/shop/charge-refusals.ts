import type { Check, ScenarioName } from '../../suite/check.ts'
import { awaitHop, shownLines } from './await-lines.ts'
import { expectDone, expectServiceRefused } from './call-service.ts'
import { type Charge, charge, clearedOrder } from './order-steps.ts'
import { type ShopCheck, type ShopScene, shopChecks } from './shop-check.ts'
import { claimsOf, shownToken } from './tokens.ts'

/** A charge that payments has to refuse for exactly this reason. */
export interface ChargeRefusal extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  prepare(scene: ShopScene): Promise<{
    readonly transaction: string
    readonly charge?: Charge
    /** A charge of the same transaction that comes first and is accepted. */
    readonly firstCharge?: Charge
  }>
  /** What the line of payments says. */
  readonly reason: string
}

/** The checks of refusals by payments: each beside a charge that differs in nothing else and is accepted. */
export function chargeRefusals(scenario: ScenarioName, rows: readonly ChargeRefusal[]): readonly Check[] {
  return shopChecks(
    scenario,
    rows.map(({ prepare, reason, ...row }) => ({
      ...row,
      async run(scene: ShopScene) {
        const { transaction, charge: change, firstCharge } = await prepare(scene)
        const accepted = expectDone(await charge(scene, firstCharge === undefined ? await clearedOrder(scene) : transaction, firstCharge))
        const attack = expectServiceRefused(await charge(scene, transaction, change), { code: 'ERR_POLICY_DENIED' })
        const txn = String(claimsOf(transaction)['txn'])
        const hop = await awaitHop(scene, 'payments', { transaction: txn, decision: 'refused', reason })
        return { accepted, transaction: shownToken('transaction token', transaction), attack, hop: shownLines([hop]) }
      },
    })),
  )
}
