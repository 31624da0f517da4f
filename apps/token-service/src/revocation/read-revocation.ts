import { type JsonObject, parseStrictJsonObject, parseWorkloadIdentifier, type Runtime, WimseError, withCode } from '@wimse/core'
import { decodeUnverifiedJws } from '@wimse/keys'
import { MAX_ACCESS_TOKEN_LIFETIME_SECONDS } from '@wimse/token-exchange'
import {
  keyOf,
  MAX_CLOCK_SKEW_SECONDS,
  REVOCATION_KINDS,
  type Revocation,
  type RevocationKey,
  type RevocationKind,
  signedPart,
} from './revocation.ts'

/** What an operator wants stopped. */
export interface OperatorRevocation {
  readonly revocation: Revocation
  /** Why: a word for the event. */
  readonly reason: string | undefined
}

/** No token that exists when it begins outlives it, unless work is deferred: the longest life of an access token, and what clocks may differ. */
export const DEFAULT_REVOCATION_SECONDS: number = MAX_ACCESS_TOKEN_LIFETIME_SECONDS + MAX_CLOCK_SKEW_SECONDS
export const MAX_REVOCATION_SECONDS: number = 366 * 86_400

const REASON = /^[a-z0-9][a-z0-9.-]{0,63}$/
const HASH = /^[A-Za-z0-9_-]{43}$/
const OWN_MEMBERS: readonly string[] = ['kind', 'hash', 'reason', 'forSeconds']

/**
 * Reads what an operator wants stopped: `subject`, `workload`, `transaction` or `token` by its name, or `kind` and `hash` as events and lists have
 * them; `reason`, a word of lower-case letters, digits, dots and hyphens; `forSeconds`. Without that, a token is stopped until it has ended, and
 * anything else for `longestSeconds`, which no token that exists outlives.
 *
 * @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED`, `ERR_EXCHANGE_PARAMETER_MISSING`, `ERR_EXCHANGE_PARAMETER_UNKNOWN`
 */
export async function readOperatorRevocation(
  octets: Uint8Array,
  runtime: Runtime,
  longestSeconds: number = DEFAULT_REVOCATION_SECONDS,
): Promise<OperatorRevocation> {
  const body = withCode('ERR_EXCHANGE_PARAMETER_MALFORMED', () => parseStrictJsonObject(octets))
  for (const name of Object.keys(body)) {
    if (!OWN_MEMBERS.includes(name) && !isKind(name)) throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN')
  }
  const { reason, forSeconds } = body
  if (reason !== undefined && !(typeof reason === 'string' && REASON.test(reason))) throw malformed('reason')
  if (forSeconds !== undefined && !(isWhole(forSeconds) && forSeconds <= MAX_REVOCATION_SECONDS)) throw malformed('forSeconds')
  const now = runtime.now() / 1000
  const { key, endsAt } = await stoppedBy(body, runtime)
  const longest = now + longestSeconds
  const until = forSeconds === undefined ? Math.min(endsAt ?? longest, longest) : now + forSeconds
  return { revocation: { ...key, until: Math.ceil(until) }, reason }
}

interface Stopped {
  readonly key: RevocationKey
  /** Of a token: when it has ended for all. */
  readonly endsAt?: number
}

async function stoppedBy(body: JsonObject, runtime: Runtime): Promise<Stopped> {
  const kinds = REVOCATION_KINDS.filter((kind) => body[kind] !== undefined)
  const { kind: named, hash } = body
  const byHash = named !== undefined || hash !== undefined
  const [kind] = kinds
  if (kinds.length + Number(byHash) !== 1) {
    throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'one of subject, workload, transaction, token, or kind with hash' })
  }
  if (kind === undefined) return { key: parseRevocationKey(named, hash) }
  const value = body[kind]
  if (typeof value !== 'string' || value === '') throw malformed(kind)
  if (kind === 'workload') withCode('ERR_EXCHANGE_PARAMETER_MALFORMED', () => parseWorkloadIdentifier(value))
  if (kind !== 'token') return { key: await keyOf({ kind, value }, runtime) }
  const { exp } = withCode('ERR_EXCHANGE_PARAMETER_MALFORMED', () => decodeUnverifiedJws(value)).payload
  const key = await keyOf({ kind, value: signedPart(value) }, runtime)
  return typeof exp === 'number' ? { key, endsAt: exp + MAX_CLOCK_SKEW_SECONDS } : { key }
}

/** What an event, a list or a path has. @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED` */
export function parseRevocationKey(kind: unknown, hash: unknown): RevocationKey {
  if (typeof kind !== 'string' || !isKind(kind)) throw malformed('kind')
  if (typeof hash !== 'string' || !HASH.test(hash)) throw malformed('hash')
  return { kind, hash }
}

const isKind = (name: string): name is RevocationKind => REVOCATION_KINDS.some((kind) => kind === name)
const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
const malformed = (detail: string): WimseError => new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail })
