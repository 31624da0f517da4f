import { requestViewOfRequest } from '@wimse/core'
import {
  type Deferral,
  type DeferredGrantRequestOptions,
  deferredGrantRequest,
  type RedemptionRequestOptions,
  redemptionRequest,
  revocationRequest,
  type TypedToken,
} from '@wimse/token-exchange'
import type { ProofChoice, Workload } from '@wimse/workload/node'
import type { TokenService } from '../src/index.ts'
import { ACCESS_TYPE, type Answer, exchange, ISSUER, type Options, ORDERS, STOREFRONT, send, TXN_TYPE, type World } from './harness.ts'

export const WORKER = 'spiffe://shop.example/settlement/one'
export const OTHER_WORKER = 'spiffe://shop.example/settlement/two'
export const NIGHTLY = 'spiffe://shop.example/batch/nightly'
export const GRANT_TYPE = 'urn:wimse-ts:token-type:deferred-grant'
export const WORKERS = 'spiffe://shop.example/settlement/*'

/** Rules under which orders defers settlements, and the storefront restocks for a user who consented. */
export function deferral(changes: Options = {}, standingChanges: Options = {}): Options {
  const rule = {
    requesters: [ORDERS],
    workers: [WORKERS],
    actions: { settle: { scope: { 'payments:settle': ['orders:place'], 'payments:read': [] }, members: ['order', 'amount'] } },
    carry: ['items'],
    maxLifetimeSeconds: 86_400,
    ...changes,
  }
  const standing = {
    requesters: [STOREFRONT],
    workers: [WORKERS],
    actions: { restock: { scope: { 'orders:restock': ['orders'] }, members: ['sku', 'amount'] } },
    standing: true,
    maxUses: 100,
    maxLifetimeSeconds: 30 * 86_400,
    maxTakeovers: 1,
    ...standingChanges,
  }
  const own = {
    requesters: ['spiffe://shop.example/batch/*'],
    workers: [WORKERS],
    subjectTokenTypes: ['self_signed', 'unsigned_json'],
    ownSubject: true,
    actions: { settle: { scope: { 'orders:settle': [] }, members: ['order'] } },
    maxLifetimeSeconds: 3600,
  }
  return { deferral: { rules: [rule, standing, own] } }
}

/** What a test does with deferred work, at one token service. */
export interface DeferredWork {
  /** A transaction that the storefront started for a user. */
  transaction(storefront: Workload, service?: TokenService): Promise<TypedToken>
  defer(requester: Workload, subjectToken: TypedToken, changes?: DeferChanges, service?: TokenService): Promise<Answer>
  redeem(worker: Workload, grant: string, changes?: RedeemChanges, service?: TokenService, proof?: ProofChoice): Promise<Answer>
  /** Gives a token up: a grant, or what came of one. */
  giveUp(workload: Workload, token: unknown, service?: TokenService): Promise<Answer>
}

type DeferChanges = Partial<Omit<DeferredGrantRequestOptions, 'deferral'>> & { readonly deferral?: Partial<Deferral> }
type RedeemChanges = Partial<RedemptionRequestOptions>

/** What a user consents to. */
export function standing({ runtime }: World): DeferChanges {
  const end = Math.floor(runtime.now() / 1000) + 7 * 86_400
  const limits = { amount: { atMost: 100 } }
  return { scope: ['orders:restock'], deferral: { action: 'restock', limits, uses: 5, end, purpose: 'nightly restock' } }
}

export const PARAMETERS = { order: '4711', amount: 12 } as const

export function deferredWork(world: World, first: TokenService): DeferredWork {
  const endpoint = ({ port }: TokenService): string => `https://localhost:${port}/token`
  return {
    async transaction(storefront, service = first) {
      const subjectToken = { token: await world.accessToken(), type: ACCESS_TYPE }
      const requestDetails = { amount: 12, items: 3 }
      const asked = { subjectToken, audience: 'shop.example', scope: ['orders:place'], requestedTokenType: TXN_TYPE, requestDetails }
      const { body } = await exchange(storefront, service, asked)
      return { token: String(body['access_token']), type: TXN_TYPE }
    },
    defer(requester, subjectToken, { deferral: asked, ...changes } = {}, service = first) {
      const end = Math.floor(world.runtime.now() / 1000) + 3600
      const work = { worker: WORKERS, action: 'settle', end, ...(asked?.limits === undefined && { parameters: PARAMETERS }), ...asked }
      const options = { issuer: ISSUER, subjectToken, scope: ['payments:settle'], ...changes, deferral: work }
      return send(requester, requestViewOfRequest(deferredGrantRequest(endpoint(service), options)))
    },
    redeem(worker, grant, changes = {}, service = first, proof = 'wpt') {
      const options = { grant, trustDomain: 'shop.example', scope: ['payments:settle'], parameters: PARAMETERS, ...changes }
      return send(worker, requestViewOfRequest(redemptionRequest(endpoint(service), options)), proof)
    },
    giveUp(workload, token, service = first) {
      const request = revocationRequest(`https://localhost:${service.port}/revoke`, { token: String(token) })
      return send(workload, requestViewOfRequest(request), 'wpt', `${ISSUER}/revoke`)
    },
  }
}
