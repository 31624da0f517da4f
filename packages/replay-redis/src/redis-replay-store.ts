import { type ReplayEntry, type ReplayStore, WimseError } from '@wimse/core'
import { openEntries, type RedisStoreOptions } from './redis-entries.ts'

/** A {@link ReplayStore} on Redis. */
export interface RedisReplayStore extends ReplayStore {
  record(entry: ReplayEntry, now: number): Promise<boolean>
  /** Ends the connection that the store opened. */
  close(): Promise<void>
}

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
export async function redisReplayStore(options: RedisStoreOptions): Promise<RedisReplayStore> {
  const entries = await openEntries(options)
  return {
    async record(entry, now) {
      const { key, lifeMs } = await entries.place(entry, now)
      const reply = await entries.write(['SET', key, '1', 'PX', lifeMs, 'NX'], (written) => written === 'OK')
      if (reply === null) return false
      if (reply !== 'OK') throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'an unknown reply' })
      return true
    },
    close: entries.close,
  }
}
