import type { Check, ScenarioName } from './check.ts'
import { worldOf } from './check-record.ts'

/** What the command line asks for; nothing asked means everything. */
export interface Selection {
  readonly scenarios: readonly ScenarioName[]
  /** Ids, or beginnings of ids that end at a dot: `single-hop.wpt` stands for `single-hop.wpt.replayed` and its neighbours. */
  readonly checks: readonly string[]
}

/** The checks that a selection means. Those that run always come along wherever their world is started, unless single checks were named. */
export function selectChecks(all: readonly Check[], { scenarios, checks }: Selection): readonly Check[] {
  const inScenario = (check: Check): boolean => scenarios.length === 0 || scenarios.includes(check.scenario)
  if (checks.length > 0) return all.filter((check) => inScenario(check) && checks.some((name) => isNamed(check, name)))
  const worlds = new Set(all.filter((check) => inScenario(check) && check.always !== true).map(worldOf))
  return all.filter((check) => (check.always === true ? worlds.has(worldOf(check)) : inScenario(check)))
}

/** The names of a selection that mean no check at all. */
export function unknownChecks(all: readonly Check[], { checks }: Selection): readonly string[] {
  return checks.filter((name) => !all.some((check) => isNamed(check, name)))
}

function isNamed({ id }: Check, name: string): boolean {
  return id === name || id.startsWith(`${name}.`)
}
