import { ErrorReply } from '@redis/client'
import { isWimseError, WimseError } from '@wimse/core'

/** What a failed command means. */
export interface RedisFailure {
  readonly failure: WimseError
  /** Whether the connection is of no more use. */
  readonly ends: boolean
}

/** Replies that say that this server isn't the one to write to any more. */
const ELSEWHERE: readonly string[] = ['READONLY', 'MASTERDOWN', 'LOADING', 'NOAUTH', 'CLUSTERDOWN', 'MOVED']

/** The code of whatever a command failed with. Of messages only the first word is kept: others may quote anything. */
export function codedFailure(error: unknown): RedisFailure {
  if (isWimseError(error)) return { failure: error, ends: true }
  const word = firstWord(error)
  if (word === 'OOM') return { failure: new WimseError('ERR_REPLAY_STORE_FULL', { detail: word }), ends: false }
  const failure = new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: word ?? 'connection' })
  return { failure, ends: !(error instanceof ErrorReply) || ELSEWHERE.includes(word ?? '') }
}

/** As {@link codedFailure}, for a connection that is being made: refused credentials are a fault of the configuration. */
export function codedStartFailure(error: unknown): WimseError {
  const word = firstWord(error)
  const credentials =
    error instanceof ErrorReply && (word === 'NOAUTH' || word === 'WRONGPASS' || /^ERR (?:AUTH|invalid)/.test(error.message))
  return credentials ? new WimseError('ERR_OPTIONS_INVALID', { detail: 'the credentials for Redis' }) : codedFailure(error).failure
}

/** Such as `READONLY` of a reply, or the code that the system gives. */
export function firstWord(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const text = error instanceof ErrorReply ? error.message : 'code' in error ? String(error.code) : ''
  return /^[A-Z_]{2,48}/.exec(text)?.[0]
}
