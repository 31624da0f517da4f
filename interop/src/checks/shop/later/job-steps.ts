import { type JsonObject, parseStrictJsonObject } from '@wimse/core'
import { type NatsInsider, openNatsInsider } from '@wimse/message-nats/testing'
import { CheckFailure, type Evidence } from '../../../suite/check.ts'
import type { JobLine, ServiceName, ShopDomain, TokenEvent } from '../../../world/world.ts'
import { awaitLine } from '../await-lines.ts'
import { callAsUser, callService, expectDone, type ServiceAnswer } from '../call-service.ts'
import { userToken } from '../order-steps.ts'
import type { ShopScene } from '../shop-check.ts'
import { textIn } from '../tokens.ts'

/** The instances of the worker. */
export const WORKERS: readonly ServiceName[] = ['settlement', 'settlement-2']
export const JOBS = 'SETTLEMENT'
/** Their consumer in that stream. */
export const WORKER_GROUP = 'settlement'
export const DEAD_LETTERS = 'SETTLEMENT_DEAD'
/** Of the workers' consumer: the broker delivers again what was not done in that time. The lease of a use is as long. */
const ACK_WAIT_MS = 15_000
/** Both of them, one after the other, and the work. */
export const TAKEOVER_TIMEOUT_MS: number = 2 * ACK_WAIT_MS + 15_000

/** Lets the check into the broker for as long as it takes. @throws NotRun where there is no broker */
export async function insideBroker<T>(scene: ShopScene, act: (insider: NatsInsider) => Promise<T>): Promise<T> {
  const insider = await openNatsInsider(scene.shop.broker().url)
  try {
    return await act(insider)
  } finally {
    await insider.close()
  }
}

/** Nobody works while this runs; whatever comes of it, all are there again after it. */
export async function withoutWorkers<T>(scene: ShopScene, act: () => Promise<T>): Promise<T> {
  scene.shop.broker()
  await Promise.all(WORKERS.map((worker) => scene.shop.kill(worker)))
  try {
    return await act()
  } finally {
    await Promise.all(WORKERS.map((worker) => scene.shop.start(worker)))
  }
}

/** Orders something that is settled later, as a user. @returns what the worker calls the job, and the transaction that it was ordered in */
export async function orderLater(
  scene: ShopScene,
  {
    user = 'ada',
    amount = 45,
    settle = 'later',
  }: { readonly user?: string; readonly amount?: number; readonly settle?: 'later' | 'evening' } = {},
): Promise<{ readonly job: string; readonly transaction: string; readonly call: Evidence }> {
  scene.shop.broker()
  const token = await userToken(scene, { user })
  const answer = await callAsUser(scene, { service: 'storefront', path: '/orders', token, json: { item: 'teapot', amount, settle } })
  const call = expectDone(answer, 202)
  return { job: textIn(answer.body, 'job'), transaction: textIn(answer.body, 'transaction'), call }
}

/** The line of a worker about a job: the newest that fits. */
export function awaitJob(
  scene: ShopScene,
  expected: { readonly [Name in keyof JobLine]?: JobLine[Name] },
  timeoutMs?: number,
): Promise<JobLine> {
  const fits = (line: JobLine): boolean => Object.entries(expected).every(([name, value]) => line[name as keyof JobLine] === value)
  return awaitLine(`a worker's line with ${JSON.stringify(expected)}`, () => scene.shop.jobs(), fits, timeoutMs)
}

/** What workers have said of a job so far, in order. */
export async function linesOfJob(scene: ShopScene, job: string): Promise<readonly JobLine[]> {
  return (await scene.shop.jobs()).filter((line) => line.job === job)
}

/** What the bank's book says about a transaction, as its clerk reads it. */
export async function entriesOf(scene: ShopScene, reference: string): Promise<readonly JsonObject[]> {
  const answer = await readBook(scene, reference)
  const { entries } = answer.body
  if (!Array.isArray(entries)) throw new CheckFailure('the ledger shows no entries', { call: answer.evidence })
  return entries.filter((entry): entry is JsonObject => typeof entry === 'object' && entry !== null && !Array.isArray(entry))
}

/** How many entries the bank's book has. */
export async function entryCount(scene: ShopScene): Promise<number> {
  return Number((await readBook(scene)).body['count'])
}

async function readBook(scene: ShopScene, reference?: string): Promise<ServiceAnswer> {
  const query = reference === undefined ? {} : { query: `reference=${encodeURIComponent(reference)}` }
  const answer = await callService(scene, { by: 'bank-clerk', service: 'ledger', path: '/entries', ...query })
  expectDone(answer, 200)
  return answer
}

/** The one entry of a transaction, with the three names. @throws CheckFailure for none, several, or other names */
export async function theEntryOf(
  scene: ShopScene,
  reference: string,
  names: { readonly requester: string; readonly worker: string; readonly user: string },
): Promise<Evidence> {
  const entries = await entriesOf(scene, reference)
  const [entry = {}] = entries
  const same = Object.entries(names).every(([name, value]) => entry[name] === value)
  const evidence: Evidence = { entries: entries.map((each) => JSON.stringify(each)) }
  if (entries.length !== 1 || !same)
    throw new CheckFailure(`the ledger has ${entries.length} entries of this work, or other names`, evidence)
  return evidence
}

/** Redemptions of the grants that were made of a transaction, as the token service tells them. */
export async function redemptionsOf(scene: ShopScene, transaction: string, domain: ShopDomain = 'shop'): Promise<readonly TokenEvent[]> {
  const events = await scene.shop.events(domain)
  return events.filter((event) => event['kind'] === 'deferred-redemption' && event['linkedTransaction'] === transaction)
}

/** A dead letter, by the name of its job. */
export interface DeadLetter {
  readonly job: string | undefined
  readonly reason: string | undefined
}

/** What lies among the dead letters. */
export async function deadLetters(insider: NatsInsider): Promise<readonly DeadLetter[]> {
  return (await insider.look(DEAD_LETTERS)).map(({ fields, payload }) => {
    const reason = fields.find(([name]) => name === 'wimse-ts-reason')?.[1]
    return { reason, job: jobOf(payload) }
  })
}

/** What a message calls itself. */
export function jobOf(payload: Uint8Array): string | undefined {
  try {
    const { job } = parseStrictJsonObject(payload)
    return typeof job === 'string' ? job : undefined
  } catch {
    return undefined
  }
}
