import { type DeliveryEntry, type DeliveryKind, type DeliveryStore, WimseError } from '@wimse/core'
import { openEntries, type RedisStoreOptions } from './redis-entries.ts'

/** A {@link DeliveryStore} on Redis. */
export interface RedisDeliveryStore extends DeliveryStore {
  claim(entry: DeliveryEntry, now: number): Promise<DeliveryKind>
  /** Ends the connection that the store opened. */
  close(): Promise<void>
}

const HASH = /^[A-Za-z0-9_-]{43}$/

/**
 * A delivery store that instances share. To claim is one atomic command, `SET key <hash of the holder> PX … NX GET`, which Redis knows since
 * 7.0: of many at the same moment, from wherever, the first one's message is the holder, and the reply tells the others whether theirs is the
 * same one. Key, life and failures are as with `redisReplayStore`.
 *
 * Where replicas are waited for, a message that is delivered again is written once more: its first delivery may have been refused because
 * too few of them had it.
 *
 * @throws WimseError as `openRedis`; `claim` throws `ERR_REPLAY_STORE_UNAVAILABLE`, `ERR_REPLAY_STORE_FULL`, `ERR_OPTIONS_INVALID` for a proof without an end
 */
export async function redisDeliveryStore(options: RedisStoreOptions): Promise<RedisDeliveryStore> {
  const entries = await openEntries(options)
  return {
    async claim(entry, now) {
      const { key, lifeMs } = await entries.place(entry, now)
      const holder = await entries.hash(entry.holder)
      const known = await entries.write(['SET', key, holder, 'PX', lifeMs, 'NX', 'GET'], (reply) => reply === null)
      if (known === null) return 'new'
      if (typeof known !== 'string' || !HASH.test(known)) throw unknownReply()
      if (known !== holder) return 'other'
      if (entries.replicated) {
        const again = await entries.write(['SET', key, holder, 'XX', 'KEEPTTL'], () => true)
        if (again !== 'OK') throw unknownReply()
      }
      return 'same'
    },
    close: entries.close,
  }
}

function unknownReply(): WimseError {
  return new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'an unknown reply' })
}
