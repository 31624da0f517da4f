import type { JsonObject } from '@wimse/core'
import { type Check, CheckFailure, type Evidence } from '../../../suite/check.ts'
import { shownLines } from '../await-lines.ts'
import { callAsUser, callService, expectDone } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { userToken } from '../order-steps.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { shopId, textIn } from '../tokens.ts'
import { awaitJob, deadLetters, entryCount, insideBroker, theEntryOf, WORKERS } from './job-steps.ts'

const SCOPE = ['shop:restock']
const NAMES = { requester: shopId('storefront'), worker: shopId('settlement') }

/** A job that runs every night for users who have consented to it, and aren't there. */
export const scheduledChecks: readonly Check[] = shopChecks('scheduled', [
  {
    name: 'run.settled',
    title: 'a user consents, and the nightly run acts for her; a run over her limit does not',
    kind: 'positive',
    requirements: ['TXN-6-05', 'TEX-4.1-01'],
    async run(scene) {
      const consent = await consentTo(scene, { item: 'coffee', limit: 50, runs: 3, days: 30 })
      const [job = ''] = await runFor(scene, 'coffee', 40)
      const done = await awaitJob(scene, { job, step: 'done' })
      const expected = { sender: NAMES.requester, subject: 'user:ada', scope: ['payments:settle'], actors: [NAMES.worker, NAMES.requester] }
      expectMembers('the line of the worker', done, expected)
      const entry = await theEntryOf(scene, String(done.transaction), { ...NAMES, user: 'user:ada' })
      const [dear = ''] = await runFor(scene, 'coffee', 51)
      const refused = await awaitJob(scene, { job: dear, step: 'buried', code: 'ERR_EXCHANGE_GRANT_PARAMETERS' })
      return { consent: consent.call, lines: shownLines([done, refused]), entry }
    },
  },
  {
    name: 'consent.withdrawn',
    title: 'consent that is withdrawn between two runs stops the next one: what was queued before it, too',
    kind: 'positive',
    requirements: ['TXN-6-05', 'TEX-4.1-01'],
    // Nobody else's work may wait meanwhile.
    phase: 13,
    async run(scene) {
      const { shop } = scene
      const consent = await consentTo(scene, { item: 'tea', limit: 20, runs: 30, days: 30 })
      const [first = ''] = await runFor(scene, 'tea', 20)
      const done = await awaitJob(scene, { job: first, step: 'done' })
      const before = await entryCount(scene)
      await Promise.all(WORKERS.map((worker) => shop.pause(worker)))
      let queued: string
      try {
        queued = (await runFor(scene, 'tea', 20))[0] ?? ''
        await withdraw(scene, consent)
      } finally {
        await Promise.all(WORKERS.map((worker) => shop.resume(worker)))
      }
      const buried = await awaitJob(scene, { job: queued, step: 'buried', code: 'ERR_EXCHANGE_GRANT_REVOKED' })
      const letter = (await insideBroker(scene, deadLetters)).find(({ job }) => job === queued)
      if (letter?.reason !== 'ERR_EXCHANGE_GRANT_REVOKED') throw new CheckFailure(`the dead letter says ${letter?.reason ?? 'nothing'}`)
      const next = await runFor(scene, 'tea', 20)
      if (next.length > 0) throw new CheckFailure('the run after that was for a user who has withdrawn')
      expectMembers('the ledger', { entries: await entryCount(scene) }, { entries: before })
      return { consent: consent.call, lines: shownLines([done, buried]), deadLetter: { job: queued, reason: letter.reason } }
    },
  },
])

interface GivenConsent {
  readonly consent: string
  readonly token: string
  readonly call: Evidence
}

async function consentTo(scene: ShopScene, consent: JsonObject): Promise<GivenConsent> {
  scene.shop.broker()
  const token = await userToken(scene, { scope: SCOPE })
  const answer = await callAsUser(scene, { service: 'storefront', path: '/consents', token, json: consent })
  return { call: expectDone(answer), consent: textIn(answer.body, 'consent'), token }
}

async function withdraw({ shop, at }: ShopScene, { consent, token }: GivenConsent): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await shop.userFetch(`${at('storefront')}/consents/${consent}`, { method: 'DELETE', headers })
  if (status !== 204) throw new CheckFailure(`the consent was not withdrawn: ${status}`)
}

/** Has the scheduler begin a run. @returns the jobs of it */
async function runFor(scene: ShopScene, item: string, amount: number): Promise<readonly string[]> {
  const answer = await callService(scene, { by: 'scheduler', service: 'storefront', path: '/restocks', json: { item, amount } })
  expectDone(answer, 202)
  const { jobs } = answer.body
  return Array.isArray(jobs) ? jobs.map(String) : []
}
