import { setTimeout as sleep } from 'node:timers/promises'
import { type Check, CheckFailure, type Evidence } from '../../../suite/check.ts'
import { shownLines } from '../await-lines.ts'
import { callAsUser, expectDone } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { userToken } from '../order-steps.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { shopId, textIn } from '../tokens.ts'
import { deadLetters, entryCount, insideBroker, JOBS, redemptionsOf, WORKER_GROUP } from './job-steps.ts'

const COUNT = 1_000
const BATCH = { item: 'bean', amount: 1, count: COUNT }
const AWAY_MS = 10_000
const POLL_MS = 500
const TIMEOUT_MS = 300_000

/** A thousand jobs under one grant. */
export const batchChecks: readonly Check[] = shopChecks('batch', [
  {
    name: 'thousand.settled',
    title:
      'a thousand jobs under one standing grant, the token service away for the first half: each is done once, and none without authority',
    kind: 'positive',
    requirements: ['TXN-6-05', 'TXN-13.2-01'],
    // Nobody else gets a token meanwhile.
    phase: 12,
    timeoutMs: TIMEOUT_MS,
    async run(scene) {
      const before = await entryCount(scene)
      const { order, transaction, call, away } = await orderBatch(scene)
      const done = await allDone(scene, order)
      const found = await outcomeOf(scene, { order, transaction, done })
      const expected = {
        entries: COUNT,
        transactions: COUNT,
        receipts: COUNT,
        grants: 1,
        uses: COUNT,
        deadLetters: 0,
        waiting: 0,
        unnamed: 0,
      }
      expectMembers('the batch', { ...found.counts, entries: (await entryCount(scene)) - before }, expected, { call, away })
      return { call, away, counts: { ...found.counts, entries: COUNT }, first: found.first }
    },
  },
])

/** Orders the batch, and takes the token service away from when the first job is queued until half of them are, and the workers have run against it for a while. */
async function orderBatch(
  scene: ShopScene,
): Promise<{ readonly order: string; readonly transaction: string; readonly call: Evidence; readonly away: Evidence }> {
  const { shop } = scene
  const token = await userToken(scene)
  return insideBroker(scene, async (insider) => {
    const start = await insider.taken(JOBS)
    const queued = async (count: number): Promise<void> => {
      while ((await insider.taken(JOBS)) - start < count) await sleep(POLL_MS / 50)
    }
    const ordering = callAsUser(scene, { service: 'storefront', path: '/batches', token, json: BATCH })
    ordering.catch(() => undefined)
    await queued(1)
    await shop.pause('shop-tokens')
    let away: Evidence
    try {
      await queued(COUNT / 2)
      // What was under way has ended by now.
      await sleep(POLL_MS)
      const doneFirst = await countOf(scene, 'done')
      await sleep(AWAY_MS)
      away = { doneMeanwhile: (await countOf(scene, 'done')) - doneFirst, retries: await countOf(scene, 'retry') }
    } finally {
      await shop.resume('shop-tokens')
    }
    if (away['doneMeanwhile'] !== 0) throw new CheckFailure('jobs were done without the token service', away)
    const answer = await ordering
    const call = expectDone(answer, 202)
    return { order: textIn(answer.body, 'order'), transaction: textIn(answer.body, 'transaction'), call, away }
  })
}

async function countOf({ shop }: ShopScene, wanted: 'done' | 'retry'): Promise<number> {
  return (await shop.jobs()).filter(({ step, job }) => step === wanted && job?.startsWith(BATCH.item) === true).length
}

interface Done {
  readonly job: string
  readonly transaction: string
  readonly receipt: string
}

async function allDone({ shop, context }: ShopScene, order: string): Promise<readonly Done[]> {
  for (let count = -1; ; ) {
    const lines = (await shop.jobs()).filter(({ step, job }) => step === 'done' && job?.startsWith(`${order}-`) === true)
    const done = new Map(lines.map(({ job = '', transaction = '', receipt = '' }) => [job, { job, transaction, receipt }]))
    if (done.size >= COUNT) return [...done.values()]
    if (Math.floor(done.size / 250) > Math.floor(count / 250)) context.log(`${done.size} jobs are done`)
    count = done.size
    await sleep(POLL_MS)
  }
}

/** What is to be seen of the batch: at the workers, the token service, the ledger, and in the broker. */
async function outcomeOf(
  scene: ShopScene,
  { order, transaction, done }: { readonly order: string; readonly transaction: string; readonly done: readonly Done[] },
): Promise<{ readonly counts: Readonly<Record<string, number>>; readonly first: Evidence[string] }> {
  const receipts = new Set(done.map(({ receipt }) => receipt))
  const redemptions = await redemptionsOf(scene, transaction)
  const hops = (await scene.shop.hops()).filter(({ service, entry }) => service === 'ledger' && entry !== undefined && receipts.has(entry))
  const names = { requester: shopId('orders'), worker: shopId('settlement'), user: 'user:ada' }
  const unnamed = hops.filter(
    ({ requester, worker, user }) => requester !== names.requester || worker !== names.worker || user !== names.user,
  )
  const [buried, waiting] = await insideBroker(scene, async (insider) => [
    (await deadLetters(insider)).filter(({ job }) => job?.startsWith(`${order}-`) === true).length,
    await insider.waiting(JOBS, WORKER_GROUP),
  ])
  const counts = {
    transactions: new Set(done.map((each) => each.transaction)).size,
    receipts: receipts.size,
    grants: new Set(redemptions.map(({ grantHash }) => grantHash)).size,
    uses: redemptions.filter(({ use }) => use === 'new').length,
    takenOver: redemptions.filter(({ use }) => use === 'taken over').length,
    unnamed: unnamed.length,
    deadLetters: buried ?? 0,
    waiting: waiting ?? 0,
  }
  return { counts, first: shownLines([...redemptions.slice(0, 1), ...hops.slice(0, 1)]) }
}
