import { isJsonObject, type JsonObject, type JsonValue, WimseError } from '@wimse/core'
import { type Actor, parseActorChain } from '../delegation/actor-chain.ts'
import { createNameMatcher } from '../protocol/name-matcher.ts'
import { narrowScope, parseScope } from '../protocol/scope.ts'

/** How names of one domain read in the other. The first rule that fits decides; without one there is no name, and no token. */
export interface NameRule {
  /** The name as it is, a pattern of workloads that ends in `/*`, or `*` for every name. */
  readonly from: string
  /** The name in the other domain; without it the name stays the same. */
  readonly to?: string
}

/** How a claim, or a member of one, with a text reads in the other domain. */
export interface TextRule {
  /** Its name there; the same unless told. */
  readonly as?: string
  /** Which values are carried over, and as what; every text, as it is, unless told. */
  readonly values?: Readonly<Record<string, string>>
}

/** How a claim reads in the other domain. */
export interface ClaimRule extends TextRule {
  /** The claim is an object, of which these members are carried over where they are texts; not together with `values`. */
  readonly members?: Readonly<Record<string, TextRule>>
  /** With `members`: where one of those is carried over, the token's subject is a member of it there, by this name and as it is called in this domain. */
  readonly subjectAs?: string
}

/** What crosses the border between two domains, as data (CHN-2.5-01). What isn't listed stays behind (CHN-2.5-02, CHN-6-01). */
export interface ClaimsTable {
  readonly subjects: readonly NameRule[]
  /** Names of actors: the chain is carried over whole, each of them under these rules. */
  readonly actors?: readonly NameRule[]
  /** Scope values of this domain and what they are in the other. */
  readonly scope: Readonly<Record<string, string>>
  /** Other claims. */
  readonly claims?: Readonly<Record<string, ClaimRule>>
}

/** What crosses. */
export interface TranscribedClaims {
  readonly subject: string
  readonly actors: readonly Actor[]
  readonly scope: readonly string[]
  readonly claims: JsonObject
}

/** Carries claims over. */
export type Transcription = (
  claims: JsonObject,
  request: {
    /** In values of this domain; all that can cross when undefined (CHN-2.3.1-02, CHN-2.5-04). */
    readonly scope: readonly string[] | undefined
    readonly maxChainDepth?: number
  },
) => TranscribedClaims

/** Claims that a token has for itself: none of them is carried over by name or made by renaming. */
const RESERVED = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'act', 'may_act', 'scope', 'client_id', 'cnf', 'requested_cnf', 'txn']

/**
 * Reads a table once, and gives the function that carries verified claims over by it. It only narrows: nothing comes out that wasn't in,
 * names and values are those of the table, a scope is a part of the token's own (CHN-2.5-03), and the chain of actors is kept whole.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a table that would make reserved claims or two of one name, `ERR_IDENTIFIER_PATTERN`; the
 *   function throws `ERR_EXCHANGE_TRANSCRIPTION`, `ERR_EXCHANGE_SCOPE`, `ERR_EXCHANGE_ACTOR_CHAIN…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-chaining/ section 2.5
 */
export function createTranscription(table: ClaimsTable): Transcription {
  const subjectOf = readNames(table.subjects)
  const actorOf = readNames(table.actors ?? [])
  const scopes = new Map(Object.entries(table.scope))
  for (const value of scopes.values()) parseOptionScope(value)
  const rules = readClaims(table.claims ?? {})

  return (claims, { scope, maxChainDepth }) => {
    const actors = parseActorChain(claims['act'], maxChainDepth).map(({ sub }) => ({ sub: actorOf(sub) }))
    return {
      subject: subjectOf(claims['sub']),
      actors,
      scope: transcribeScope(claims, scope, scopes),
      claims: Object.fromEntries(rules.flatMap((rule) => transcribeClaim(rule, claims))),
    }
  }
}

function readNames(rules: readonly NameRule[]): (name: unknown) => string {
  const read = rules.map(({ from, to }) => ({ to, fits: createNameMatcher([from]) }))
  if (read.some(({ to }) => to === '')) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'an empty name' })
  return (name) => {
    const rule = typeof name === 'string' && name !== '' ? read.find(({ fits }) => fits(name)) : undefined
    if (rule === undefined || typeof name !== 'string') throw new WimseError('ERR_EXCHANGE_TRANSCRIPTION', { detail: 'a name' })
    return rule.to ?? name
  }
}

function parseOptionScope(value: string): void {
  if (typeof value !== 'string' || value.includes(' ')) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'scope' })
  parseScope(value)
}

interface ReadText {
  readonly from: string
  readonly as: string
  readonly values: ReadonlyMap<string, string> | undefined
}

interface ReadClaim extends ReadText {
  readonly members: readonly ReadText[] | undefined
  readonly subjectAs: string | undefined
}

function readClaims(claims: Readonly<Record<string, ClaimRule>>): readonly ReadClaim[] {
  const rules = Object.entries(claims).map(([from, { members, subjectAs, ...rule }]) => {
    if (members === undefined ? subjectAs !== undefined : rule.values !== undefined)
      throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'claims' })
    const read = members && Object.entries(members).map(([name, member]) => readText(name, member))
    checkNames([...(read ?? []).map(({ as }) => as), ...(subjectAs === undefined ? [] : [subjectAs])])
    return { ...readText(from, rule), members: read, subjectAs }
  })
  checkNames(rules.map(({ as }) => as))
  const reserved = rules.some(({ from, as }) => RESERVED.includes(from) || RESERVED.includes(as))
  if (reserved) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'claims' })
  return rules
}

function readText(from: string, { as = from, values }: TextRule): ReadText {
  return { from, as, values: values === undefined ? undefined : new Map(Object.entries(values)) }
}

function checkNames(names: readonly string[]): void {
  const wrong = names.some((name) => name === '' || name === '__proto__')
  if (wrong || new Set(names).size !== names.length) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'claims' })
}

function transcribeScope(
  claims: JsonObject,
  requested: readonly string[] | undefined,
  scopes: ReadonlyMap<string, string>,
): readonly string[] {
  // CHN-2.5-03
  const own = claims['scope'] === undefined ? [] : parseScope(claims['scope'])
  const granted = narrowScope(
    requested,
    own.filter((value) => scopes.has(value)),
  )
  return [...new Set(granted.map((value) => scopes.get(value) ?? value))]
}

function transcribeClaim(rule: ReadClaim, claims: JsonObject): readonly (readonly [string, JsonValue])[] {
  const { from, as, members, subjectAs } = rule
  if (members === undefined) return transcribeText(rule, claims)
  const value = Object.hasOwn(claims, from) ? claims[from] : undefined
  if (!isJsonObject(value)) return []
  const { sub } = claims
  const carried = members.flatMap((member) => transcribeText(member, value))
  const subject = subjectAs !== undefined && typeof sub === 'string' ? [[subjectAs, sub] as const] : []
  return carried.length === 0 ? [] : [[as, Object.fromEntries([...carried, ...subject])]]
}

function transcribeText({ from, as, values }: ReadText, object: JsonObject): readonly (readonly [string, string])[] {
  const value = Object.hasOwn(object, from) ? object[from] : undefined
  if (typeof value !== 'string') return []
  const carried = values === undefined ? value : values.get(value)
  return carried === undefined ? [] : [[as, carried]]
}
