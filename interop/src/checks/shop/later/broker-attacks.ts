import { setTimeout as sleep } from 'node:timers/promises'
import type { LyingMessage, NatsInsider } from '@wimse/message-nats/testing'
import { type Check, CheckFailure, type Evidence } from '../../../suite/check.ts'
import { shownLines } from '../await-lines.ts'
import { callAsUser, expectDone } from '../call-service.ts'
import { expectMembers } from '../expect-equal.ts'
import { userToken } from '../order-steps.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { textIn } from '../tokens.ts'
import { deferOrder, expectEntries } from './deferred-steps.ts'
import {
  awaitJob,
  DEAD_LETTERS,
  deadLetters,
  entryCount,
  insideBroker,
  JOBS,
  jobOf,
  orderLater,
  redemptionsOf,
  WORKER_GROUP,
  WORKERS,
  withoutWorkers,
} from './job-steps.ts'
import { awaitEnd, expectBuried, expectEndOf, fieldOf, GRANT_FIELD, type Message, proveJob, withField } from './message-steps.ts'

/** One after the other: nobody else may want the workers, or the broker, while one of these runs. */
const PHASES = { changed: 18, replayed: 19, killed: 20 } as const
const BATCH = { item: 'grain', amount: 1, count: 60 }
/** Of them done before the broker goes away. */
const DONE_BEFORE = 5
const AWAY_MS = 1_000
const POLL_MS = 250
const TIMEOUT_MS = 120_000

/** What somebody does who is in the broker while jobs wait there, and what becomes of jobs when it goes away. */
export const brokerAttacks: readonly Check[] = [
  ...shopChecks('async-job', [
    {
      name: 'broker.changed',
      title:
        "users' orders wait in the broker, where somebody changes, moves, strips, copies and mixes them: what was not touched is done, once",
      requirements: ['WSVID-7.2-01', 'CRED-9.2-01'],
      phase: PHASES.changed,
      timeoutMs: TIMEOUT_MS,
      async run(scene) {
        const before = await entryCount(scene)
        const found = await insideBroker(scene, async (insider) => {
          const letters = await insider.taken(DEAD_LETTERS)
          const changed = await withoutWorkers(scene, () => changeAll(scene, insider))
          const attacks: Evidence[] = []
          for (const { sequence, code } of changed.attacks) {
            attacks.push(await expectEndOf(scene, insider, sequence, { code, before: letters }))
          }
          const [first, copy] = [await awaitEnd(scene, changed.left), await awaitEnd(scene, changed.copy)]
          return { attacks, ends: [first, copy] }
        })
        const codes = found.ends.map(({ step, code }) => code ?? step).sort()
        // The instance that has one of the two knows the other by its proof; another instance is told by the token service.
        const isOnce = codes.includes('done') && codes.some((code) => REPLAYED.includes(code))
        if (!isOnce) throw new CheckFailure(`of a job and its copy became ${codes.join(' and ')}`, { lines: shownLines(found.ends) })
        expectMembers('the ledger', { entries: (await entryCount(scene)) - before }, { entries: 1 })
        return { attacks: found.attacks, copied: shownLines(found.ends), entries: 1 }
      },
    },
    {
      name: 'broker.replayed',
      title: 'a job is copied while it waits, when it is done, at another instance of the worker, and after a restart: it is done once',
      requirements: ['WSVID-7.2-04', 'WSVID-7.2-05'],
      phase: PHASES.replayed,
      timeoutMs: TIMEOUT_MS,
      async run(scene) {
        const before = await entryCount(scene)
        const deferred = await deferOrder(scene)
        const message = await proveJob(scene, deferred)
        const [one = 'settlement', two = 'settlement-2'] = WORKERS
        const evidence = await withoutWorkers(scene, () =>
          insideBroker(scene, async (insider) => {
            const letters = await insider.taken(DEAD_LETTERS)
            const waiting = [await insider.put(message), await insider.put(message), await insider.put(message)]
            await scene.shop.start(one)
            const ends = await Promise.all(waiting.map((sequence) => awaitEnd(scene, sequence)))
            const [done, ...copies] = [...ends].sort((a) => (a.step === 'done' ? -1 : 1))
            if (done?.step !== 'done') throw new CheckFailure('the job was not done', { lines: shownLines(ends) })
            const known = { code: 'ERR_MESSAGE_PROOF_REPLAYED', before: letters }
            for (const { position } of copies) await expectEndOf(scene, insider, Number(position.split(':')[1]), known)
            const whenDone = await expectBuried(scene, insider, message, known)
            await scene.shop.kill(one)
            await scene.shop.start(two)
            const elsewhere = await expectBuried(scene, insider, message, { code: 'ERR_EXCHANGE_GRANT_REPLAYED' })
            await scene.shop.kill(two)
            await scene.shop.start(one)
            const afterRestart = await expectBuried(scene, insider, message, { code: 'ERR_EXCHANGE_GRANT_REPLAYED' })
            return { waiting: shownLines(ends), whenDone, elsewhere, afterRestart }
          }),
        )
        expectMembers('the ledger', { entries: (await entryCount(scene)) - before }, { entries: 1 })
        return { ...evidence, entry: await expectEntries(scene, deferred, 1) }
      },
    },
  ]),
  ...shopChecks('batch', [
    {
      name: 'broker.killed',
      title: 'the broker is killed in the middle of a batch and started again: no job is lost, and none is done twice',
      kind: 'fault',
      requirements: ['TXN-6-05', 'TXN-13.2-01'],
      phase: PHASES.killed,
      timeoutMs: TIMEOUT_MS,
      async run(scene) {
        const { shop } = scene
        const broker = shop.broker()
        const before = await entryCount(scene)
        const { order, transaction, call } = await whilePaused(scene, () => orderBatch(scene))
        const doneOf = async (): Promise<number> =>
          (await shop.jobs()).filter(({ step, job }) => step === 'done' && job?.startsWith(`${order}-`) === true).length
        while ((await doneOf()) < DONE_BEFORE) await sleep(POLL_MS / 10)
        await broker.kill()
        let doneAtTheKill: number
        try {
          doneAtTheKill = await doneOf()
          await sleep(AWAY_MS)
        } finally {
          await broker.start()
        }
        const counts = await insideBroker(scene, async (insider) => {
          while ((await insider.waiting(JOBS, WORKER_GROUP)) > 0) await sleep(POLL_MS)
          const buried = (await deadLetters(insider)).filter(({ job }) => job?.startsWith(`${order}-`) === true)
          const done = new Set((await shop.jobs()).flatMap(({ step, job }) => (step === 'done' && job !== undefined ? [job] : [])))
          // A broker that was killed may have forgotten that a job was acknowledged: it comes again, and is told that it was done.
          const again = buried.filter(({ job, reason }) => reason === 'ERR_EXCHANGE_GRANT_REPLAYED' && job !== undefined && done.has(job))
          const redemptions = await redemptionsOf(scene, transaction)
          return { refused: buried.length - again.length, again: again.length, uses: redemptions.filter(({ use }) => use === 'new').length }
        })
        const found = { ...counts, entries: (await entryCount(scene)) - before }
        expectMembers('the batch', found, { refused: 0, uses: BATCH.count, entries: BATCH.count })
        // A broker that was gone takes new work.
        const { job } = await orderLater(scene)
        const after = await awaitJob(scene, { job, step: 'done' })
        return { call, doneAtTheKill, counts: found, after: shownLines([after]) }
      },
    },
  ]),
]

const REPLAYED: readonly string[] = ['ERR_MESSAGE_PROOF_REPLAYED', 'ERR_EXCHANGE_GRANT_REPLAYED']

/** Workers stand still while this runs. */
async function whilePaused<T>({ shop }: ShopScene, act: () => Promise<T>): Promise<T> {
  await Promise.all(WORKERS.map((worker) => shop.pause(worker)))
  try {
    return await act()
  } finally {
    await Promise.all(WORKERS.map((worker) => shop.resume(worker)))
  }
}

interface Changed {
  readonly attacks: readonly { readonly sequence: number; readonly code: string }[]
  /** One that was left as it was, and a copy of it. */
  readonly left: number
  readonly copy: number
}

/** Orders as a user does, and lays hands on what lies in the broker then. */
async function changeAll(scene: ShopScene, insider: NatsInsider): Promise<Changed> {
  const jobs: string[] = []
  for (let count = 0; count < 6; count += 1) jobs.push((await orderLater(scene)).job)
  const lying = await insider.look(JOBS)
  const [first, second, third, fourth, fifth, sixth] = jobs.map((job) => theJob(lying, job))
  if (!first || !second || !third || !fourth || !fifth || !sixth) throw new CheckFailure('the orders are not in the broker')
  const attacks: { readonly sequence: number; readonly code: string }[] = []
  const change = async (old: LyingMessage, message: Message, code: string): Promise<void> => {
    await insider.take(JOBS, old.sequence)
    attacks.push({ sequence: await insider.put(message), code })
  }
  const dearer = new TextDecoder().decode(first.payload).replace('"amount":45', '"amount":4')
  await change(first, { ...first, payload: new TextEncoder().encode(dearer) }, 'ERR_MESSAGE_PROOF_PAYLOAD')
  await change(second, { ...second, subject: 'settlement.jobs.restock' }, 'ERR_MESSAGE_PROOF_DESTINATION')
  await change(third, withField(third, GRANT_FIELD), 'ERR_MESSAGE_PROOF_FIELD')
  await change(fourth, withField(fourth, GRANT_FIELD, fieldOf(fifth, GRANT_FIELD)), 'ERR_MESSAGE_PROOF_FIELD')
  await change(fifth, withField(fifth, GRANT_FIELD, fieldOf(fourth, GRANT_FIELD)), 'ERR_MESSAGE_PROOF_FIELD')
  return { attacks, left: sixth.sequence, copy: await insider.put(sixth) }
}

function theJob(lying: readonly LyingMessage[], job: string): LyingMessage | undefined {
  return lying.find(({ payload }) => jobOf(payload) === job)
}

async function orderBatch(scene: ShopScene): Promise<{ readonly order: string; readonly transaction: string; readonly call: Evidence }> {
  const answer = await callAsUser(scene, { service: 'storefront', path: '/batches', token: await userToken(scene), json: BATCH })
  const call = expectDone(answer, 202)
  return { order: textIn(answer.body, 'order'), transaction: textIn(answer.body, 'transaction'), call }
}
