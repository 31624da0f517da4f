import { parseArgs } from 'node:util'
import type { DriverName, ScenarioName } from './check.ts'
import type { Selection } from './select-checks.ts'

export const DRIVER_NAMES: readonly DriverName[] = ['docker', 'process', 'embedded']
export const SCENARIO_NAMES: readonly ScenarioName[] = [
  'single-hop',
  'cross-trust-domain',
  'rotation',
  'on-behalf-of-user',
  'chain-of-custody',
  'delegation',
  'identity-chaining',
  'no-registration',
  'ai-agent',
  'async-job',
  'async-takeover',
  'batch',
  'scheduled',
]

/** What the command line says. */
export type Command =
  | { readonly name: 'run' | 'list'; readonly drivers: readonly DriverName[]; readonly selection: Selection }
  | { readonly name: 'help' }
  | { readonly name: 'wrong'; readonly message: string }

export const HELP: string = `npm run interop -- [options]

Starts SPIRE trust domains and workloads, makes calls with every proof, attacks them, and says what held.

  --driver NAME     ${DRIVER_NAMES.join(', ')}; may be given more than once. Otherwise docker and process where they
                    can run, and embedded (no SPIRE: the testing authority) where neither can.
  --scenario NAME   ${SCENARIO_NAMES.slice(0, 4).join(', ')},
                    ${SCENARIO_NAMES.slice(4, 9).join(', ')},
                    ${SCENARIO_NAMES.slice(9).join(', ')}; may be given more than once.
  --check ID        one check, or all whose id begins with ID and a dot; may be given more than once.
  --list            print the checks that would run, and run none.
  --help            print this.

The report is written to interop/report/latest.json and latest.html. The exit status is 0 when nothing failed and something
passed, 1 otherwise, 2 for a wrong command line. The last line is "interop: N passed, N failed, N not run".
`

/** Reads the arguments after the program's name. */
export function parseCommandLine(args: readonly string[]): Command {
  let values: ReturnType<typeof readArguments>
  try {
    values = readArguments(args)
  } catch (error) {
    return { name: 'wrong', message: error instanceof Error ? error.message : 'the arguments can not be read' }
  }
  if (values.help === true) return { name: 'help' }
  const { driver = [], scenario = [], check = [] } = values
  const drivers = DRIVER_NAMES.filter((name) => driver.includes(name))
  const scenarios = SCENARIO_NAMES.filter((name) => scenario.includes(name))
  const wrong =
    unknown('driver', driver, DRIVER_NAMES) ??
    unknown('scenario', scenario, SCENARIO_NAMES) ??
    (check.includes('') ? '--check is empty' : undefined)
  if (wrong !== undefined) return { name: 'wrong', message: wrong }
  return { name: values.list === true ? 'list' : 'run', drivers, selection: { scenarios, checks: check } }
}

function readArguments(args: readonly string[]): {
  driver?: string[]
  scenario?: string[]
  check?: string[]
  list?: boolean
  help?: boolean
} {
  const several = { type: 'string', multiple: true } as const
  const { values } = parseArgs({
    args: [...args],
    options: { driver: several, scenario: several, check: several, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    strict: true,
    allowPositionals: false,
  })
  return values
}

function unknown(option: string, given: readonly string[], known: readonly string[]): string | undefined {
  const stray = given.find((name) => !known.includes(name))
  return stray === undefined ? undefined : `--${option} ${JSON.stringify(stray)} is none of: ${known.join(', ')}`
}
