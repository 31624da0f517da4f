import { isJsonObject, type JsonObject, WimseError } from '@wimse/core'

/** An actor as `act` names it. */
export interface Actor {
  readonly sub: string
  readonly iss?: string
}

/** Actors in a chain unless told otherwise, the current one included. */
export const DEFAULT_MAX_CHAIN_DEPTH = 4

/**
 * Reads the actors of a token, the current one first. Every level is an object with a `sub` (TEX-4.1-01); nesting is the order of acting
 * (TEX-4.1-03); `exp`, `nbf` and `aud` inside play no part and are dropped (TEX-4.1-02), as is what doesn't identify the actor.
 *
 * @param act the claim; undefined where nobody acts for the subject
 * @throws WimseError `ERR_EXCHANGE_ACTOR_CHAIN`, `ERR_EXCHANGE_ACTOR_CHAIN_DEPTH`
 */
export function parseActorChain(act: unknown, maxDepth: number = DEFAULT_MAX_CHAIN_DEPTH): readonly Actor[] {
  const actors: Actor[] = []
  let level = act
  while (level !== undefined) {
    // Also where the limit is no number.
    if (!(actors.length < maxDepth)) throw new WimseError('ERR_EXCHANGE_ACTOR_CHAIN_DEPTH')
    // TEX-4.1-01
    if (!isJsonObject(level)) throw new WimseError('ERR_EXCHANGE_ACTOR_CHAIN', { detail: 'not an object' })
    actors.push(actorOf(level))
    level = level['act']
  }
  return actors
}

/** The claim of a chain, the current actor first; the reverse of {@link parseActorChain}. Undefined for an empty chain. */
export function formatActorChain(actors: readonly Actor[]): JsonObject | undefined {
  // TEX-4.1-03
  return actors.reduceRight<JsonObject | undefined>(
    (act, { sub, iss }) => ({ sub, ...(iss === undefined ? {} : { iss }), ...(act === undefined ? {} : { act }) }),
    undefined,
  )
}

/**
 * The one actor that access control may look at beside the top-level claims (TEX-4.1-04): those before it are for information
 * (TEX-4.1-05). Undefined where nobody acts for the subject.
 *
 * @throws WimseError `ERR_EXCHANGE_ACTOR_CHAIN`, `ERR_EXCHANGE_ACTOR_CHAIN_DEPTH`
 */
export function currentActor(claims: JsonObject, maxDepth?: number): Actor | undefined {
  return parseActorChain(claims['act'], maxDepth)[0]
}

function actorOf({ sub, iss }: JsonObject): Actor {
  if (typeof sub !== 'string' || sub === '') throw new WimseError('ERR_EXCHANGE_ACTOR_CHAIN', { detail: 'sub' })
  if (iss !== undefined && (typeof iss !== 'string' || iss === '')) throw new WimseError('ERR_EXCHANGE_ACTOR_CHAIN', { detail: 'iss' })
  return iss === undefined ? { sub } : { sub, iss }
}
