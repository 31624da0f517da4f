import { type ErrorCode, errorAnswer } from '@wimse/core'
import { CheckFailure, type Evidence } from '../suite/check.ts'
import { evidenceRecord } from '../suite/evidence.ts'
import type { CallResult, PeerStatus } from '../world/control-protocol.ts'

/** A call as evidence: everything but the answer's own text, in which there may be tokens. */
export function evidenceOfCall({ body: _body, ...result }: CallResult): Evidence {
  return evidenceRecord(result)
}

/** The callee served the call for this caller. */
export function expectServed(result: CallResult, by: { readonly caller: string; readonly callee: string; readonly proof: string }): void {
  const found = { outcome: result.outcome, status: result.status, servedFor: result.servedFor, servedBy: result.servedBy }
  expectSame(result, found, { outcome: 'answered', status: 200, servedFor: by.caller, servedBy: by.callee })
  if (result.verified?.includes(by.proof) !== true) fail(result, `${by.callee} did not verify ${by.proof}`)
}

/** The callee refused the call with exactly the answer that the error table has for this code. */
export function expectRefused(result: CallResult, code: ErrorCode, endpoint: { readonly takesWpt: boolean }): void {
  const { status, headers, problem } = errorAnswer(code, endpoint)
  const challenge = headers.find(([name]) => name === 'www-authenticate')?.[1]
  const { code: foundCode, type, title } = result.problem ?? {}
  expectSame(
    result,
    {
      outcome: result.outcome,
      code: foundCode,
      status: result.status,
      challenge: result.challenge,
      type,
      title,
      servedFor: result.servedFor,
    },
    { outcome: 'answered', code, status, challenge, type: problem.type, title: problem.title, servedFor: undefined },
  )
}

/** The caller itself refused whom it reached (`connection-failed`: nothing was sent) or what it got (`refused-by-caller`). */
export function expectRefusedByCaller(result: CallResult, outcome: Exclude<CallResult['outcome'], 'answered'>, code: ErrorCode): void {
  expectSame(result, { outcome: result.outcome, callerCode: result.callerCode }, { outcome, callerCode: code })
}

/** The callee ended the connection before any answer. TLS tells the caller no reason; the callee has noted it. */
export function expectClosed(result: CallResult, callee: PeerStatus, code: ErrorCode): void {
  const found = { outcome: result.outcome, status: result.status, servedFor: result.servedFor }
  expectSame(result, found, { outcome: 'connection-failed', status: undefined, servedFor: undefined })
  if (!callee.errors.includes(code)) fail(result, `the callee refused no connection with ${code}`)
}

function expectSame<T extends object>(result: CallResult, found: T, expected: T): void {
  const differs = (Object.keys(expected) as (keyof T & string)[]).filter((name) => found[name] !== expected[name])
  if (differs.length === 0) return
  fail(result, differs.map((name) => `${name} is ${show(found[name])}, expected ${show(expected[name])}`).join('; '))
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value)
}

function fail(result: CallResult, message: string): never {
  throw new CheckFailure(message, { call: evidenceOfCall(result) })
}
