import { isWimseError, type Runtime } from '@wimse/core'

/** What an event may carry: identifiers, entry ids, thumbprints, codes, times. Never a token or a key. */
export type EventFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** Tells the operator what happened, one event at a time. */
export interface OperatorLog {
  event(name: string, fields?: EventFields): void
}

/** One JSON object a line, with the time in RFC 3339 and the name of the event first. */
export function jsonLinesLog(write: (line: string) => void, runtime: Pick<Runtime, 'now'>): OperatorLog {
  return {
    event: (name, fields = {}) => write(`${JSON.stringify({ time: new Date(runtime.now()).toISOString(), event: name, ...fields })}\n`),
  }
}

/** Code and detail of a failure for an event. What is no WimseError shows its name only: its message may quote anything. */
export function describeFailure(error: unknown): { readonly code: string; readonly detail?: string } {
  if (!isWimseError(error)) return { code: error instanceof Error ? error.name : 'unknown' }
  return error.detail === undefined ? { code: error.code } : { code: error.code, detail: error.detail }
}
