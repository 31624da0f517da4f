/**
 * When an answer over HTTP carries `WWW-Authenticate: WPT`: `always` (the failure is about a WPT), `wpt-endpoint` (only where the
 * endpoint takes WPTs; elsewhere the row's own status goes out alone), `never`.
 */
export type ChallengeRule = 'always' | 'wpt-endpoint' | 'never'

/** One row of the error table. */
export interface ErrorRow {
  /** The HTTP status of an answer to a remote caller. 500 marks a fault of our own side that no caller caused. */
  readonly status: 400 | 401 | 403 | 413 | 500 | 502 | 503
  readonly challenge: ChallengeRule
  /** The reason that vectors and other implementations share; also the last part of the problem type. */
  readonly reason: string
  /** The requirement whose violation this is, or the clause of our own rule. */
  readonly requirement: string
  /** The one sentence that a remote caller gets. It never holds data of the request. */
  readonly sentence: string
}

type RowInput = readonly [reason: string, requirement: string, sentence: string]

const rows =
  (status: ErrorRow['status'], challenge: ChallengeRule) =>
  ([reason, requirement, sentence]: RowInput): ErrorRow => ({ status, challenge, reason, requirement, sentence })

/** A WPT failure: 401 with the challenge (WPT-2.1-02, WPT-2.1-04). */
export const proofToken: (row: RowInput) => ErrorRow = rows(401, 'always')
/** A WIT failure or a missing proof: 401 with the challenge where WPTs are taken, 400 elsewhere (CRED-5.2-04, WPT-2.1-02). */
export const credential: (row: RowInput) => ErrorRow = rows(400, 'wpt-endpoint')
/** Anything else that is wrong with the message: 400. */
export const badRequest: (row: RowInput) => ErrorRow = rows(400, 'never')
/** The token that came is none of ours, or none any more; a `WWW-Authenticate` of its own kind goes with it. */
export const unauthorized: (row: RowInput) => ErrorRow = rows(401, 'never')
/** Authenticated, but not allowed. */
export const forbidden: (row: RowInput) => ErrorRow = rows(403, 'never')
/** A bearer token where none is taken: 401 with the challenge where a WPT would do, 403 elsewhere. */
export const bearer: (row: RowInput) => ErrorRow = rows(403, 'wpt-endpoint')
/** Larger than a limit. */
export const tooLarge: (row: RowInput) => ErrorRow = rows(413, 'never')
/** A fault of our own configuration or state. */
export const local: (row: RowInput) => ErrorRow = rows(500, 'never')
/** The other side, which we called, gave an answer that can't be trusted. */
export const upstream: (row: RowInput) => ErrorRow = rows(502, 'never')
/** Something that we depend on is not there now. */
export const unavailable: (row: RowInput) => ErrorRow = rows(503, 'never')
