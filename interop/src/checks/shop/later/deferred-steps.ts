import { createHash } from 'node:crypto'
import type { JsonObject } from '@wimse/core'
import { type ClientAuthentication, TOKEN_TYPES, type TypedToken } from '@wimse/token-exchange'
import { CheckFailure, type Evidence } from '../../../suite/check.ts'
import { tokenName } from '../../../suite/evidence.ts'
import type { CallSpec } from '../../../world/control-protocol.ts'
import type { ShopDomain, WorkloadName } from '../../../world/world.ts'
import { evidenceOfCall } from '../../expect-answer.ts'
import { exchange, issued, type TokenAnswer } from '../ask-tokens.ts'
import { callService, type ServiceAnswer } from '../call-service.ts'
import { AMOUNT, clearedOrder, userToken } from '../order-steps.ts'
import type { ShopScene } from '../shop-check.ts'
import { accessToken, claimsOf, SHOP, shopId, transactionToken } from '../tokens.ts'
import { entriesOf } from './job-steps.ts'

/** What the workers' grants are for. */
export const SETTLING: readonly string[] = ['payments:settle']
export const WORKER: string = shopId('settlement')
const HOUR_SECONDS = 3_600

export const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** Work that was deferred, and the grant for it. */
export interface Deferred {
  readonly grant: string
  readonly action: 'settle' | 'restock'
  readonly parameters: JsonObject
  /** The name of its use, where the grant has several. */
  readonly use?: string
}

/** Who asks for a grant, out of what. */
export interface Deferring {
  readonly by?: WorkloadName
  readonly subjectToken: TypedToken
  readonly scope?: readonly string[]
  readonly deferral: JsonObject
  readonly change?: Partial<CallSpec>
}

/** Asks for a deferred grant. Nothing is checked here: what is asked for may be what nobody gets. */
export function askToDefer(scene: ShopScene, { by = 'as-orders', scope = SETTLING, deferral, ...asked }: Deferring): Promise<TokenAnswer> {
  const audience = scene.at('shop-tokens')
  return exchange(scene, { by, audience, requestedTokenType: TOKEN_TYPES.deferredGrant, scope, requestDetails: { deferral }, ...asked })
}

/** What orders defers for one order: an hour long, and exactly this. */
export function orderDeferral(parameters: JsonObject): JsonObject {
  return { worker: WORKER, action: 'settle', parameters, end: secondsFromNow(HOUR_SECONDS) }
}

/** The parameters of an order that nobody else has. */
export function newOrder(): { readonly order: string; readonly amount: number } {
  return { order: `kettle-${crypto.randomUUID()}`, amount: AMOUNT }
}

/** Defers the settlement of a new order, as orders does: out of a transaction that fraud has cleared, of ada unless told. */
export async function deferOrder(scene: ShopScene, change: JsonObject = {}, user?: string): Promise<Deferred> {
  scene.shop.broker()
  const transaction = await clearedOrder(scene, user === undefined ? {} : { token: await userToken(scene, { user }) })
  const parameters = newOrder()
  const deferral = { ...orderDeferral(parameters), ...change }
  const grant = issued(await askToDefer(scene, { subjectToken: transactionToken(transaction), deferral }))
  return { grant, action: 'settle', parameters }
}

/** A standing grant of a user for restocking, as the storefront gets it for a consent: up to 50 for each run, three runs unless told. */
export async function deferRestock(scene: ShopScene, { user = 'ada', uses = 3 }: { user?: string; uses?: number } = {}): Promise<Deferred> {
  scene.shop.broker()
  const item = `beans-${crypto.randomUUID()}`
  const limits = { item: { equals: item }, amount: { at_most: 50 } }
  const deferral = { worker: WORKER, action: 'restock', limits, uses, end: secondsFromNow(HOUR_SECONDS), purpose: `restock ${item}` }
  const subjectToken = accessToken(await userToken(scene, { user, scope: ['shop:restock'] }))
  const grant = issued(await askToDefer(scene, { by: 'as-storefront', subjectToken, deferral }))
  return { grant, action: 'restock', parameters: { item, amount: 40 }, use: 'run-1' }
}

/** What differs from the redemption by the worker. */
export interface RedemptionChange {
  readonly by?: WorkloadName
  readonly grant?: string
  readonly parameters?: JsonObject
  /** `null` for none, where there has to be one. */
  readonly use?: string | null
  readonly scope?: readonly string[]
  readonly audience?: string
  readonly domain?: ShopDomain
  readonly client?: ClientAuthentication
  readonly change?: Partial<CallSpec>
}

/** Redeems a deferred grant, as the worker unless told. */
export function redeemDeferred(scene: ShopScene, deferred: Deferred, differs: RedemptionChange = {}): Promise<TokenAnswer> {
  const { by = 'as-settlement', grant = deferred.grant, parameters = deferred.parameters, use = deferred.use, ...asked } = differs
  return exchange(scene, {
    by,
    subjectToken: { token: grant, type: TOKEN_TYPES.deferredGrant },
    audience: SHOP,
    scope: SETTLING,
    requestedTokenType: TOKEN_TYPES.transactionToken,
    requestDetails: { parameters, ...(typeof use === 'string' && { use }) },
    ...asked,
  })
}

/** What differs from the worker's call of payments. */
export type SettlementChange = { readonly by?: WorkloadName; readonly amount?: number } & Partial<Omit<CallSpec, 'to' | 'body'>>

/** Has payments settle, with the token of a redemption. */
export function settle(scene: ShopScene, token: string, { amount = AMOUNT, ...call }: SettlementChange = {}): Promise<ServiceAnswer> {
  return callService(scene, {
    by: 'as-settlement',
    service: 'payments',
    path: '/settlements',
    json: { amount },
    transactionToken: token,
    ...call,
  })
}

/** Gives a token or a grant up at the token service, as the worker unless told. */
export async function giveUp(scene: ShopScene, token: string, by: WorkloadName = 'as-settlement'): Promise<Evidence> {
  const result = await scene.as(by).call({
    to: scene.at('shop-tokens'),
    path: '/revoke',
    proof: 'wpt',
    headers: [['content-type', 'application/x-www-form-urlencoded']],
    body: new URLSearchParams({ token }).toString(),
  })
  const evidence = evidenceOfCall(result)
  if (result.status !== 200) throw new CheckFailure(`${by} could not give up a token: ${result.status}`, { call: evidence })
  return evidence
}

/** What the ledger knows the work of a grant by: the transaction of every token that it is ever redeemed for. */
export function workOf({ grant, use }: Deferred): string {
  const { jti } = claimsOf(grant)
  return createHash('sha256')
    .update(JSON.stringify(['wimse-ts-deferred-transaction', jti ?? '', use ?? null]))
    .digest('base64url')
}

/** How often the work of a grant stands in the bank's book. @throws CheckFailure when it is not so often */
export async function expectEntries(scene: ShopScene, deferred: Deferred, count: 0 | 1): Promise<Evidence> {
  const work = workOf(deferred)
  const entries = await entriesOf(scene, work)
  const evidence: Evidence = {
    grant: tokenName('deferred grant', deferred.grant),
    work,
    entries: entries.map((entry) => JSON.stringify(entry)),
  }
  if (entries.length !== count) throw new CheckFailure(`the ledger has ${entries.length} entries of this work, expected ${count}`, evidence)
  return evidence
}
