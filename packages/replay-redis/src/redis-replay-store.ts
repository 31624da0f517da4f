import { type ReplayEntry, type ReplayStore, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { DEFAULT_REDIS_TIMEOUT_MS, openRedis, type RedisConnection, type RedisConnectionOptions } from './redis-connection.ts'

/** How many replicas have to have a proof before it counts as recorded. */
export interface ReplicaWait {
  readonly replicas: number
  /** Half of the connection's timeout unless told, and less than it. */
  readonly timeoutMs?: number
}

interface StoreOptions {
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

/** Options of {@link redisReplayStore}: an address to connect to, or a connection that others use as well and that stays open. */
export type RedisReplayStoreOptions =
  | (StoreOptions & RedisConnectionOptions)
  | (StoreOptions & { readonly connection: RedisConnection; readonly timeoutMs?: number; readonly runtime?: Runtime })

/** A {@link ReplayStore} on Redis. */
export interface RedisReplayStore extends ReplayStore {
  record(entry: ReplayEntry, now: number): Promise<boolean>
  /** Ends the connection that the store opened. */
  close(): Promise<void>
}

export const DEFAULT_CLOCK_SKEW_SECONDS = 60

/**
 * A replay store that instances share. To record is one atomic command, `SET key 1 PX … NX`: of many at the same moment, from wherever, one
 * is new (WPT-2-38, SIG-3-41). The key is the prefix and a hash of scope and identifier: nothing that is in Redis can be used. The time to
 * live is relative, so that the clock of Redis doesn't matter.
 *
 * It fails closed: without a connection, after the timeout, for any error and any other reply the proof is refused. Not done: a share of
 * the room for each scope, as the store in memory has it.
 *
 * @throws WimseError as `openRedis`; `record` throws `ERR_REPLAY_STORE_UNAVAILABLE`, `ERR_REPLAY_STORE_FULL`, `ERR_OPTIONS_INVALID` for a proof without an end
 */
export async function redisReplayStore(options: RedisReplayStoreOptions): Promise<RedisReplayStore> {
  const { prefix, clockSkewSeconds = DEFAULT_CLOCK_SKEW_SECONDS, waitForReplicas, runtime = defaultRuntime() } = options
  const { timeoutMs = DEFAULT_REDIS_TIMEOUT_MS } = options
  if (typeof prefix !== 'string' || prefix === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'prefix' })
  if (!(clockSkewSeconds >= 0 && clockSkewSeconds <= 3600)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockSkewSeconds' })
  const wait = waitForReplicas && waitCommand(waitForReplicas, timeoutMs)
  const own = 'connection' in options ? undefined : await openRedis(options)
  const connection = 'connection' in options ? options.connection : own

  return {
    async record({ scope, id, expiresAt }, now) {
      // A proof without an end would never leave, one that is no number would leave at once.
      if (!Number.isFinite(expiresAt) || !Number.isFinite(now)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'expiry of a proof' })
      const hash = await runtime.crypto.digestText('sha-256', JSON.stringify([scope, id]))
      const lifeMs = Math.ceil(Math.max(1, expiresAt - now + clockSkewSeconds) * 1000)
      const set = ['SET', `${prefix}${hash}`, '1', 'PX', String(lifeMs), 'NX']
      const [reply, copies] = (await connection?.send(wait === undefined ? [set] : [set, wait.command])) ?? []
      if (reply === null) return false
      if (reply !== 'OK') throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'an unknown reply' })
      if (wait !== undefined && !(typeof copies === 'number' && copies >= wait.replicas)) {
        throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'too few replicas' })
      }
      return true
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
