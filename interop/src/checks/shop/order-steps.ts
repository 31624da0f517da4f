import type { JsonObject } from '@wimse/core'
import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { CallSpec } from '../../world/control-protocol.ts'
import type { ServiceName, WorkloadName } from '../../world/world.ts'
import { exchange, issued, type TokenAnswer } from './ask-tokens.ts'
import { callService, expectDone, type ServiceAnswer } from './call-service.ts'
import type { ShopScene } from './shop-check.ts'
import { accessToken, SHOP, textIn, transactionToken } from './tokens.ts'

/** The steps of an order, each by somebody who holds the identity of the service that makes it. Amounts up to 1000 are clear to fraud. */
export const AMOUNT = 45

/** A user's access token, as the identity provider gives it to her browser. */
export function userToken(
  { shop }: ShopScene,
  {
    user = 'ada',
    service = 'storefront',
    scope = ['shop:order'],
  }: { user?: string; service?: ServiceName; scope?: readonly string[] } = {},
): Promise<string> {
  return shop.signIn({ user, service, scope })
}

/** What differs from an order of {@link AMOUNT} at the storefront. */
export interface OrderStart {
  readonly by?: WorkloadName
  /** The access token that the transaction is started with; one of ada for the storefront unless told. */
  readonly token?: string
  readonly scope?: readonly string[]
  readonly amount?: number
  readonly audience?: string
  readonly requestDetails?: JsonObject
  readonly change?: Partial<CallSpec>
}

/** Asks for the transaction token of an order. */
export async function askForOrder(scene: ShopScene, order: OrderStart = {}): Promise<TokenAnswer> {
  const { by = 'as-storefront', amount = AMOUNT, scope = ['orders:place'], audience = SHOP, change } = order
  return exchange(scene, {
    by,
    subjectToken: accessToken(order.token ?? (await userToken(scene))),
    audience,
    scope,
    requestedTokenType: TOKEN_TYPES.transactionToken,
    requestDetails: order.requestDetails ?? { item: 'teapot', amount, currency: 'EUR' },
    ...(change && { change }),
  })
}

/** The transaction token of an order, as the storefront gets it. */
export async function startOrder(scene: ShopScene, order: OrderStart = {}): Promise<string> {
  return issued(await askForOrder(scene, order))
}

/** What differs from a replacement that changes nothing. */
export interface Replacement {
  readonly by?: WorkloadName
  readonly scope?: readonly string[]
  readonly requestDetails?: JsonObject
  readonly change?: Partial<CallSpec>
}

/** Asks for the replacement of a transaction token, as orders unless told. */
export function askToReplace(scene: ShopScene, token: string, replacement: Replacement = {}): Promise<TokenAnswer> {
  const { by = 'as-orders', scope = ['orders:place'], requestDetails, change } = replacement
  return exchange(scene, {
    by,
    subjectToken: transactionToken(token),
    audience: SHOP,
    scope,
    requestedTokenType: TOKEN_TYPES.transactionToken,
    ...(requestDetails && { requestDetails }),
    ...(change && { change }),
  })
}

/** Shows a transaction to fraud, as orders does, and gets the token with the verdict: the real fraud and the real token service. */
export async function askFraud(scene: ShopScene, transaction: string, amount: number = AMOUNT): Promise<string> {
  const answer = await callService(scene, {
    by: 'as-orders',
    service: 'fraud',
    path: '/checks',
    json: { amount },
    transactionToken: transaction,
  })
  expectDone(answer, 200)
  return textIn(answer.body, 'transactionToken')
}

/** The transaction token of an order that fraud has cleared. */
export async function clearedOrder(scene: ShopScene, order: OrderStart = {}): Promise<string> {
  return askFraud(scene, await startOrder(scene, order), order.amount)
}

/** What differs from a charge by orders. */
export interface Charge extends Partial<Omit<CallSpec, 'to'>> {
  readonly by?: WorkloadName
  readonly amount?: number
}

/** Asks payments for a charge within a transaction. */
export function charge(scene: ShopScene, transaction: string, { amount = AMOUNT, ...call }: Charge = {}): Promise<ServiceAnswer> {
  return callService(scene, {
    by: 'as-orders',
    service: 'payments',
    path: '/charges',
    json: { amount },
    transactionToken: transaction,
    ...call,
  })
}
