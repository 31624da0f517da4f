import { WimseError } from '@wimse/core'
import { DEFAULT_CLOCK_SKEW_SECONDS, type RedisConnection } from '@wimse/replay-redis'
import type { GrantUseOutcome, GrantUseStore } from '@wimse/token-exchange'

/** Options of {@link redisGrantUses}. */
export interface RedisGrantUsesOptions {
  readonly connection: RedisConnection
  /** What keys begin with: one key for each grant, a hash of its uses. */
  readonly prefix: string
  /** How many replicas have to have a use before it counts, and how long that may take. */
  readonly wait?: { readonly replicas: number; readonly timeoutMs: number }
}

/** KEYS: the grant. ARGV: use, uses, takeovers at most, end of the lease, now, milliseconds until nobody needs it. A field has the end of its lease and how often it was taken over. */
const CLAIM = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 'exhausted' end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[4] .. ' 0')
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  return 'new'
end
if known == 'finished' then return known end
local lease, takeovers = string.match(known, '^(%S+) (%d+)$')
if tonumber(lease) > tonumber(ARGV[5]) then return 'held' end
if tonumber(takeovers) >= tonumber(ARGV[3]) then return 'spent' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4] .. ' ' .. string.format('%d', takeovers + 1))
return 'taken over'
`

const FINISH = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 'finished')
return 1
`

const OUTCOMES: readonly GrantUseOutcome[] = ['new', 'taken over', 'held', 'finished', 'spent', 'exhausted']

/**
 * Remembers uses of deferred grants in Redis, for all instances at once. A claim is one script, which Redis runs whole before anything else: of many at
 * the same moment, from wherever, one gets the use. Leases are judged by the clock of the instance that asks; keys are kept until the grant has ended
 * by any clock. It fails closed: without a connection, after the timeout, for any error and any other reply nothing is issued.
 */
export function redisGrantUses({ connection, prefix, wait }: RedisGrantUsesOptions): GrantUseStore {
  const waiting = wait === undefined ? [] : [['WAIT', String(wait.replicas), String(wait.timeoutMs)]]
  const run = async (script: string, grant: string, args: readonly (string | number)[]): Promise<unknown> => {
    const command = ['EVAL', script, '1', `${prefix}${grant}`, ...args.map(String)]
    const [reply, copies] = await connection.send([command, ...waiting])
    if (wait !== undefined && !(typeof copies === 'number' && copies >= wait.replicas)) {
      throw new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'too few replicas' })
    }
    return reply
  }
  return {
    async claim({ grant, use, uses, maxTakeovers, leaseUntil, expiresAt }, now) {
      // What is no number would be held for ever, or not at all.
      if (![leaseUntil, expiresAt, now].every(Number.isFinite))
        throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'times of the use of a grant' })
      const lifeMs = Math.ceil(Math.max(1, expiresAt - now + DEFAULT_CLOCK_SKEW_SECONDS) * 1000)
      const reply = await run(CLAIM, grant, [use, uses, maxTakeovers, leaseUntil, now, lifeMs])
      const outcome = OUTCOMES.find((known) => known === reply)
      if (outcome === undefined) throw unknownReply()
      return outcome
    },
    async finish({ grant, use }) {
      const reply = await run(FINISH, grant, [use])
      if (reply !== 0 && reply !== 1) throw unknownReply()
      return reply === 1
    },
  }
}

function unknownReply(): WimseError {
  return new WimseError('ERR_REPLAY_STORE_UNAVAILABLE', { detail: 'an unknown reply' })
}
