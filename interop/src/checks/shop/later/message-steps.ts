import { type FieldLines, utf8 } from '@wimse/core'
import { createSigner, defaultRuntime } from '@wimse/keys'
import type { NatsInsider } from '@wimse/message-nats/testing'
import { createMessageProof } from '@wimse/message-proof'
import { createWitCredential } from '@wimse/wit'
import { CheckFailure, type Evidence } from '../../../suite/check.ts'
import { evidenceRecord } from '../../../suite/evidence.ts'
import { offsetRuntime } from '../../../workload/offset-runtime.ts'
import type { MessageSpec } from '../../../world/control-protocol.ts'
import type { JobLine, TrustDomainName, WorkloadName } from '../../../world/world.ts'
import { forgeWit, stolenKeys } from '../../forge.ts'
import { awaitLine, shownLines } from '../await-lines.ts'
import type { ShopScene } from '../shop-check.ts'
import { SHOP, shopId } from '../tokens.ts'
import type { Deferred } from './deferred-steps.ts'
import { DEAD_LETTERS, JOBS } from './job-steps.ts'

/** The field that carries a grant. */
export const GRANT_FIELD = 'deferred-grant'
const JSON_TYPE = ['content-type', 'application/json'] as const
const SETTLED_TIMEOUT_MS = 40_000

/** A message as it goes into the broker. */
export interface Message {
  readonly subject: string
  readonly fields: FieldLines
  readonly payload: Uint8Array
}

/** Where jobs of an action lie. */
export function subjectOf(action: string): string {
  return `settlement.jobs.${action}`
}

/** What differs from the message that orders, or the storefront, sends for deferred work. */
export interface MessageChange extends Pick<MessageSpec, 'clockOffsetSeconds' | 'borrowedWit'> {
  readonly by?: WorkloadName
  /** Members of the job, in place of those that it has. */
  readonly job?: Readonly<Record<string, unknown>>
  readonly payload?: string
  /** All but those of the proof. */
  readonly fields?: FieldLines
}

/** The job of deferred work as its sender writes it. */
export function jobText({ action, parameters, use }: Deferred, change: MessageChange['job'] = {}): string {
  const job = parameters['order'] ?? `${String(parameters['item'])}-${use}`
  return JSON.stringify({ job, action, parameters, ...(use !== undefined && { use }), ...change })
}

/** A message that a workload has proven with its own credential, ready to be put into the broker. */
export async function proveJob(scene: ShopScene, deferred: Deferred, change: MessageChange = {}): Promise<Message> {
  const { action, grant } = deferred
  const { by = action === 'settle' ? 'as-orders' : 'as-storefront', job, fields = [JSON_TYPE, [GRANT_FIELD, grant]], ...differs } = change
  const { payload: text = jobText(deferred, job), ...spec } = differs
  const subject = subjectOf(action)
  const destination = `nats://${SHOP}/${subject}`
  const proof = await scene.as(by).proveMessage({ destination, fields, payload: text, boundFields: [GRANT_FIELD], ...spec })
  return { subject, fields: [...fields, ...proof], payload: utf8(text) }
}

/** The message of orders as somebody makes it who has an issuing key: under a WIT and a key of his own making. */
export async function proveForged(
  { context: { world } }: ShopScene,
  deferred: Deferred,
  { domain, secondsAgo = 0 }: { readonly domain: TrustDomainName; readonly secondsAgo?: number },
): Promise<Message> {
  const { wit } = await stolenKeys(world, domain)
  const forged = (await forgeWit(wit, { identifier: shopId('orders'), issuedSecondsAgo: secondsAgo })).wit
  if (forged === undefined) throw new CheckFailure('no WIT was forged')
  const credential = createWitCredential(forged.token, await createSigner(forged.privateJwk, { runtime: defaultRuntime() }))
  const fields: FieldLines = [JSON_TYPE, [GRANT_FIELD, deferred.grant]]
  const subject = subjectOf(deferred.action)
  const payload = utf8(jobText(deferred))
  const runtime = offsetRuntime(defaultRuntime(), -secondsAgo)
  const message = { kind: 'message', destination: `nats://${SHOP}/${subject}`, fields, payload } as const
  const proof = await createMessageProof(message, { credential, boundFields: [GRANT_FIELD], runtime })
  return { subject, fields: [...fields, ...proof], payload }
}

/** The message with one field in another form: all lines of that name are replaced. */
export function withField({ fields, ...message }: Message, name: string, ...values: readonly string[]): Message {
  const others = fields.filter(([line]) => line.toLowerCase() !== name)
  return { ...message, fields: [...others, ...values.map((value) => [name, value] as const)] }
}

/** The value of a field that the message has once. @throws CheckFailure */
export function fieldOf({ fields }: Message, name: string): string {
  const value = fields.find(([line]) => line.toLowerCase() === name)?.[1]
  if (value === undefined) throw new CheckFailure(`the message has no ${name}`)
  return value
}

/** How a worker ended a message: the line about it. */
export function awaitEnd(scene: ShopScene, sequence: number, timeoutMs: number = SETTLED_TIMEOUT_MS): Promise<JobLine> {
  const position = `${JOBS}:${sequence}`
  const ended = ({ position: found, step }: JobLine): boolean => found === position && (step === 'done' || step === 'buried')
  return awaitLine(`the end of ${position}`, () => scene.shop.jobs(), ended, timeoutMs)
}

/** What a worker did with a message before it gave up. */
export interface ExpectedEnd {
  readonly code: string
  /** Deliveries at most; one unless told: what can't pass isn't tried again. */
  readonly deliveries?: number
  /** Whether its grant was redeemed; not unless told. */
  readonly redeemed?: boolean
}

/**
 * Puts a message into the broker, and has a worker refuse it for exactly this reason: its line and the dead letter say so, and the grant was not touched.
 *
 * @throws CheckFailure
 */
export async function expectBuried(scene: ShopScene, insider: NatsInsider, message: Message, expected: ExpectedEnd): Promise<Evidence> {
  const before = await insider.taken(DEAD_LETTERS)
  return expectEndOf(scene, insider, await insider.put(message), { ...expected, before })
}

/** The same for a message that lies there already; `before` is how many dead letters there were. */
export async function expectEndOf(
  scene: ShopScene,
  insider: NatsInsider,
  sequence: number,
  { code, deliveries = 1, redeemed = false, before }: ExpectedEnd & { readonly before: number },
): Promise<Evidence> {
  const line = await awaitEnd(scene, sequence)
  const { position } = line
  const lines = (await scene.shop.jobs()).filter((each) => each.position === position)
  const letter = await deadLetterOf(insider, position, before)
  const evidence: Evidence = { lines: shownLines(lines), deadLetter: letter ?? null }
  const problems = [
    ...(line.step === 'buried' ? [] : [`it was ${line.step}`]),
    ...(line.code === code ? [] : [`the line says ${line.code ?? 'nothing'}`]),
    ...(letter?.reason === code ? [] : [`the dead letter says ${String(letter?.reason ?? 'nothing')}`]),
    ...(line.delivery <= deliveries ? [] : [`it was delivered ${line.delivery} times`]),
    ...(lines.some(({ step }) => step === 'redeemed') === redeemed ? [] : [redeemed ? 'no grant was redeemed' : 'its grant was redeemed']),
  ]
  if (problems.length > 0) throw new CheckFailure(`${position}, expected ${code}: ${problems.join('; ')}`, evidence)
  return { expected: code, ...evidence }
}

/** What the dead letters say about a stored message. */
async function deadLetterOf(insider: NatsInsider, position: string, from = 0): Promise<Evidence | undefined> {
  const letters = await insider.look(DEAD_LETTERS, from + 1)
  const found = letters.find(({ fields }) => fields.some(([name, value]) => name === 'wimse-ts-position' && value === position))
  if (found === undefined) return undefined
  const said = found.fields.flatMap(([name, value]) => (name.startsWith('wimse-ts-') ? [[name.slice('wimse-ts-'.length), value]] : []))
  return evidenceRecord({ ...Object.fromEntries(said), octets: found.payload.length })
}

/** Puts a message into the broker, and has a worker do what it says. @throws CheckFailure */
export async function expectWorked(scene: ShopScene, insider: NatsInsider, message: Message, timeoutMs?: number): Promise<JobLine> {
  const line = await awaitEnd(scene, await insider.put(message), timeoutMs)
  if (line.step === 'done') return line
  throw new CheckFailure(`${line.position} should have been done: ${line.code}`, { lines: shownLines([line]) })
}
