import { WimseError } from '@wimse/core'
import type { RedisConnection } from '@wimse/replay-redis'
import {
  MAX_REVOCATIONS,
  REVOCATION_KINDS,
  type Revocation,
  type RevocationKey,
  type RevocationStore,
  roomFor,
} from '../revocation/revocation.ts'

/** Options of {@link redisRevocations}. */
export interface RedisRevocationOptions {
  readonly connection: RedisConnection
  /** The one key under which they are: a sorted set by their end. */
  readonly key: string
  readonly capacity?: number
  /** How many replicas have to have a revocation before it counts, and how long that may take. */
  readonly wait?: { readonly replicas: number; readonly timeoutMs: number }
}

/**
 * Remembers what is stopped in Redis, for all instances at once. Ends are judged by the clock of the instance that asks. It fails closed: what can't be
 * looked up isn't known to be allowed.
 */
export function redisRevocations({ connection, key, capacity = MAX_REVOCATIONS, wait }: RedisRevocationOptions): RevocationStore {
  return {
    async record({ until, ...revocation }, now, by) {
      const name = nameOf(revocation)
      const [, size, known] = await connection.send([
        ['ZREMRANGEBYSCORE', key, '-inf', String(now)],
        ['ZCARD', key],
        ['ZSCORE', key, name],
      ])
      if (typeof size !== 'number') throw unknownReply()
      // None that stands makes room.
      if (known === null && size >= roomFor(by, capacity)) throw new WimseError('ERR_REPLAY_STORE_FULL')
      const add = ['ZADD', key, 'GT', String(until), name]
      const waiting = wait === undefined ? [] : [['WAIT', String(wait.replicas), String(wait.timeoutMs)]]
      const [added, copies] = await connection.send([add, ...waiting])
      if (typeof added !== 'number') throw unknownReply()
      if (wait !== undefined && !(typeof copies === 'number' && copies >= wait.replicas)) {
        throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'too few replicas' })
      }
    },
    isEmpty: () => false,
    async find(keys, now) {
      if (keys.length === 0) return undefined
      const [scores] = await connection.send([['ZMSCORE', key, ...keys.map(nameOf)]])
      if (!Array.isArray(scores) || scores.length !== keys.length) throw unknownReply()
      return keys.find((_key, index) => endOf(scores[index]) > now)
    },
    async list(now) {
      const [members] = await connection.send([['ZRANGEBYSCORE', key, `(${now}`, '+inf', 'WITHSCORES']])
      if (!Array.isArray(members)) throw unknownReply()
      return members.flatMap((member, index) => (index % 2 === 0 ? [revocationOf(member, members[index + 1])] : []))
    },
    async withdraw(revocation) {
      const [removed] = await connection.send([['ZREM', key, nameOf(revocation)]])
      return removed === 1
    },
  }
}

const nameOf = ({ kind, hash }: RevocationKey): string => `${kind}:${hash}`

/** A score, which is a text in RESP2; what isn't there never was. */
function endOf(score: unknown): number {
  if (score === null) return 0
  const until = Number(score)
  if (typeof score !== 'string' || Number.isNaN(until)) throw unknownReply()
  return until
}

function revocationOf(member: unknown, score: unknown): Revocation {
  const [name = '', hash = ''] = String(member).split(':')
  const kind = REVOCATION_KINDS.find((known) => known === name)
  if (kind === undefined || hash === '') throw unknownReply()
  return { kind, hash, until: endOf(score) }
}

function unknownReply(): WimseError {
  return new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'an unknown reply' })
}
