import { type ErrorCode, errorTable } from './error-table.ts'

/** The problem types of this repository start with this; the vector reason follows. */
export const PROBLEM_TYPE_PREFIX = 'urn:wimse:problem:'

/** RFC 9457 problem details of a refusal: no data of the request is in it. */
export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
}

/** An answer over HTTP to a refused request. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly problem: ProblemDetails
}

/**
 * The HTTP answer to a refusal: status, `WWW-Authenticate: WPT` where it belongs (WPT-2.1-02, WPT-2.1-03, WPT-2.1-04), and problem
 * details (WPT-2.1-06, CRED-5.2-03).
 *
 * @param takesWpt whether the endpoint takes WPTs: there a WIT failure or a missing proof is a 401 as well, elsewhere it is a 400
 *   without a challenge (CRED-5.2-04).
 */
export function errorAnswer(code: ErrorCode, { takesWpt }: { readonly takesWpt: boolean }): ErrorAnswer {
  const row = errorTable[code]
  const challenged = row.challenge === 'always' || (row.challenge === 'wpt-endpoint' && takesWpt)
  const status = challenged ? 401 : row.status
  const headers: (readonly [string, string])[] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
  ]
  if (challenged) headers.push(['www-authenticate', 'WPT'])
  return { status, headers, problem: { type: `${PROBLEM_TYPE_PREFIX}${row.reason}`, title: row.sentence, status, code } }
}

/** The same answer as a web `Response`. */
export function errorResponse(code: ErrorCode, endpoint: { readonly takesWpt: boolean }): Response {
  const { status, headers, problem } = errorAnswer(code, endpoint)
  return new Response(JSON.stringify(problem), { status, headers: headers.map(([name, value]): [string, string] => [name, value]) })
}
