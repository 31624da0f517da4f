import { createHash } from 'node:crypto'
import { type ErrorCode, errorAnswer, type JsonObject } from '@wimse/core'
import { GRANT_TYPES, oauthErrorOf, type TokenExchangeRequestOptions, tokenExchangeRequest } from '@wimse/token-exchange'
import { CheckFailure, type Evidence } from '../../suite/check.ts'
import type { CallResult, CallSpec } from '../../world/control-protocol.ts'
import { shopControls } from '../../world/shop-services.ts'
import type { ServiceName, ShopDomain, TokenEvent, WorkloadName } from '../../world/world.ts'
import { evidenceOfCall } from '../expect-answer.ts'
import { awaitEvent } from './await-lines.ts'
import type { ShopScene } from './shop-check.ts'
import { jsonOf } from './tokens.ts'

/** Who asks which token service, and what is changed on the way. */
interface Asker {
  readonly by: WorkloadName
  readonly domain?: ShopDomain
  /** What differs from a request with a WPT of the asker. */
  readonly change?: Partial<CallSpec>
}

/** An exchange that a workload asks for; of the shop's token service unless told. */
export type Exchange = Asker & TokenExchangeRequestOptions

/** A grant that a workload redeems; at the bank unless told. */
export interface Redemption extends Asker {
  readonly assertion: string
  readonly resource?: string
  readonly scope?: readonly string[]
}

/** What a token service answered. */
export interface TokenAnswer {
  /** A control program, or the identifier of a workload that has none. */
  readonly by: string
  readonly domain: ShopDomain
  readonly status: number | undefined
  readonly body: JsonObject
  /** The issued token, where there is one. In memory only. */
  readonly token: string | undefined
  /** Events that were there before the request was made. */
  readonly eventsBefore: number
  readonly call: CallResult
}

const SERVICES: Readonly<Record<ShopDomain, ServiceName>> = { shop: 'shop-tokens', bank: 'bank-tokens' }

/** Asks for an exchange (RFC 8693), over the wire. */
export async function exchange(scene: ShopScene, { by, domain = 'shop', change, ...asked }: Exchange): Promise<TokenAnswer> {
  return ask(scene, { by, domain, ...(change && { change }) }, await tokenExchangeRequest(endpointOf(scene, domain), asked).text())
}

/** Redeems a grant (RFC 7523), over the wire. Our own client gives one only to the server that it is for: who has stolen it doesn't care. */
export function redeem(scene: ShopScene, { by, domain = 'bank', change, assertion, resource, scope }: Redemption): Promise<TokenAnswer> {
  const body = new URLSearchParams({ grant_type: GRANT_TYPES.jwtBearer, assertion })
  if (resource !== undefined) body.set('resource', resource)
  if (scope !== undefined) body.set('scope', scope.join(' '))
  return ask(scene, { by, domain, ...(change && { change }) }, body.toString())
}

async function ask(scene: ShopScene, { by, domain = 'shop', change }: Asker, form: string): Promise<TokenAnswer> {
  const eventsBefore = (await scene.shop.events(domain)).length
  const call = await scene.as(by).call({
    to: scene.at(SERVICES[domain]),
    path: '/token',
    proof: 'wpt',
    headers: [['content-type', 'application/x-www-form-urlencoded']],
    body: form,
    returnBody: true,
    ...change,
  })
  const body = jsonOf(call.body)
  const token = body['access_token']
  return { by, domain, status: call.status, body, token: typeof token === 'string' ? token : undefined, eventsBefore, call }
}

function endpointOf(scene: ShopScene, domain: ShopDomain): string {
  return `${scene.at(SERVICES[domain])}/token`
}

/** The token that was issued. @throws CheckFailure when it wasn't */
export function issued({ token, status, by, body, call }: TokenAnswer): string {
  if (status === 200 && token !== undefined) return token
  throw new CheckFailure(`${by} got no token: ${status} ${String(body['error'])}`, { call: evidenceOfCall(call) })
}

/** The event about an issued token: audit finds it by the token's hash. */
export function eventOfToken(scene: ShopScene, domain: ShopDomain, token: string): Promise<TokenEvent> {
  const tokenHash = createHash('sha256').update(token).digest('base64url')
  return awaitEvent(scene, domain, 'about an issued token', (event) => event['tokenHash'] === tokenHash)
}

/** How a request to a token service has to end. */
export interface TokenRefusal {
  readonly code: ErrorCode
  /** What the detail of the event begins with: the code of the fault behind it, for instance. */
  readonly detail?: string
}

/** The token service refused with the status and the OAuth error of this code, and with an event that names the code and who asked. */
export async function expectTokenRefused(scene: ShopScene, answer: TokenAnswer, { code, detail }: TokenRefusal): Promise<Evidence> {
  const { status, body, token, by, domain, eventsBefore, call } = answer
  const { error, status: usual } = oauthErrorOf(code)
  const challenged = errorAnswer(code, { takesWpt: true }).headers.some(([name]) => name === 'www-authenticate')
  const expected = { status: challenged ? 401 : usual, error }
  if (status !== expected.status || body['error'] !== error || token !== undefined) {
    throw new CheckFailure(`${by} got ${status} ${String(body['error'])}, expected ${expected.status} ${error}`, {
      call: evidenceOfCall(call),
    })
  }
  const identifier = shopControls.find(({ name }) => name === by)?.identifier ?? by
  const isRefusal = (event: TokenEvent): boolean =>
    event.event === 'token.refused' &&
    event['code'] === code &&
    event['error'] === error &&
    (event['client'] === undefined || event['client'] === identifier) &&
    (detail === undefined || String(event['detail']).startsWith(detail))
  await awaitEvent(scene, domain, `that refuses with ${code}${detail === undefined ? '' : ` (${detail})`}`, isRefusal, eventsBefore)
  return { by, expected: { ...expected, code, ...(detail !== undefined && { detail }) }, call: evidenceOfCall(call) }
}
