import type { Runtime } from '@wimse/core'
import { accessToken, type Customer, type JobQueue, Refusal, type TokenClient } from '@wimse/shop-platform'

const WORKER = 'spiffe://shop.example/settlement'
const SCOPE = ['payments:settle']
const DAY_SECONDS = 86_400

/** What a user has allowed to be done for her, without her. */
export interface Consent {
  readonly consent: string
  readonly item: string
  /** Euros, for each run. */
  readonly limit: number
  readonly runs: number
  readonly days: number
}

/** What can be done with consents. */
export interface Consents {
  /** Has the user's token made into a grant that outlives it: for this purpose, within these limits, so often, and no longer. */
  give(customer: Customer, asked: Omit<Consent, 'consent'>): Promise<Consent>
  /** Those of a user that stand. */
  of(subject: string): readonly Consent[]
  /** Takes it back: the grant is worth nothing from now on, whoever has it. @throws Refusal for one that isn't this user's */
  withdraw(subject: string, consent: string): Promise<void>
  /** Restocks an item for everybody who wants that, at the price of the day. @returns the jobs that it takes */
  run(item: string, amount: number): Promise<readonly string[]>
}

interface Held extends Consent {
  readonly subject: string
  readonly grant: string
  /** Runs that have begun. */
  begun: number
}

/** Keeps consents in memory: a shop would keep grants where it keeps its secrets. */
export function createConsents({
  tokens,
  queue,
  runtime,
}: {
  readonly tokens: TokenClient
  readonly queue: JobQueue
  readonly runtime: Pick<Runtime, 'now' | 'randomBytes'>
}): Consents {
  const held = new Map<string, Held>()
  return {
    async give({ subject, token }, { item, limit, runs, days }) {
      const consent = Buffer.from(runtime.randomBytes(9)).toString('base64url')
      const end = Math.floor(runtime.now() / 1000) + days * DAY_SECONDS
      const limits = { item: { equals: item }, amount: { atMost: limit } }
      const deferral = { worker: WORKER, action: 'restock', limits, uses: runs, end, purpose: `restock ${item} every night` }
      const grant = await tokens.defer(accessToken(token), { scope: SCOPE, deferral })
      held.set(consent, { consent, item, limit, runs, days, subject, grant, begun: 0 })
      return { consent, item, limit, runs, days }
    },
    of: (subject) => [...held.values()].filter((each) => each.subject === subject).map(shown),
    async withdraw(subject, consent) {
      const found = held.get(consent)
      if (found?.subject !== subject) throw new Refusal('no such consent of this user')
      // Kept until the token service has said yes: what isn't stopped is not forgotten.
      await tokens.giveUp(found.grant)
      held.delete(consent)
    },
    async run(item, amount) {
      const due = [...held.values()].filter((each) => each.item === item && each.begun < each.runs)
      const jobs: string[] = []
      for (const each of due) {
        const job = `restock-${each.consent}-${each.begun + 1}`
        // The one use of a grant has no name.
        const use = each.runs > 1 ? { use: job } : {}
        await queue.send({ job, action: 'restock', parameters: { item, amount }, ...use }, each.grant)
        // Not before the broker has it: should it have it all the same, the next run has the same name, and is the same use.
        each.begun += 1
        jobs.push(job)
      }
      return jobs
    },
  }
}

function shown({ consent, item, limit, runs, days }: Held): Consent {
  return { consent, item, limit, runs, days }
}
