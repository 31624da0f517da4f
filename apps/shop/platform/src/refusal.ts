import { type ErrorCode, errorAnswer, errorTable, isWimseError } from '@wimse/core'
import { TokenEndpointRefusal } from '@wimse/token-exchange'
import { note, noteRefusal } from './hop-log.ts'

/** Where a request was refused, if not here, and how that is answered. */
interface Elsewhere {
  readonly hop: string
  /** 403 for what another service refuses: our caller has no part in how we authenticate there. 502 for one that failed. */
  readonly status: 403 | 502
}

/** Thrown by a handler: this request is refused, here or by a service that was asked. The reason is for the log alone. */
export class Refusal extends Error {
  readonly code: ErrorCode
  readonly elsewhere: Elsewhere | undefined

  constructor(reason: string, code: ErrorCode = 'ERR_POLICY_DENIED', elsewhere?: Elsewhere) {
    super(reason)
    this.code = code
    this.elsewhere = elsewhere
  }
}

/** What is there where a broker is configured. @throws Refusal */
export function required<T>(later: T | undefined): T {
  if (later === undefined) throw new Refusal('nothing is done later here: no broker is configured')
  return later
}

/** The answer to whatever a handler throws: problem details with the code and the hop that refused. */
export function answerFailure(error: unknown, service: string): Response {
  if (error instanceof Refusal) {
    note({ reason: error.message })
    return problem(error.code, error.elsewhere?.hop ?? service, error.elsewhere?.status)
  }
  if (error instanceof TokenEndpointRefusal) {
    note({ reason: `tokens: ${error.error ?? error.status}` })
    return problem(error.code, 'tokens', error.status >= 500 ? 502 : 403)
  }
  noteRefusal(error)
  return isWimseError(error) ? problem(error.code, service) : new Response(null, { status: 500, headers: { 'cache-control': 'no-store' } })
}

/** The answer to a request that isn't taken, with the challenge of RFC 6750 where it is about an access token. */
export function problem(code: ErrorCode, hop: string, status?: number): Response {
  const answer = errorAnswer(code, { takesWpt: false })
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  const about = status === undefined && code.startsWith('ERR_EXCHANGE_ACCESS_TOKEN_')
  if (about) headers.set('www-authenticate', `Bearer error="${errorTable[code].reason}"`)
  const body = { ...answer.problem, status: status ?? answer.status, hop }
  return new Response(JSON.stringify(body), { status: body.status, headers })
}
