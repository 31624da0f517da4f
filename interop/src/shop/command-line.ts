import { parseArgs } from 'node:util'
import type { DriverName } from '../suite/check.ts'
import { DRIVER_NAMES } from '../suite/command-line.ts'
import { type Errand, errands } from './errands.ts'

export const HELP: string = `npm run shop -- [options]

Starts the sample shop on this machine: two trust domains with a token service each, an identity provider, and the services of apps/shop.
Signs a user in, has one thing done for her, prints the request hop by hop, and ends everything.

  --agent         she asks an agent, which asks another one, instead of ordering herself
  --refund        an agent asks for a refund: delegation by access tokens
  --driver NAME   ${DRIVER_NAMES.join(', ')}; embedded unless told, which needs nothing but Node. The others run it on SPIRE.
  --help          print this.

The exit status is 0 when it was done, 1 otherwise, 2 for a wrong command line.
`

/** What the command line says. */
export type ShopCommand =
  | { readonly name: 'walk'; readonly errand: Errand; readonly driver: DriverName }
  | { readonly name: 'help' }
  | { readonly name: 'wrong'; readonly message: string }

/** Reads the arguments after the program's name. */
export function parseShopCommandLine(args: readonly string[]): ShopCommand {
  let values: { agent?: boolean; refund?: boolean; driver?: string; help?: boolean }
  try {
    const flag = { type: 'boolean' } as const
    const options = { agent: flag, refund: flag, driver: { type: 'string' }, help: { ...flag, short: 'h' } } as const
    values = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    return { name: 'wrong', message: error instanceof Error ? error.message : 'the arguments can not be read' }
  }
  const { agent = false, refund = false, driver: asked = 'embedded', help } = values
  if (help === true) return { name: 'help' }
  const driver = DRIVER_NAMES.find((name) => name === asked)
  const errand = errands.find(({ name }) => name === (agent ? 'agent' : refund ? 'refund' : 'order'))
  if (agent && refund) return { name: 'wrong', message: '--agent or --refund, one at a time' }
  if (driver === undefined || errand === undefined) {
    return { name: 'wrong', message: `--driver ${JSON.stringify(asked)} is none of: ${DRIVER_NAMES.join(', ')}` }
  }
  return { name: 'walk', errand, driver }
}
