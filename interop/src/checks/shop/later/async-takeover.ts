import { type Check, CheckFailure } from '../../../suite/check.ts'
import { shownLines } from '../await-lines.ts'
import { shopChecks } from '../shop-check.ts'
import { shopId } from '../tokens.ts'
import { awaitJob, linesOfJob, orderLater, redemptionsOf, TAKEOVER_TIMEOUT_MS, theEntryOf } from './job-steps.ts'

const NAMES = { requester: shopId('orders'), worker: shopId('settlement'), user: 'user:ada' }

/** A worker is killed between the redemption of a grant and what it was redeemed for. */
export const asyncTakeoverChecks: readonly Check[] = shopChecks('async-takeover', [
  {
    name: 'worker.killed',
    title: 'another worker takes over the use of one that was killed with its token in hand: one use, one transaction, one entry',
    kind: 'positive',
    requirements: ['TXN-6-05', 'TXN-13.2-01'],
    // Nobody else may want payments or the workers meanwhile.
    phase: 11,
    timeoutMs: 2 * TAKEOVER_TIMEOUT_MS,
    async run(scene) {
      const { shop } = scene
      await shop.pause('payments')
      let killed: Awaited<ReturnType<typeof awaitJob>> | undefined
      try {
        const { job, transaction } = await orderLater(scene)
        killed = await awaitJob(scene, { job, step: 'redeemed' })
        await shop.kill(killed.service)
        await shop.resume('payments')
        const done = await awaitJob(scene, { job, step: 'done' }, TAKEOVER_TIMEOUT_MS)
        if (done.service === killed.service) throw new CheckFailure(`${done.service} was killed and did the work`)
        if (done.transaction !== killed.transaction) throw new CheckFailure('the work that was taken over has another transaction')
        const redemptions = await redemptionsOf(scene, transaction)
        const uses = redemptions.map(({ use }) => use)
        if (uses.join() !== 'new,taken over')
          throw new CheckFailure(`redemptions: ${uses.join()}`, { redemptions: shownLines(redemptions) })
        const entry = await theEntryOf(scene, String(done.transaction), NAMES)
        return { killed: killed.service, lines: shownLines(await linesOfJob(scene, job)), redemptions: shownLines(redemptions), entry }
      } finally {
        await shop.resume('payments')
        if (killed !== undefined) await shop.start(killed.service)
      }
    },
  },
])
