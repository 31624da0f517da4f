import { type ErrorCode, errorTable } from './error-table.ts'

/** What an error may carry besides its code. */
export interface WimseErrorOptions {
  /** For the operator: what was seen and what was expected. Never a token, a key or a claim's full value. */
  readonly detail?: string
  readonly cause?: unknown
}

/**
 * The only error that packages of this repository throw on input, however malformed.
 * `code` tells errors apart; `reason` is the shared name of vectors; `message` is the sentence that a remote caller may read.
 */
export class WimseError extends Error {
  readonly code: ErrorCode
  readonly reason: string
  readonly detail: string | undefined

  constructor(code: ErrorCode, options: WimseErrorOptions = {}) {
    const row = errorTable[code]
    super(row.sentence, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'WimseError'
    this.code = code
    this.reason = row.reason
    this.detail = options.detail
  }
}

/** Whether a caught value is a {@link WimseError}, optionally one of the codes given. */
export function isWimseError(value: unknown, ...codes: readonly ErrorCode[]): value is WimseError {
  return value instanceof WimseError && (codes.length === 0 || codes.includes(value.code))
}

/**
 * Runs `step` and gives every {@link WimseError} that it throws another code, so that a shared step (strict JSON, key import)
 * fails with the code of the document that it is part of. What is no WimseError is a fault of ours and passes through.
 */
export function withCode<T>(code: ErrorCode, step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw isWimseError(error) ? recode(code, error) : error
  }
}

/** The same failure under the code of the document that it is part of. */
export function recode(code: ErrorCode, error: WimseError): WimseError {
  return new WimseError(code, { detail: error.detail === undefined ? error.code : `${error.code}: ${error.detail}`, cause: error })
}
