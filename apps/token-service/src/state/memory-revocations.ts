import { WimseError } from '@wimse/core'
import { MAX_REVOCATIONS, type Revocation, type RevocationKey, type RevocationStore, roomFor } from '../revocation/revocation.ts'

const nameOf = ({ kind, hash }: RevocationKey): string => `${kind}:${hash}`

/** Remembers what is stopped in this process, until it ends. */
export function memoryRevocations(capacity: number = MAX_REVOCATIONS): RevocationStore {
  const standing = new Map<string, Revocation>()
  const sweep = (now: number): void => {
    for (const [name, { until }] of standing) if (until <= now) standing.delete(name)
  }
  return {
    record(revocation, now, by) {
      const name = nameOf(revocation)
      const before = standing.get(name)
      if (before === undefined) sweep(now)
      // None that stands makes room.
      if (before === undefined && standing.size >= roomFor(by, capacity)) throw new WimseError('ERR_REPLAY_STORE_FULL')
      if (before === undefined || before.until < revocation.until) standing.set(name, revocation)
    },
    isEmpty: () => standing.size === 0,
    find: (keys, now) => keys.find((key) => (standing.get(nameOf(key))?.until ?? 0) > now),
    list(now) {
      sweep(now)
      return [...standing.values()]
    },
    withdraw: (key) => standing.delete(nameOf(key)),
  }
}
