import { type ErrorCode, type Runtime, WimseError } from '@wimse/core'
import type { AuthenticatedClient } from '@wimse/token-exchange'
import type { Issued } from '../token/issued.ts'
import { keyOf, type Revocable, type RevocationStore, revocablesOfToken } from './revocation.ts'

/** A token that is about to be handed out. */
export interface Issuance {
  readonly client: AuthenticatedClient
  /** What it was made from; all of it verified. */
  readonly presented: readonly string[]
  readonly issued: Issued
  /** The code for what is stopped and isn't the client. */
  readonly code: ErrorCode
}

/**
 * The last step before a token is handed out: nothing is issued from, for or to what is stopped. That is the client; the tokens that it presented, by what
 * was signed of them; the subject; the transaction; and every workload that acts, acted, or asked in what was presented or is issued.
 *
 * It is one question, asked after everything else held, so that a store over a network costs one round trip.
 *
 * @throws WimseError `ERR_EXCHANGE_CLIENT_REVOKED`, the code given, `ERR_REPLAY_STORE_UNAVAILABLE`
 */
export async function refuseRevoked(
  { client, presented, issued, code }: Issuance,
  store: RevocationStore,
  runtime: Runtime,
): Promise<void> {
  if (store.isEmpty()) return
  const caller: Revocable = { kind: 'workload', value: client.identifier }
  const about: readonly Revocable[] = [
    caller,
    { kind: 'subject', value: issued.subject },
    // A workload that is the subject is stopped as a workload, too.
    { kind: 'workload', value: issued.subject },
    ...presented.flatMap(revocablesOfToken),
    // Nobody has had it to stop it. One that was given up in this second may say the same, and then its use tells more exactly why there is none.
    ...revocablesOfToken(issued.token).filter(({ kind }) => kind !== 'token'),
  ]
  const keys = await Promise.all(about.map((revocable) => keyOf(revocable, runtime)))
  const found = await store.find(keys, runtime.now() / 1000)
  if (found === undefined) return
  throw new WimseError(found === keys[0] ? 'ERR_EXCHANGE_CLIENT_REVOKED' : code, { detail: found.kind })
}
