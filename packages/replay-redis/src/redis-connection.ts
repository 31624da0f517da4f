import { isWimseError, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { parseRedisUrl, type RedisTls } from './redis-address.ts'
import { codedFailure } from './redis-failure.ts'
import { type RedisLink, startLink } from './redis-link.ts'
import { withinTimeout } from './within-timeout.ts'

/** Commands to a Redis, each with an end. */
export interface RedisConnection {
  /**
   * Sends commands in a row and gives their replies, in the form of RESP2. Never waits for a connection, and never longer than the timeout;
   * what the server made of commands that timed out is unknown.
   *
   * @throws WimseError `ERR_REPLAY_STORE_UNAVAILABLE`, `ERR_REPLAY_STORE_FULL` when the server has no memory left
   */
  send(commands: readonly (readonly string[])[]): Promise<readonly unknown[]>
  /** Ends it. Commands that wait fail. */
  close(): Promise<void>
}

/** Options of {@link openRedis}. */
export interface RedisConnectionOptions {
  /** `redis://` on the loopback interface, `rediss://` everywhere. */
  readonly url: string
  /** In place of those in the address. */
  readonly username?: string
  readonly password?: string
  readonly tls?: RedisTls
  /** How long a command may take; 500 unless told. */
  readonly timeoutMs?: number
  /** How long opening may take, attempts included; 10,000 unless told. */
  readonly startTimeoutMs?: number
  /** Takes `redis://` beyond the loopback interface: who is on the path then decides what is a replay. */
  readonly allowInsecureConnection?: boolean
  readonly runtime?: Runtime
}

export const DEFAULT_REDIS_TIMEOUT_MS = 500
export const DEFAULT_START_TIMEOUT_MS = 10_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2000

/**
 * Opens a connection that reconnects by itself for as long as it isn't closed. Each new one is used only after the server said how it makes
 * room: any policy but `noeviction` forgets what must not be forgotten. A server that doesn't tell (no right to `INFO`) is taken.
 *
 * A command that timed out, or a server that turned into a replica, ends the connection: behind the same name there may be another one now.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for options, credentials that are refused and a policy that evicts, `ERR_INSECURE_CHANNEL`,
 *   `ERR_REPLAY_STORE_UNAVAILABLE` when there is no connection in time
 */
export async function openRedis(options: RedisConnectionOptions): Promise<RedisConnection> {
  const { timeoutMs = DEFAULT_REDIS_TIMEOUT_MS, startTimeoutMs = DEFAULT_START_TIMEOUT_MS, runtime = defaultRuntime() } = options
  // A limit that is no number would limit nothing.
  if (!(timeoutMs >= 1 && startTimeoutMs >= 1)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a timeout of Redis' })
  const { allowInsecureConnection = false } = options
  const { username, password, ...address } = parseRedisUrl(options.url, { allowInsecureConnection })
  const target = { ...address, username: options.username ?? username, password: options.password ?? password, tlsOptions: options.tls }
  const closing = new AbortController()
  const opened = Promise.withResolvers<void>()
  let current: RedisLink | undefined
  let last: unknown

  const keep = async (): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted; failures += 1) {
      const attempt = startLink(target, { timeoutMs, runtime, signal: closing.signal })
      try {
        await attempt.usable
        current = attempt
        failures = 0
        opened.resolve()
        await attempt.ended
      } catch (error) {
        last = error
        if (isWimseError(error, 'ERR_OPTIONS_INVALID')) opened.reject(error)
      }
      current = undefined
      attempt.end()
      await runtime.delay(Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS), closing.signal)
    }
  }
  const kept = keep()
  const close = async (): Promise<void> => {
    closing.abort()
    current?.end()
    await kept
  }
  try {
    await withinTimeout(opened.promise, startTimeoutMs, runtime)
  } catch (error) {
    await close()
    throw last ?? error
  }

  return {
    close,
    async send(commands) {
      const link = current
      if (link === undefined) throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'no connection' })
      try {
        return await withinTimeout(link.send(commands), timeoutMs, runtime)
      } catch (error) {
        const { failure, ends } = codedFailure(error)
        if (ends) link.end()
        throw failure
      }
    },
  }
}
