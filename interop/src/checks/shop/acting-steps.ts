import { TOKEN_TYPES } from '@wimse/token-exchange'
import type { CallSpec } from '../../world/control-protocol.ts'
import type { ServiceName, WorkloadName } from '../../world/world.ts'
import { aged } from './aged.ts'
import { exchange, issued, type TokenAnswer } from './ask-tokens.ts'
import { callService, type ServiceAnswer } from './call-service.ts'
import { userToken } from './order-steps.ts'
import type { ShopScene } from './shop-check.ts'
import { accessToken } from './tokens.ts'

/** What may be refunded by who got that far. */
export const REFUND: readonly string[] = ['shop:refund']
/** What an errand takes, and what ordering takes of it. */
export const ERRAND: readonly string[] = ['shop:browse', 'shop:order']
export const ORDERING: readonly string[] = ['shop:order']
export const BROWSING: readonly string[] = ['shop:browse']

/** One step of acting for somebody: who asks, with whose token, for which service. */
export interface Step {
  readonly by: WorkloadName
  readonly to: ServiceName
  readonly scope: readonly string[]
  readonly change?: Partial<CallSpec>
}

/** Asks for an access token in the name of the subject of another one. */
export function askToAct(scene: ShopScene, token: string, { by, to, scope, change }: Step): Promise<TokenAnswer> {
  return exchange(scene, {
    by,
    subjectToken: accessToken(token),
    audience: scene.at(to),
    scope,
    requestedTokenType: TOKEN_TYPES.accessToken,
    ...(change && { change }),
  })
}

/** The token of the last step, each made with the token of the one before. */
export async function actAlong(scene: ShopScene, token: string, steps: readonly Step[]): Promise<string> {
  let current = token
  for (const step of steps) current = issued(await askToAct(scene, current, step))
  return current
}

/** A refund through the concierge, up to payments. */
const REFUND_STEPS: readonly Step[] = [
  { by: 'as-concierge', to: 'storefront', scope: REFUND },
  { by: 'as-storefront', to: 'orders', scope: REFUND },
  { by: 'as-orders', to: 'payments', scope: REFUND },
]

/** The token of one of those steps, for the user: 1 is the one that the concierge calls the storefront with. */
export async function refundToken(scene: ShopScene, steps: number, user = 'bob'): Promise<string> {
  return actAlong(scene, await userToken(scene, { user, service: 'concierge', scope: REFUND }), REFUND_STEPS.slice(0, steps))
}

/** Asks for a refund, as orders does at payments unless told. */
export function refund(
  scene: ShopScene,
  token: string,
  { by = 'as-orders', service = 'payments', ...call }: { by?: WorkloadName; service?: ServiceName } & Partial<Omit<CallSpec, 'to'>> = {},
): Promise<ServiceAnswer> {
  return callService(scene, { by, service, path: '/refunds', json: { order: 'teapot-1', amount: 45 }, token, ...call })
}

/** An errand, up to the token that the buyer orders with. */
export const ERRAND_STEPS: readonly [Step, Step] = [
  { by: 'as-concierge', to: 'buyer', scope: ERRAND },
  { by: 'as-buyer', to: 'storefront', scope: ORDERING },
]

/** What a user allows the concierge: more than an errand takes. */
export function errandOf(scene: ShopScene, user = 'bob'): Promise<string> {
  return userToken(scene, { user, service: 'concierge', scope: [...ERRAND, ...REFUND] })
}

/** The token of one of those steps: 1 is the one that the concierge calls the buyer with. */
export async function errandToken(scene: ShopScene, steps: number, user = 'bob'): Promise<string> {
  return actAlong(scene, await errandOf(scene, user), ERRAND_STEPS.slice(0, steps))
}

/** The tokens of the last steps, left to expire: they live no longer than the user's. */
export const agedRefundToken: (scene: ShopScene) => Promise<string> = aged((scene) => refundToken(scene, 3))
export const agedErrandToken: (scene: ShopScene) => Promise<string> = aged((scene) => errandToken(scene, 2))
