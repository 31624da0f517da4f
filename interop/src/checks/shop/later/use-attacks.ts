import { type Check, CheckFailure, type Evidence } from '../../../suite/check.ts'
import { forgeWit, stolenKeys } from '../../forge.ts'
import { AGED_PHASE, outlive } from '../aged.ts'
import { expectTokenRefused, issued } from '../ask-tokens.ts'
import { shownLines } from '../await-lines.ts'
import { expectDone } from '../call-service.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, shownToken } from '../tokens.ts'
import {
  type Deferred,
  deferOrder,
  deferRestock,
  expectEntries,
  giveUp,
  redeemDeferred,
  secondsFromNow,
  settle,
  WORKER,
} from './deferred-steps.ts'
import { redemptionsOf } from './job-steps.ts'

/** Redemptions at the same moment. */
const AT_ONCE = 8
const START_SECONDS = 10

/** A grant is good for as many uses as it has, between its start and its end; of those who want one use at a time, one gets it. */
export const useAttacks: readonly Check[] = [
  ...shopChecks('async-takeover', [
    {
      name: 'use.at-the-same-moment',
      title: 'two workers that are both admitted redeem one grant at the same moment, four times each: one token is issued',
      requirements: ['TXN-13.2-01'],
      async run(scene) {
        const deferred = await deferOrder(scene)
        const another = await secondWorker(scene)
        const answers = await Promise.all(
          Array.from({ length: AT_ONCE }, (_, index) => redeemDeferred(scene, deferred, index % 2 === 0 ? {} : { change: another })),
        )
        const [first, ...others] = answers.filter(({ status }) => status === 200)
        if (first === undefined || others.length > 0)
          throw new CheckFailure(`${answers.length - others.length} tokens were issued, expected 1`)
        const held = { code: 'ERR_EXCHANGE_GRANT_HELD' } as const
        const refused: Evidence[] = []
        for (const answer of answers) if (answer !== first) refused.push(await expectTokenRefused(scene, answer, held))
        const accepted = expectDone(await settle(scene, issued(first)))
        return { issued: 1, held: refused.length, refused: refused.slice(0, 1), accepted, ...(await outcomeOf(scene, deferred, 1)) }
      },
    },
    {
      name: 'use.held',
      title: 'the worker wants a second token while the first one is good',
      requirements: ['TXN-13.2-01'],
      async run(scene) {
        const deferred = await deferOrder(scene)
        const token = issued(await redeemDeferred(scene, deferred))
        const attack = await expectTokenRefused(scene, await redeemDeferred(scene, deferred), { code: 'ERR_EXCHANGE_GRANT_HELD' })
        return { token: shownToken('transaction token', token), attack, ...(await outcomeOf(scene, deferred, 0)) }
      },
    },
    {
      name: 'use.replayed',
      title: 'the worker redeems a grant once more when the work is done',
      requirements: ['TXN-13.2-02', 'CHN-5.5-03'],
      async run(scene) {
        const deferred = await deferOrder(scene)
        const token = issued(await redeemDeferred(scene, deferred))
        const accepted = expectDone(await settle(scene, token))
        const finished = await giveUp(scene, token)
        const attack = await expectTokenRefused(scene, await redeemDeferred(scene, deferred), { code: 'ERR_EXCHANGE_GRANT_REPLAYED' })
        return { accepted, finished, attack, ...(await outcomeOf(scene, deferred, 1)) }
      },
    },
    {
      name: 'use.finished-by-another',
      title: 'orders, which gave the grant, and rogue give up the token of the worker, to make its work one that is done',
      requirements: ['TXN-11.5-03'],
      async run(scene) {
        const deferred = await deferOrder(scene)
        const token = issued(await redeemDeferred(scene, deferred))
        for (const by of ['as-orders', 'rogue'] as const) {
          const refused = await giveUp(scene, token, by).then(
            () => false,
            () => true,
          )
          if (!refused) throw new CheckFailure(`${by} has given up the token of the worker`)
        }
        const attack = await expectTokenRefused(scene, await redeemDeferred(scene, deferred), { code: 'ERR_EXCHANGE_GRANT_HELD' })
        const accepted = expectDone(await settle(scene, token))
        return { attack, accepted, ...(await outcomeOf(scene, deferred, 1)) }
      },
    },
    {
      name: 'use.before-its-start',
      title: 'the worker redeems a grant before its start',
      requirements: ['TXN-11.3-03'],
      async run(scene) {
        const notBefore = secondsFromNow(START_SECONDS)
        const deferred = await deferOrder(scene, { not_before: notBefore })
        const attack = await expectTokenRefused(scene, await redeemDeferred(scene, deferred), { code: 'ERR_EXCHANGE_GRANT_NOT_YET' })
        const without = await expectEntries(scene, deferred, 0)
        await until(notBefore)
        const accepted = expectDone(await settle(scene, issued(await redeemDeferred(scene, deferred))))
        return { attack, without, accepted, ...(await outcomeOf(scene, deferred, 1)) }
      },
    },
    {
      name: 'use.after-its-end',
      title: 'the worker redeems a grant after its end, and settles with a token that it got before it',
      requirements: ['TXN-6-02', 'TXN-12.2-04'],
      phase: AGED_PHASE,
      async run(scene) {
        const end = secondsFromNow(START_SECONDS)
        const [late, early] = [await deferOrder(scene, { end }), await deferOrder(scene, { end })]
        const token = issued(await redeemDeferred(scene, early))
        if (Number(claimsOf(token)['exp']) > end) throw new CheckFailure('the token lives longer than its grant')
        await outlive(late.grant)
        const attack = await expectTokenRefused(scene, await redeemDeferred(scene, late), { code: 'ERR_EXCHANGE_GRANT_EXPIRED' })
        const settled = await settle(scene, token)
        if (settled.body['code'] !== 'ERR_TXN_EXPIRED') throw new CheckFailure(`payments says ${String(settled.body['code'])}`)
        const without = [await expectEntries(scene, late, 0), await expectEntries(scene, early, 0)]
        return { token: shownToken('transaction token', token), attack, settled: settled.evidence, without }
      },
    },
  ]),
  ...shopChecks('scheduled', [
    {
      name: 'limits.too-often',
      title: 'a run takes one use more than the user has consented to, by another name',
      requirements: ['TXN-13.15-04'],
      async run(scene) {
        const deferred = await deferRestock(scene, { uses: 2 })
        const [first, second] = [
          issued(await redeemDeferred(scene, deferred)),
          issued(await redeemDeferred(scene, deferred, { use: 'run-2' })),
        ]
        const asked = await redeemDeferred(scene, deferred, { use: 'run-3' })
        const attack = await expectTokenRefused(scene, asked, { code: 'ERR_EXCHANGE_GRANT_EXHAUSTED' })
        const without = await expectEntries(scene, { ...deferred, use: 'run-3' }, 0)
        const tokens = [first, second].map((token) => shownToken('transaction token', token))
        if (claimsOf(first)['txn'] === claimsOf(second)['txn']) throw new CheckFailure('two runs have one transaction')
        return { tokens, attack, without }
      },
    },
  ]),
]

/** Another instance of the worker: the same identifier, and another key. */
async function secondWorker({ context: { world } }: ShopScene): Promise<{ forgedCredential: Awaited<ReturnType<typeof forgeWit>> }> {
  const { wit } = await stolenKeys(world, 'shop.example')
  return { forgedCredential: await forgeWit(wit, { identifier: WORKER }) }
}

async function outcomeOf(scene: ShopScene, deferred: Deferred, entries: 0 | 1): Promise<Evidence> {
  const entry = await expectEntries(scene, deferred, entries)
  const redemptions = await redemptionsOf(scene, String(claimsOf(deferred.grant)['txn']))
  if (redemptions.length !== 1)
    throw new CheckFailure(`${redemptions.length} redemptions, expected 1`, { redemptions: shownLines(redemptions) })
  return { redemptions: shownLines(redemptions), entry }
}

async function until(seconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, seconds * 1000 + 100 - Date.now())))
}
