import { type ErrorCode, errorAnswer, errorTable, isWimseError } from '@wimse/core'
import { note, noteRefusal } from './hop-log.ts'

/** Thrown by a handler: this request is refused, here or by a service that was asked. */
export class Refusal extends Error {
  readonly code: ErrorCode
  /** The service that refused: this one unless told. */
  readonly hop: string | undefined

  constructor(reason: string, code: ErrorCode = 'ERR_POLICY_DENIED', hop?: string) {
    super(reason)
    this.code = code
    this.hop = hop
  }
}

/**
 * The answer to whatever a handler throws: problem details with the code and the hop that refused. The reason goes into the log alone. What
 * other services, the token service among them, refuse is 403 here: the caller of this service has no part in how that one authenticates us.
 */
export function answerFailure(error: unknown, service: string): Response {
  if (error instanceof Refusal) {
    note({ reason: error.message })
    return problem(error.code, error.hop ?? service, error.hop === undefined ? undefined : 403)
  }
  noteRefusal(error)
  if (!isWimseError(error)) return new Response(null, { status: 500, headers: { 'cache-control': 'no-store' } })
  const refusedByTokenService = error.code === 'ERR_EXCHANGE_REFUSED'
  if (refusedByTokenService) note({ reason: `token service: ${error.detail ?? 'refused'}` })
  return problem(error.code, refusedByTokenService ? 'tokens' : service, refusedByTokenService ? 403 : undefined)
}

/** The answer to a token or a request that this service doesn't take, with the challenge of RFC 6750 where it is about an access token. */
export function problem(code: ErrorCode, hop: string, status?: number): Response {
  const answer = errorAnswer(code, { takesWpt: false })
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  if (code.startsWith('ERR_EXCHANGE_ACCESS_TOKEN_')) headers.set('www-authenticate', `Bearer error="${errorTable[code].reason}"`)
  const body = { ...answer.problem, status: status ?? answer.status, hop }
  return new Response(JSON.stringify(body), { status: body.status, headers })
}
