import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { CallSpec } from '../../world/control-protocol.ts'
import type { WorkloadName } from '../../world/world.ts'
import { exchange, issued, redeem, type TokenAnswer } from './ask-tokens.ts'
import { callService, type ServiceAnswer } from './call-service.ts'
import { AMOUNT, clearedOrder } from './order-steps.ts'
import type { ShopScene } from './shop-check.ts'
import { transactionToken } from './tokens.ts'

/** What differs from the grant that payments asks for. */
export interface GrantRequest {
  readonly by?: WorkloadName
  /** The transaction of an order that fraud has cleared, unless told. */
  readonly transaction?: string
  readonly audience?: string
  readonly scope?: readonly string[]
}

/** Asks the shop's token service for a grant that the bank's redeems. */
export async function askForGrant(
  scene: ShopScene,
  { by = 'as-payments', transaction, audience, scope }: GrantRequest = {},
): Promise<TokenAnswer> {
  return exchange(scene, {
    by,
    subjectToken: transactionToken(transaction ?? (await clearedOrder(scene))),
    audience: audience ?? scene.at('bank-tokens'),
    requestedTokenType: TOKEN_TYPES.jwt,
    ...(scope && { scope }),
  })
}

/** What differs from the redemption by payments. */
export interface GrantUse {
  readonly by?: WorkloadName
  readonly scope?: readonly string[]
  readonly resource?: string
  readonly domain?: 'shop' | 'bank'
  readonly change?: Partial<CallSpec>
}

/** Redeems a grant, at the bank's token service unless told. */
export function useGrant(
  scene: ShopScene,
  assertion: string,
  { by = 'as-payments', resource, ...use }: GrantUse = {},
): Promise<TokenAnswer> {
  return redeem(scene, { by, assertion, resource: resource ?? scene.at('ledger'), ...use })
}

/** An access token of the bank's for its ledger, as payments gets it. */
export async function bankToken(scene: ShopScene): Promise<string> {
  return issued(await useGrant(scene, issued(await askForGrant(scene))))
}

/** Writes an entry at the bank's ledger. */
export function enter(
  scene: ShopScene,
  token: string | undefined,
  call: { by?: WorkloadName } & Partial<CallSpec> = {},
): Promise<ServiceAnswer> {
  return callService(scene, {
    by: 'as-payments',
    service: 'ledger',
    path: '/entries',
    json: { amount: AMOUNT },
    proof: 'http-signature',
    ...(token !== undefined && { token }),
    ...call,
  })
}
