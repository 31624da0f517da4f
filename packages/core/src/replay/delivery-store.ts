import type { MaybePromise } from '../runtime.ts'
import { createExpiringEntries, type StoreCapacity } from './expiring-entries.ts'
import type { ReplayEntry } from './replay-store.ts'

/** What a store keeps of the proof of a message, and of the delivery that it came with first. */
export interface DeliveryEntry extends ReplayEntry {
  /** The broker's own name for the stored message, the same each time it delivers it: `<stream>:<sequence>` of JetStream. */
  readonly holder: string
}

/**
 * What a delivery is: the first one of a proof, another one of the same stored message, or one of a copy of it, which somebody published
 * anew.
 */
export type DeliveryKind = 'new' | 'same' | 'other'

/**
 * Remembers with which stored message a proof came, until the proof expires. A broker delivers again what was not acknowledged, so a proof
 * that was seen is a replay only with another stored message. Implementations over a network are asked once, after everything else held.
 */
export interface DeliveryStore {
  /**
   * Records the holder when the proof has none, as one atomic step: of several, the first one wins.
   *
   * @param now seconds since the epoch
   * @returns `new` when it had none, `same` when it had this one, `other` when it had another one
   * @throws WimseError `ERR_REPLAY_STORE_FULL`, `ERR_REPLAY_STORE_UNAVAILABLE`: the message is then refused
   */
  claim(entry: DeliveryEntry, now: number): MaybePromise<DeliveryKind>
}

/** A {@link DeliveryStore} in this process, which tells how many proofs it holds. */
export interface InMemoryDeliveryStore extends DeliveryStore {
  claim(entry: DeliveryEntry, now: number): DeliveryKind
  readonly size: number
}

/**
 * A bounded store for one process, as `inMemoryReplayStore`: a full one refuses new proofs and forgets no live one, one sender gets half of it
 * unless told, and claiming costs the same however many proofs are live.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function inMemoryDeliveryStore(options: StoreCapacity): InMemoryDeliveryStore {
  const entries = createExpiringEntries(options)
  return {
    get size() {
      return entries.size
    },
    claim(entry, now) {
      const known = entries.add(entry, entry.holder, now)
      if (known === undefined) return 'new'
      return known === entry.holder ? 'same' : 'other'
    },
  }
}
