import { isJsonObject, type MaybePromise, type Runtime } from '@wimse/core'
import { decodeUnverifiedJws } from '@wimse/keys'

/**
 * What can be stopped: everything in the name of a subject, of a workload (as client, actor, requester or subject), of a transaction, or one token.
 */
export type RevocationKind = 'subject' | 'workload' | 'transaction' | 'token'

export const REVOCATION_KINDS: readonly RevocationKind[] = ['subject', 'workload', 'transaction', 'token']

/** Something that may be stopped, by its name. */
export interface Revocable {
  readonly kind: RevocationKind
  readonly value: string
}

/** The same without its name. */
export interface RevocationKey {
  readonly kind: RevocationKind
  /** SHA-256 in base64url: of the name, or of what was signed of a token. */
  readonly hash: string
}

/** What is stopped, and how long. */
export interface Revocation extends RevocationKey {
  /** Seconds since the epoch. */
  readonly until: number
}

/** Remembers what is stopped. */
export interface RevocationStore {
  /** Of two ends for the same thing the later one stands. @throws WimseError `ERR_REPLAY_STORE_FULL`, `ERR_REPLAY_STORE_UNAVAILABLE` */
  record(revocation: Revocation, now: number): MaybePromise<void>
  /** Whether nothing is stopped, as far as can be told without asking anybody. */
  isEmpty(): boolean
  /** The first of these that is stopped. @throws WimseError `ERR_REPLAY_STORE_UNAVAILABLE` */
  find(keys: readonly RevocationKey[], now: number): MaybePromise<RevocationKey | undefined>
  list(now: number): MaybePromise<readonly Revocation[]>
  /** @returns whether it was there */
  withdraw(key: RevocationKey): MaybePromise<boolean>
}

/** How many things may be stopped at a time. */
export const MAX_REVOCATIONS = 20_000

/** The name without what it names. */
export async function keyOf({ kind, value }: Revocable, { crypto }: Pick<Runtime, 'crypto'>): Promise<RevocationKey> {
  return { kind, hash: await crypto.digestText('sha-256', value) }
}

/**
 * What names a token for ever: its header and payload. The signature is no part of it: of one in ECDSA anyone can make a second one, and
 * with it another text that is the same token.
 */
export function signedPart(token: string): string {
  return token.slice(0, token.lastIndexOf('.'))
}

/** Who and what a verified token is about: itself, its transaction, and the workloads that act, asked for it or got it. */
export function revocablesOfToken(token: string): readonly Revocable[] {
  const { txn, act, req_wl: requesters, client_id: client, requester, deferral } = decodeUnverifiedJws(token).payload
  // What came of deferred work is of both transactions.
  const linked = isJsonObject(deferral) ? deferral['txn'] : undefined
  const workloads = [client, requester, ...actorsOf(act), ...(Array.isArray(requesters) ? requesters : [requesters])]
  return [{ kind: 'token', value: signedPart(token) }, ...named('transaction', [txn, linked]), ...named('workload', workloads)]
}

function named(kind: RevocationKind, values: readonly unknown[]): readonly Revocable[] {
  return values.filter((value): value is string => typeof value === 'string').map((value) => ({ kind, value }))
}

const MAX_ACTORS = 32

function actorsOf(act: unknown): readonly unknown[] {
  const names: unknown[] = []
  for (let actor = act; isJsonObject(actor) && names.length < MAX_ACTORS; actor = actor['act']) names.push(actor['sub'])
  return names
}

/** What verifiers may allow at most. */
export const MAX_CLOCK_SKEW_SECONDS = 120
