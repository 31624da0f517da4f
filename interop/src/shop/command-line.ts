import { parseArgs } from 'node:util'
import type { DriverName } from '../suite/check.ts'
import { DRIVER_NAMES } from '../suite/command-line.ts'
import { type Errand, errands } from './errands.ts'

export const HELP: string = `npm run shop -- [options]

One of the first three may also be given as a word: npm run shop -- settlement

Starts the sample shop on this machine: two trust domains with a token service each, an identity provider, and the services of apps/shop.
Signs a user in, has one thing done for her, prints the request hop by hop, and ends everything.

  --agent         she asks an agent, which asks another one, instead of ordering herself
  --refund        an agent asks for a refund: delegation by access tokens
  --settlement    her order is settled later, by a worker, when whoever took it is gone and its credentials have ended. Needs nats-server
  --driver NAME   ${DRIVER_NAMES.join(', ')}; embedded unless told, which needs nothing but Node. The others run it on SPIRE.
  --help          print this.

The exit status is 0 when it was done, 1 otherwise, 2 for a wrong command line.
`

/** Errands beside the usual one. */
const NAMES = ['agent', 'refund', 'settlement'] as const

/** What the command line says. */
export type ShopCommand =
  | { readonly name: 'walk'; readonly errand: Errand; readonly driver: DriverName }
  | { readonly name: 'help' }
  | { readonly name: 'wrong'; readonly message: string }

/** Reads the arguments after the program's name. */
export function parseShopCommandLine(args: readonly string[]): ShopCommand {
  let values: { agent?: boolean; refund?: boolean; settlement?: boolean; driver?: string; help?: boolean }
  let words: readonly string[]
  try {
    const flag = { type: 'boolean' } as const
    const options = { agent: flag, refund: flag, settlement: flag, driver: { type: 'string' }, help: { ...flag, short: 'h' } } as const
    const parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
    values = parsed.values
    words = parsed.positionals
  } catch (error) {
    return { name: 'wrong', message: error instanceof Error ? error.message : 'the arguments can not be read' }
  }
  const { driver: asked = 'embedded', help } = values
  if (help === true) return { name: 'help' }
  const flags = NAMES.filter((name) => values[name] === true)
  const stray = words.find((word) => !NAMES.some((name) => name === word))
  if (stray !== undefined) return { name: 'wrong', message: `${JSON.stringify(stray)} is none of: ${NAMES.join(', ')}` }
  const [wanted = 'order', ...others] = new Set([...flags, ...words])
  const driver = DRIVER_NAMES.find((name) => name === asked)
  const errand = errands.find(({ name }) => name === wanted)
  if (others.length > 0) return { name: 'wrong', message: `${NAMES.map((name) => `--${name}`).join(', ')}: one at a time` }
  if (driver === undefined || errand === undefined) {
    return { name: 'wrong', message: `--driver ${JSON.stringify(asked)} is none of: ${DRIVER_NAMES.join(', ')}` }
  }
  return { name: 'walk', errand, driver }
}
