import type { JsonObject } from '@wimse/core'
import { type Check, CheckFailure, type Evidence } from '../../../suite/check.ts'
import { shownLines } from '../await-lines.ts'
import { callAsUser, callService, expectDone, expectServiceRefused, type ServiceRefusal } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { userToken } from '../order-steps.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { textIn } from '../tokens.ts'
import { deferRestock, expectEntries, giveUp } from './deferred-steps.ts'
import { awaitJob, insideBroker } from './job-steps.ts'
import { expectBuried, expectWorked, type MessageChange, proveJob } from './message-steps.ts'

const SCOPE = ['shop:restock']

/** A job that the storefront, broken into, sends for a consent that was given to it. */
interface RunAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  readonly job: NonNullable<MessageChange['job']>
  readonly code: string
}

const runs: readonly RunAttack[] = [
  {
    name: 'run.over-the-limit',
    title: 'the storefront sends a run that costs more than the user has consented to',
    requirements: ['TXN-13.15-04'],
    job: { parameters: { item: 'beans', amount: 51 } },
    code: 'ERR_EXCHANGE_GRANT_PARAMETERS',
  },
  {
    name: 'run.another-item',
    title: 'the storefront sends a run for something else than the user has consented to',
    requirements: ['TXN-13.15-04'],
    job: { parameters: { item: 'piano', amount: 40 } },
    code: 'ERR_EXCHANGE_GRANT_PARAMETERS',
  },
  {
    name: 'run.without-name',
    title: 'the storefront sends a run without the name of its use',
    requirements: ['TXN-13.15-04'],
    job: { use: undefined },
    code: 'ERR_EXCHANGE_PARAMETER_MISSING',
  },
]

/** Consent is the user's, to give and to take back; what was consented to is all that is done. */
export const consentAttacks: readonly Check[] = shopChecks('scheduled', [
  ...runs.map(
    ({ name, title, requirements, job, code }): ShopCheck => ({
      name,
      title,
      requirements,
      run: (scene) =>
        insideBroker(scene, async (insider) => {
          const deferred = await deferRestock(scene)
          const attack = await expectBuried(scene, insider, await proveJob(scene, deferred, { job }), { code })
          const without = await expectEntries(scene, deferred, 0)
          const accepted = await expectWorked(scene, insider, await proveJob(scene, deferred))
          return { attack, without, accepted: shownLines([accepted]), entry: await expectEntries(scene, deferred, 1) }
        }),
    }),
  ),
  {
    name: 'run.too-often',
    title: 'the storefront sends a run more than the user has consented to',
    requirements: ['TXN-13.15-04'],
    run: (scene) =>
      insideBroker(scene, async (insider) => {
        const deferred = await deferRestock(scene, { uses: 2 })
        const accepted = [
          await expectWorked(scene, insider, await proveJob(scene, deferred)),
          await expectWorked(scene, insider, await proveJob(scene, { ...deferred, use: 'run-2' })),
        ]
        const third = { ...deferred, use: 'run-3' }
        const attack = await expectBuried(scene, insider, await proveJob(scene, third), { code: 'ERR_EXCHANGE_GRANT_EXHAUSTED' })
        return { accepted: shownLines(accepted), attack, without: await expectEntries(scene, third, 0) }
      }),
  },
  {
    name: 'consent.kept',
    title:
      'the storefront has kept the grant of a user who has withdrawn, and sends a run: it is refused, and that of another user is done',
    requirements: ['AIM-11-03', 'AIM-11-04'],
    run: (scene) =>
      insideBroker(scene, async (insider) => {
        const [ada, bob] = [await deferRestock(scene, { user: 'ada' }), await deferRestock(scene, { user: 'bob' })]
        const withdrawn = await giveUp(scene, ada.grant, 'as-storefront')
        const attack = await expectBuried(scene, insider, await proveJob(scene, ada), { code: 'ERR_EXCHANGE_GRANT_REVOKED' })
        const other = await expectWorked(scene, insider, await proveJob(scene, bob))
        expectMembers('the run of another user', other, { subject: 'user:bob' })
        return {
          withdrawn,
          attack,
          without: await expectEntries(scene, ada, 0),
          other: shownLines([other]),
          entry: await expectEntries(scene, bob, 1),
        }
      }),
  },
  {
    name: 'consent.withdrawn-by-one',
    title: 'two users have consented to the same: what one of them withdraws is not done for her, and done for the other',
    requirements: ['AIM-11-03'],
    async run(scene) {
      const item = `rice-${crypto.randomUUID()}`
      const [ada, bob] = [await consentTo(scene, 'ada', item), await consentTo(scene, 'bob', item)]
      const before = await runFor(scene, item)
      const done = await Promise.all(before.map((job) => awaitJob(scene, { job, step: 'done' })))
      const users = done.map(({ subject }) => subject).sort()
      expectMembers('the first run', { users }, { users: ['user:ada', 'user:bob'] })
      const status = await withdraw(scene, ada, ada)
      const after = await runFor(scene, item)
      expectMembers('the run after that', { status, jobs: after.length }, { status: 204, jobs: 1 })
      const [job = ''] = after
      const other = await awaitJob(scene, { job, step: 'done' })
      expectMembers('the run after that', other, { subject: 'user:bob' })
      return { consents: [ada.call, bob.call], lines: shownLines([...done, other]) }
    },
  },
  {
    name: 'consent.of-another',
    title: 'bob withdraws the consent of ada, whose name he has found out',
    requirements: ['AIM-11-03'],
    async run(scene) {
      const item = `salt-${crypto.randomUUID()}`
      const ada = await consentTo(scene, 'ada', item)
      const token = await userToken(scene, { user: 'bob', scope: SCOPE })
      const status = await withdraw(scene, ada, { token })
      const seen = await callAsUser(scene, { service: 'storefront', path: '/consents', token })
      const { consents } = seen.body
      const found = JSON.stringify(consents ?? null)
      if (status !== 403 || found.includes(ada.consent)) throw new CheckFailure(`bob got ${status}`, { call: seen.evidence })
      const [job = ''] = await runFor(scene, item)
      const done = await awaitJob(scene, { job, step: 'done' })
      expectMembers('the run', done, { subject: 'user:ada' })
      return { consent: ada.call, status, seen: seen.evidence, lines: shownLines([done]) }
    },
  },
  {
    name: 'consent.without-scope',
    title: 'consent is given with a token for ordering',
    requirements: ['TXN-13.6-01'],
    run: (scene) => giveWith(scene, { scope: ['shop:order'] }, { code: 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE' }),
  },
  {
    name: 'consent.by-an-agent',
    title: 'the concierge gives consent with the token that the user gave it',
    requirements: ['BCP-3.9-01'],
    run: (scene) => giveWith(scene, { service: 'concierge', scope: SCOPE }, { code: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD' }),
  },
  {
    name: 'consent.run-by-another',
    title: 'rogue, and orders, begin a run, as the scheduler alone may',
    requirements: ['CRED-7-01'],
    async run(scene) {
      const begin = async (by: 'rogue' | 'as-orders'): Promise<Evidence> => {
        const json = { item: 'coffee', amount: 1 }
        const answer = await callService(scene, { by, service: 'storefront', path: '/restocks', json })
        return expectServiceRefused(answer, { code: 'ERR_POLICY_DENIED' })
      }
      return { rogue: await begin('rogue'), orders: await begin('as-orders') }
    },
  },
])

interface Consent {
  readonly consent: string
  readonly token: string
  readonly call: Evidence
}

async function consentTo(scene: ShopScene, user: string, item: string): Promise<Consent> {
  scene.shop.broker()
  const token = await userToken(scene, { user, scope: SCOPE })
  const json: JsonObject = { item, limit: 50, runs: 3, days: 30 }
  const answer = await callAsUser(scene, { service: 'storefront', path: '/consents', token, json })
  return { call: expectDone(answer), consent: textIn(answer.body, 'consent'), token }
}

async function withdraw({ shop, at }: ShopScene, { consent }: Consent, { token }: { readonly token: string }): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await shop.userFetch(`${at('storefront')}/consents/${consent}`, { method: 'DELETE', headers })
  return status
}

async function runFor(scene: ShopScene, item: string): Promise<readonly string[]> {
  const answer = await callService(scene, { by: 'scheduler', service: 'storefront', path: '/restocks', json: { item, amount: 40 } })
  expectDone(answer, 202)
  const { jobs } = answer.body
  return Array.isArray(jobs) ? jobs.map(String) : []
}

async function giveWith(scene: ShopScene, options: Parameters<typeof userToken>[1], refused: ServiceRefusal): Promise<Evidence> {
  const token = await userToken(scene, options)
  const json: JsonObject = { item: 'coffee', limit: 50, runs: 3, days: 30 }
  const answer = await callAsUser(scene, { service: 'storefront', path: '/consents', token, json })
  return { attack: expectServiceRefused(answer, refused) }
}
