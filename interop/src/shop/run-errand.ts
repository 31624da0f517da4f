import { waitUntil } from '../spire/wait-until.ts'
import { tokenName } from '../suite/evidence.ts'
import { nameTokens } from '../workload/redact.ts'
import type { Shop } from '../world/world.ts'
import type { Errand } from './errands.ts'
import { formatWalk } from './format-walk.ts'
import { walkOf } from './walk.ts'

const USER = 'ada'
const LOG_TIMEOUT_MS = 5_000

/** Has one thing done as a user, and prints what came of it. @throws Error when it was not done, after everything was printed */
export async function runErrand(shop: Shop, errand: Errand, print: (line: string) => void): Promise<void> {
  const { service, scope, path, body, status, services, story } = errand
  const token = await shop.signIn({ user: USER, service, scope })
  print(`${USER} signs in at ${shop.url('login')} and allows ${scope.join(' ')}:`)
  print(`  ${tokenName('access token', token)} for ${shop.url(service)}`)
  print(`${USER} ${story}.`)
  print('')
  const response = await shop.userFetch(`${shop.url(service)}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.text()
  // The last line is written as the answer goes out.
  await waitUntil('the log of the service', async () => (await shop.hops()).some((hop) => hop.service === service), {
    timeoutMs: LOG_TIMEOUT_MS,
  }).catch(() => undefined)
  const hops = await shop.hops()
  const events = { shop: await shop.events('shop'), bank: await shop.events('bank') }
  for (const line of formatWalk(walkOf({ hops, events }), USER)) print(line)
  print('')
  print(`${USER} gets ${response.status} ${nameTokens(answer)}`)
  const allowed = new Set(hops.filter(({ decision }) => decision === 'allowed').map((hop) => hop.service))
  const missing = services.filter((name) => !allowed.has(name))
  if (response.status !== status) throw new Error(`expected the status ${status}`)
  if (missing.length > 0) throw new Error(`these took no part in it: ${missing.join(', ')}`)
}
