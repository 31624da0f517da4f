import type { MaybePromise } from '../runtime.ts'

/** What a store keeps of a proof: enough to know it again, nothing that could be used again. */
export interface ReplayEntry {
  /** Which sender and which kind of proof; one sender can't fill or block the space of another. Such as `wpt:<key thumbprint>`. */
  readonly scope: string
  /** The proof's own identifier: the `jti` of a WPT, the `nonce` of a signature. */
  readonly id: string
  /** Seconds since the epoch from which on the proof is refused for its age anyway, clock tolerance included. */
  readonly expiresAt: number
}

/** Remembers proofs until they expire (WPT-2-38, SIG-3-41). Implementations over a network are asked once, after everything else held. */
export interface ReplayStore {
  /**
   * Records the proof when it is new, as one atomic step.
   *
   * @param now seconds since the epoch
   * @returns whether the proof was new
   * @throws WimseError `ERR_REPLAY_STORE_FULL`, `ERR_REPLAY_STORE_UNAVAILABLE`: the proof is then refused
   */
  record(entry: ReplayEntry, now: number): MaybePromise<boolean>
}
