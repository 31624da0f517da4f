import { setTimeout as sleep } from 'node:timers/promises'
import { fieldValues } from '@wimse/core'
import { WIT_FIELD } from '@wimse/wit'
import { type Check, CheckFailure } from '../../../suite/check.ts'
import { tokenName } from '../../../suite/evidence.ts'
import { AGED_PHASE } from '../aged.ts'
import { awaitHop, shownLines } from '../await-lines.ts'
import { expectMembers } from '../expect-equal.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, shopId } from '../tokens.ts'
import { awaitJob, insideBroker, JOBS, jobOf, orderLater, redemptionsOf, theEntryOf, withoutWorkers } from './job-steps.ts'

const SENDER = 'orders-evening'
/** Credentials of a minute, and the work. */
const TIMEOUT_MS = 150_000

/** The work outlives everything that its sender had: credentials, registration, process. */
export const asyncJobChecks: readonly Check[] = shopChecks('async-job', [
  {
    name: 'order.settled',
    title:
      'a job is done whose sender has ended, is registered no more, and whose credentials have expired; the ledger has all three names',
    kind: 'positive',
    requirements: ['TXN-6-05', 'TEX-4.1-01', 'TEX-4.1-03', 'TEX-2.1-16', 'CHN-2.5-01'],
    phase: AGED_PHASE,
    timeoutMs: TIMEOUT_MS,
    async run(scene) {
      const { ordered, ended } = await withoutWorkers(scene, async () => {
        const order = await orderLater(scene, { user: 'bob', settle: 'evening' })
        return { ordered: order, ended: await outliveSender(scene, order.job) }
      })
      try {
        const { job, transaction } = ordered
        const done = await awaitJob(scene, { job, step: 'done' }, 30_000)
        const names = { requester: shopId(SENDER), worker: shopId('settlement'), user: 'user:bob' }
        expectMembers('the line of the worker', done, {
          sender: shopId(SENDER),
          subject: 'user:bob',
          scope: ['payments:settle'],
          actors: [shopId('settlement'), shopId(SENDER)],
          linkedTransaction: transaction,
          requester: names.requester,
          delivery: 1,
        })
        if (done.transaction === transaction) throw new CheckFailure('the work has the transaction of the order')
        const entry = await theEntryOf(scene, String(done.transaction), names)
        const hop = await awaitHop(scene, 'ledger', { subject: 'customer', entry: String(done.receipt), ...names })
        const redemptions = await redemptionsOf(scene, transaction)
        if (redemptions.length !== 1)
          throw new CheckFailure(`${redemptions.length} redemptions, expected 1`, { redemptions: shownLines(redemptions) })
        return {
          order: ordered.call,
          sender: ended,
          job: shownLines([done]),
          redemptions: shownLines(redemptions),
          entry,
          hop: shownLines([hop]),
        }
      } finally {
        await scene.shop.register(SENDER)
        await scene.shop.start(SENDER)
      }
    },
  },
])

/** Takes everything from the sender that it has, and waits until what it has signed with is over. */
async function outliveSender({ shop, ...scene }: ShopScene, job: string): Promise<{ readonly wit: string; readonly secondsOver: number }> {
  await shop.unregister(SENDER)
  await shop.kill(SENDER)
  const wit = await insideBroker({ shop, ...scene }, async (insider) => {
    const message = (await insider.look(JOBS)).find(({ payload }) => jobOf(payload) === job)
    const [token] = message === undefined ? [] : fieldValues(message.fields, WIT_FIELD)
    if (token === undefined) throw new CheckFailure('the job is not in the broker')
    return token
  })
  const end = Number(claimsOf(wit)['exp'])
  await sleep(Math.max(0, (end + 1) * 1000 - Date.now()))
  return { wit: tokenName('wit', wit), secondsOver: Math.floor(Date.now() / 1000) - end }
}
