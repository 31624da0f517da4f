import { utf8 } from '@wimse/core'
import { type Check, CheckFailure } from '../../../suite/check.ts'
import { issued } from '../ask-tokens.ts'
import { shownLines } from '../await-lines.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { shownToken } from '../tokens.ts'
import { type Deferred, deferOrder, expectEntries, redeemDeferred, secondsFromNow } from './deferred-steps.ts'
import { awaitJob, DEAD_LETTERS, insideBroker, linesOfJob, orderLater } from './job-steps.ts'
import { awaitEnd, expectBuried, expectEndOf, jobText, type Message, proveJob, subjectOf } from './message-steps.ts'

/** More than all workers together take at a time. */
const FLOOD = 48
/** What may come after it is done in that time. */
const SOON_MS = 20_000
const SHORT_SECONDS = 12

const NO_MESSAGE: Message = {
  subject: subjectOf('settle'),
  fields: [['content-type', 'application/json']],
  payload: utf8('{"job":"poison"'),
}

/** What nobody can do is buried with its reason, and stops nothing that can be done. */
export const poisonChecks: readonly Check[] = shopChecks('batch', [
  {
    name: 'poison.flood',
    title:
      'forty-eight messages that are none, more than all workers take at a time, lie before a job: it is done, and all of them are buried',
    requirements: ['CRED-9.2-01', 'WSVID-7.1-03'],
    run: (scene) =>
      insideBroker(scene, async (insider) => {
        const before = await insider.taken(DEAD_LETTERS)
        const sequences: number[] = []
        for (let count = 0; count < FLOOD; count += 1) sequences.push(await insider.put(NO_MESSAGE))
        const { job, call } = await orderLater(scene)
        const done = await awaitJob(scene, { job, step: 'done' }, SOON_MS)
        const expected = { code: 'ERR_MESSAGE_PROOF_COUNT', before }
        const [first] = await Promise.all(sequences.map((sequence) => expectEndOf(scene, insider, sequence, expected)))
        return { flood: FLOOD, first: first ?? null, call, done: shownLines([done]) }
      }),
  },
  {
    name: 'poison.signed',
    title: 'a sender proves what is no job, each in its own way, and a job after that',
    requirements: ['TXN-11.3-03', 'TXN-12.2-01'],
    run: (scene) =>
      insideBroker(scene, async (insider) => {
        const deferred = await deferOrder(scene)
        const bury = async (payload: string, code = 'ERR_MESSAGE_MALFORMED'): Promise<unknown> =>
          expectBuried(scene, insider, await proveJob(scene, deferred, { payload }), { code })
        for (const payload of poisonOf(deferred)) await bury(payload)
        const noGrant = await proveJob(scene, { ...deferred, grant: 'no-grant' })
        const attack = await expectBuried(scene, insider, noGrant, { code: 'ERR_EXCHANGE_GRANT_MALFORMED' })
        const without = await expectEntries(scene, deferred, 0)
        const accepted = await awaitEnd(scene, await insider.put(await proveJob(scene, deferred)))
        return { attack, without, accepted: shownLines([accepted]), entry: await expectEntries(scene, deferred, 1) }
      }),
  },
  {
    name: 'poison.refused-at-payments',
    title: 'a job whose grant is good, and which payments will never settle: fraud did not clear it',
    requirements: ['TXN-12.2-06'],
    async run(scene) {
      const { job } = await orderLater(scene, { amount: 12_000 })
      const buried = await awaitJob(scene, { job, step: 'buried', code: 'ERR_POLICY_DENIED' })
      const lines = await linesOfJob(scene, job)
      if (buried.delivery !== 1) throw new CheckFailure(`it was delivered ${buried.delivery} times`, { lines: shownLines(lines) })
      return { lines: shownLines(lines) }
    },
  },
  {
    name: 'poison.held-for-ever',
    title: 'a job whose use somebody holds until the grant has ended is tried again a few times, and then buried',
    requirements: ['TXN-6-02'],
    run: (scene) =>
      insideBroker(scene, async (insider) => {
        const deferred = await deferOrder(scene, { end: secondsFromNow(SHORT_SECONDS) })
        const token = issued(await redeemDeferred(scene, deferred))
        const message = await proveJob(scene, deferred)
        const attack = await expectBuried(scene, insider, message, { code: 'ERR_EXCHANGE_GRANT_EXPIRED', deliveries: SHORT_SECONDS })
        await expectRetries(scene, String(deferred.parameters['order']))
        return { held: shownToken('transaction token', token), attack, without: await expectEntries(scene, deferred, 0) }
      }),
  },
])

/** Payloads that a sender may prove, and a worker can't read. */
function poisonOf(deferred: Deferred): readonly string[] {
  return [
    '',
    'no JSON',
    '[]',
    '{"job":"a","job":"b"}',
    jobText(deferred, { more: 1 }),
    jobText(deferred, { job: '' }),
    jobText(deferred, { job: 'a b\n' }),
    jobText(deferred, { action: 'refund' }),
    jobText(deferred, { parameters: 'all' }),
    jobText(deferred, { parameters: { ...deferred.parameters, amount: '45' } }),
    jobText(deferred, { use: { of: 'another' } }),
  ]
}

async function expectRetries(scene: ShopScene, job: string): Promise<void> {
  const lines = await linesOfJob(scene, job)
  const retries = lines.filter(({ step }) => step === 'retry')
  const held = retries.every(({ code }) => code === 'ERR_EXCHANGE_GRANT_HELD')
  if (retries.length === 0 || !held)
    throw new CheckFailure('it was not tried again for the reason that passes', { lines: shownLines(lines) })
}
