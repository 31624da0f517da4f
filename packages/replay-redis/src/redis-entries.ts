import { type MaybePromise, type ReplayEntry, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { DEFAULT_REDIS_TIMEOUT_MS, openRedis, type RedisConnection, type RedisConnectionOptions } from './redis-connection.ts'

/** How many replicas have to have a proof before it counts as recorded. */
export interface ReplicaWait {
  readonly replicas: number
  /** Half of the connection's timeout unless told, and less than it. */
  readonly timeoutMs?: number
}

interface EntriesOptions {
  /** What keys begin with: one per service that answers to an audience. */
  readonly prefix: string
  /**
   * By how much clocks of instances may differ: proofs are kept for as much longer, so that one whose clock is behind doesn't take again
   * what the others have forgotten. 60 unless told.
   */
  readonly clockSkewSeconds?: number
  /** Proofs are known to replicas, too, before they count. Without it, one that the primary alone had can be used again after a failover. */
  readonly waitForReplicas?: ReplicaWait
}

/** Options of the stores: an address to connect to, or a connection that others use as well and that stays open. */
export type RedisStoreOptions =
  | (EntriesOptions & RedisConnectionOptions)
  | (EntriesOptions & { readonly connection: RedisConnection; readonly timeoutMs?: number; readonly runtime?: Runtime })

export const DEFAULT_CLOCK_SKEW_SECONDS = 60

/** What the stores have in common: keys that tell nothing, lives, and writes that count only once replicas have them. */
export interface RedisEntries {
  /**
   * The key of an entry and how long it lives, in milliseconds.
   *
   * @throws WimseError `ERR_OPTIONS_INVALID` for an entry without an end
   */
  place(entry: Pick<ReplayEntry, 'scope' | 'id' | 'expiresAt'>, now: number): Promise<{ readonly key: string; readonly lifeMs: string }>
  hash(text: string): MaybePromise<string>
  /**
   * The reply to one command. With replicas to wait for, replies that `isWritten` takes count only when they have it.
   *
   * @throws WimseError `ERR_REPLAY_STORE_UNAVAILABLE`, `ERR_REPLAY_STORE_FULL`
   */
  write(command: readonly string[], isWritten: (reply: unknown) => boolean): Promise<unknown>
  /** Whether replicas are waited for. */
  readonly replicated: boolean
  /** Ends the connection that was opened here. */
  close(): Promise<void>
}

/** Reads the options, and connects where they have an address. @throws WimseError `ERR_OPTIONS_INVALID`, as `openRedis` */
export async function openEntries(options: RedisStoreOptions): Promise<RedisEntries> {
  const { prefix, clockSkewSeconds = DEFAULT_CLOCK_SKEW_SECONDS, waitForReplicas, runtime = defaultRuntime() } = options
  const { timeoutMs = DEFAULT_REDIS_TIMEOUT_MS } = options
  if (typeof prefix !== 'string' || prefix === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'prefix' })
  if (!(clockSkewSeconds >= 0 && clockSkewSeconds <= 3600)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockSkewSeconds' })
  const wait = waitForReplicas && waitCommand(waitForReplicas, timeoutMs)
  const own = 'connection' in options ? undefined : await openRedis(options)
  const connection = 'connection' in options ? options.connection : own
  const hash = (text: string): MaybePromise<string> => runtime.crypto.digestText('sha-256', text)

  return {
    hash,
    replicated: wait !== undefined,
    async place({ scope, id, expiresAt }, now) {
      // A proof without an end would never leave, one that is no number would leave at once.
      if (!Number.isFinite(expiresAt) || !Number.isFinite(now)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiry of a proof' })
      const key = `${prefix}${await hash(JSON.stringify([scope, id]))}`
      return { key, lifeMs: String(Math.ceil(Math.max(1, expiresAt - now + clockSkewSeconds) * 1000)) }
    },
    async write(command, isWritten) {
      const [reply, copies] = (await connection?.send(wait === undefined ? [command] : [command, wait.command])) ?? []
      if (wait !== undefined && isWritten(reply) && !(typeof copies === 'number' && copies >= wait.replicas)) {
        throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'too few replicas' })
      }
      return reply
    },
    close: async () => own?.close(),
  }
}

function waitCommand(
  { replicas, timeoutMs }: ReplicaWait,
  limitMs: number,
): { readonly replicas: number; readonly command: readonly string[] } {
  const waitMs = timeoutMs ?? Math.floor(limitMs / 2)
  // WAIT 0 ms waits for ever.
  if (!Number.isSafeInteger(replicas) || replicas < 1 || !Number.isSafeInteger(waitMs) || waitMs < 1 || waitMs >= limitMs) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'waitForReplicas' })
  }
  return { replicas, command: ['WAIT', String(replicas), String(waitMs)] }
}
