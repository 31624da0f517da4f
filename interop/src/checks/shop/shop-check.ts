import { type Check, type CheckContext, CheckFailure, type CheckKind, type Evidence, type ScenarioName } from '../../suite/check.ts'
import type { ControlledWorkload, ServiceName, Shop, WorkloadName } from '../../world/world.ts'

/** What a check of the sample shop works with. */
export interface ShopScene {
  readonly context: CheckContext
  readonly shop: Shop
  /** Who is told what to do: somebody who broke into a service, or one who is allowed nowhere. */
  as(name: WorkloadName): ControlledWorkload
  /** `https://…` of a service. */
  at(service: ServiceName): string
}

/** A check of a scenario in the world `shop`. */
export interface ShopCheck extends Pick<Check, 'title' | 'requirements' | 'timeoutMs' | 'phase'> {
  /** The second and the last part of the check's id, such as `orders.replayed`. */
  readonly name: `${string}.${string}`
  /** `attack` unless told. */
  readonly kind?: CheckKind
  run(scene: ShopScene): Promise<Evidence>
}

/** The checks of a scenario, all in the world `shop`. */
export function shopChecks(scenario: ScenarioName, checks: readonly ShopCheck[]): readonly Check[] {
  return checks.map(
    ({ name, kind = 'attack', run, ...check }): Check => ({
      ...check,
      id: `${scenario}.${name}`,
      scenario,
      kind,
      world: 'shop',
      run: (context) => run(sceneOf(context)),
    }),
  )
}

function sceneOf(context: CheckContext): ShopScene {
  const { shop, workload } = context.world
  if (shop === undefined) throw new CheckFailure('this world has no shop')
  return { context, shop, as: (name) => workload(name), at: (service) => shop.url(service) }
}
