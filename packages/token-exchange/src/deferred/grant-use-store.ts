import { type MaybePromise, WimseError } from '@wimse/core'

/** Which use of which grant. */
export interface GrantUse {
  /** SHA-256 of the grant's `jti`. */
  readonly grant: string
  /** The name of the use; empty where the grant has one. */
  readonly use: string
}

/** A use that somebody asks for. Times are seconds since the epoch. */
export interface GrantUseClaim extends GrantUse {
  /** How many uses the grant has. */
  readonly uses: number
  /** How often this use may be taken over. */
  readonly maxTakeovers: number
  /** The end of the token that is to be issued: until then nobody else gets the use. */
  readonly leaseUntil: number
  /** The end of the grant: until then it is remembered that the use was taken. */
  readonly expiresAt: number
}

/**
 * What became of a claim: `new`, the first one of this use; `taken over`, after the lease of the one before; `held`, a lease stands; `finished`, nobody
 * gets it again; `spent`, it was taken over as often as it may be; `exhausted`, all uses of the grant are taken.
 */
export type GrantUseOutcome = 'new' | 'taken over' | 'held' | 'finished' | 'spent' | 'exhausted'

/**
 * Remembers the uses of deferred grants until the grants end. A use is a lease: who has it is alone with it until the token of it ends, and
 * after that it can be taken over. Implementations over a network are asked once, after everything else held, and decide in one atomic step.
 */
export interface GrantUseStore {
  /** @throws WimseError `ERR_REPLAY_STORE_FULL`, `ERR_REPLAY_STORE_UNAVAILABLE`: nothing is issued then */
  claim(claim: GrantUseClaim, now: number): MaybePromise<GrantUseOutcome>
  /** Uses it up for ever. @returns whether it was taken. @throws WimseError `ERR_REPLAY_STORE_UNAVAILABLE` */
  finish(use: GrantUse): MaybePromise<boolean>
}

/** Fails for every outcome but the two that give a token. @throws WimseError `ERR_EXCHANGE_GRANT_…` */
export function requireUse(outcome: GrantUseOutcome): 'new' | 'taken over' {
  if (outcome === 'new' || outcome === 'taken over') return outcome
  throw new WimseError(REFUSALS[outcome])
}

const REFUSALS = {
  held: 'ERR_EXCHANGE_GRANT_HELD',
  finished: 'ERR_EXCHANGE_GRANT_REPLAYED',
  spent: 'ERR_EXCHANGE_GRANT_TAKEOVERS',
  exhausted: 'ERR_EXCHANGE_GRANT_EXHAUSTED',
} as const

/** Options of {@link inMemoryGrantUseStore}. */
export interface InMemoryGrantUseStoreOptions {
  /** Uses that are remembered at most. When so many are, new ones are refused: none that stands is ever forgotten. */
  readonly capacity: number
}

/** A {@link GrantUseStore} in this process, which tells how many uses it holds. */
export interface InMemoryGrantUseStore extends GrantUseStore {
  readonly size: number
}

/** Uses by their names. */
type KnownGrant = Map<string, KnownUse>

interface KnownUse {
  leaseUntil: number
  takeovers: number
  finished: boolean
}

/** Grants that end in the same period are forgotten together. */
const PERIOD_SECONDS = 600

/**
 * A bounded store for one process. To claim costs the same however many grants are known: those that end in the same ten minutes lie together, and once
 * in so long a call forgets the ones that have ended.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function inMemoryGrantUseStore({ capacity }: InMemoryGrantUseStoreOptions): InMemoryGrantUseStore {
  if (!Number.isSafeInteger(capacity) || capacity < 1)
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'capacity of the grant use store' })
  const grants = new Map<string, KnownGrant>()
  const periods = new Map<number, string[]>()
  let size = 0
  let sweptUntil = Number.NEGATIVE_INFINITY

  const sweep = (now: number): void => {
    const period = Math.floor(now / PERIOD_SECONDS)
    if (period <= sweptUntil) return
    for (const [end, names] of periods) {
      if (end >= period) continue
      for (const name of names) {
        size -= grants.get(name)?.size ?? 0
        grants.delete(name)
      }
      periods.delete(end)
    }
    sweptUntil = period
  }
  const enter = (name: string, expiresAt: number): KnownGrant => {
    const grant: KnownGrant = new Map()
    const period = Math.floor(expiresAt / PERIOD_SECONDS)
    const others = periods.get(period)
    if (others === undefined) periods.set(period, [name])
    else others.push(name)
    grants.set(name, grant)
    return grant
  }

  return {
    get size() {
      return size
    },
    claim({ grant: name, use, uses, maxTakeovers, leaseUntil, expiresAt }, now) {
      checkTimes(now, leaseUntil, expiresAt)
      sweep(now)
      const grant = grants.get(name)
      const known = grant?.get(use)
      if (known === undefined) {
        if ((grant?.size ?? 0) >= uses) return 'exhausted'
        if (size >= capacity) throw new WimseError('ERR_REPLAY_STORE_FULL')
        const entered = grant ?? enter(name, expiresAt)
        entered.set(use, { leaseUntil, takeovers: 0, finished: false })
        size += 1
        return 'new'
      }
      if (known.finished) return 'finished'
      if (known.leaseUntil > now) return 'held'
      if (known.takeovers >= maxTakeovers) return 'spent'
      known.takeovers += 1
      known.leaseUntil = leaseUntil
      return 'taken over'
    },
    finish({ grant, use }) {
      const known = grants.get(grant)?.get(use)
      if (known !== undefined) known.finished = true
      return known !== undefined
    },
  }
}

/** What is no number would be held for ever, or not at all. @throws WimseError `ERR_OPTIONS_INVALID` */
function checkTimes(...times: readonly number[]): void {
  if (!times.every(Number.isFinite)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'times of the use of a grant' })
}
