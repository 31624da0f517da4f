import { type ErrorCode, errorAnswer, errorTable, type JsonObject } from '@wimse/core'
import { CheckFailure, type Evidence } from '../../suite/check.ts'
import { evidenceRecord, tokenName } from '../../suite/evidence.ts'
import { nameTokens } from '../../workload/redact.ts'
import type { CallResult, CallSpec } from '../../world/control-protocol.ts'
import type { ServiceName, WorkloadName } from '../../world/world.ts'
import { evidenceOfCall } from '../expect-answer.ts'
import type { ShopScene } from './shop-check.ts'
import { jsonOf } from './tokens.ts'

/** One call of a workload to a service of the shop. */
export interface ServiceCall extends Partial<Omit<CallSpec, 'to' | 'path' | 'body' | 'returnBody'>> {
  readonly by: WorkloadName
  readonly service: ServiceName
  readonly path: string
  /** The body; a call without one is a GET. */
  readonly json?: JsonObject
  /** An access token, beside the proof: an HTTP signature unless told. */
  readonly token?: string
}

/** What a service answered to a workload or to a user. */
export interface ServiceAnswer {
  readonly by: string
  readonly status: number | undefined
  readonly body: JsonObject
  readonly evidence: Evidence
}

/** Calls a service as a workload: with a transaction by WPT, with an access token by HTTP signature, unless another proof is told. */
export async function callService(scene: ShopScene, { by, service, json, token, ...call }: ServiceCall): Promise<ServiceAnswer> {
  const result = await scene.as(by).call({
    to: scene.at(service),
    proof: token === undefined ? 'wpt' : 'http-signature',
    ...(json === undefined ? { method: 'GET' } : { body: JSON.stringify(json) }),
    ...call,
    headers: [...(call.headers ?? []), ...(token === undefined ? [] : [['authorization', `Bearer ${token}`] as const])],
    returnBody: true,
  })
  return answerOf(by, result)
}

function answerOf(by: string, result: CallResult): ServiceAnswer {
  return { by, status: result.status, body: jsonOf(result.body), evidence: evidenceOfCall(result) }
}

/** One call of a user, in person. */
export interface UserCall {
  readonly service: ServiceName
  readonly path: string
  readonly token: string
  /** The body; a call without one is a GET. */
  readonly json?: JsonObject
  readonly headers?: Readonly<Record<string, string>>
}

/** Calls a service as a user: a bearer token over TLS that authenticates the service alone. */
export async function callAsUser(scene: ShopScene, { service, path, token, json, headers }: UserCall): Promise<ServiceAnswer> {
  const url = `${scene.at(service)}${path}`
  const response = await scene.shop.userFetch(url, {
    ...(json !== undefined && { method: 'POST', body: JSON.stringify(json) }),
    headers: { ...headers, authorization: `Bearer ${token}`, ...(json !== undefined && { 'content-type': 'application/json' }) },
  })
  const text = await response.text()
  const request = [`${json === undefined ? 'GET' : 'POST'} ${url}`, `authorization: Bearer ${tokenName('token', token)}`]
  const evidence = evidenceRecord({ request, status: response.status, body: nameTokens(text) })
  return { by: 'a user', status: response.status, body: jsonOf(text), evidence }
}

/** The service did what was asked. @returns evidence of the call */
export function expectDone(answer: ServiceAnswer, status = 201): Evidence {
  if (answer.status === status) return answer.evidence
  throw new CheckFailure(`${answer.by} got ${answer.status} ${String(answer.body['code'])}, expected ${status}`, { call: answer.evidence })
}

/** How a service has to refuse. */
export interface ServiceRefusal {
  readonly code: ErrorCode
  /** The status of the code in the error table unless told: what services behind this one refuse is always 403. */
  readonly status?: number
  /** The service that says so, where it does. */
  readonly hop?: string
}

/** The service, or one behind it, refused with the status and the problem details of exactly this code. @returns evidence of the call */
export function expectServiceRefused(answer: ServiceAnswer, { code, status = errorTable[code].status, hop }: ServiceRefusal): Evidence {
  const { type } = errorAnswer(code, { takesWpt: false }).problem
  const { body, by, evidence } = answer
  const fits = answer.status === status && body['code'] === code && body['type'] === type && (hop === undefined || body['hop'] === hop)
  const expected = { status, code, ...(hop !== undefined && { hop }) }
  if (fits) return { by, expected, call: evidence }
  const found = `${answer.status} ${String(body['code'])} of ${String(body['hop'] ?? 'the service')}`
  throw new CheckFailure(`${by} got ${found}, expected ${status} ${code}${hop === undefined ? '' : ` of ${hop}`}`, { call: evidence })
}
