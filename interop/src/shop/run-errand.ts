import { waitUntil } from '../spire/wait-until.ts'
import { tokenName } from '../suite/evidence.ts'
import { nameTokens } from '../workload/redact.ts'
import type { ServiceName, Shop } from '../world/world.ts'
import type { Errand } from './errands.ts'
import { formatWalk } from './format-walk.ts'
import { leaveAlone } from './leave-alone.ts'
import { type Traces, walkOf } from './walk.ts'

const USER = 'ada'
const LOG_TIMEOUT_MS = 5_000
const JOB_TIMEOUT_MS = 60_000

/** Has one thing done as a user, and prints what came of it. @throws Error when it was not done, after everything was printed */
export async function runErrand(shop: Shop, errand: Errand, print: (line: string) => void): Promise<void> {
  const { service, scope, path, body, status, services, story, later } = errand
  // Nobody works before it is night.
  if (later !== undefined) {
    shop.broker()
    await Promise.all(later.workers.map((worker) => shop.kill(worker)))
  }
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
  const traces = await tracesOf(shop)
  for (const line of formatWalk(walkOf(traces), USER)) print(line)
  print('')
  print(`${USER} gets ${response.status} ${nameTokens(answer)}`)
  expectParts(services, traces)
  if (response.status !== status) throw new Error(`expected the status ${status}`)
  if (later === undefined) return

  await leaveAlone(shop, later, print)
  await waitUntil('the work', async () => (await shop.jobs()).some(({ step }) => step === 'done' || step === 'buried'), {
    timeoutMs: JOB_TIMEOUT_MS,
  })
  const night = after(traces, await tracesOf(shop))
  print('')
  for (const line of formatWalk(walkOf(night), USER)) print(line)
  expectParts(later.services, night)
}

async function tracesOf(shop: Shop): Promise<Required<Traces>> {
  const [hops, jobs, ofShop, ofBank] = await Promise.all([shop.hops(), shop.jobs(), shop.events('shop'), shop.events('bank')])
  return { hops, jobs, events: { shop: ofShop, bank: ofBank } }
}

/** What has come since then. */
function after(before: Required<Traces>, now: Required<Traces>): Traces {
  const { hops, jobs, events } = before
  return {
    hops: now.hops.slice(hops.length),
    jobs: now.jobs.slice(jobs.length),
    events: { shop: now.events.shop.slice(events.shop.length), bank: now.events.bank.slice(events.bank.length) },
  }
}

function expectParts(services: readonly ServiceName[], { hops }: Traces): void {
  const allowed = new Set(hops.filter(({ decision }) => decision === 'allowed').map((hop) => hop.service))
  const missing = services.filter((name) => !allowed.has(name))
  if (missing.length > 0) throw new Error(`these took no part in it: ${missing.join(', ')}`)
}
