import { type JsonObject, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { type IssueAuthorizationGrantOptions, type IssuedJwt, issueJwt } from '../chaining/issue-authorization-grant.ts'
import type { Confirmation } from '../client-auth/authenticated-client.ts'
import type { Actor } from '../delegation/actor-chain.ts'
import { formatScope } from '../protocol/scope.ts'
import { confirmationOf } from './confirmation.ts'

/** What an access token is to say. */
export interface AccessTokenContents {
  /** The one resource that it is for. */
  readonly audience: string
  readonly subject: string
  /** Those who act for the subject, the current one first. */
  readonly actors: readonly Actor[]
  readonly scope: readonly string[]
  /** The client that asked for it (TEX-4.3-01). */
  readonly client: WorkloadIdentifier
  /** The key that its holder has to prove with every use: `requireConfirmation` of the client, or that of the grant (CHN-B.3-03). */
  readonly confirmation: Confirmation
  /** More claims; those that an access token has for itself are refused (TEX-6-03). */
  readonly claims?: JsonObject
  /** Whole seconds, 300 unless told, 3600 at most (TEX-5-01). */
  readonly lifetimeSeconds?: number
  /** Seconds since the epoch beyond which the token doesn't live: the end of what it was made of. */
  readonly notAfter?: number
}

export const DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS = 300
export const MAX_ACCESS_TOKEN_LIFETIME_SECONDS = 3600

/**
 * Issues an access token that is bound to a key (CHN-5.2-01): `typ` `at+jwt` of RFC 9068, `cnf` with the thumbprint of a WIT's key or of a
 * certificate, `scope` (TEX-4.2-01), `client_id` (TEX-4.3-01), `act` (TEX-4.1-03). There is no unbound one.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_EXCHANGE_SCOPE`, `ERR_EXCHANGE_SUBJECT_TOKEN` when `notAfter` has passed
 * @see RFC 9068, section 2; RFC 8693, section 4
 */
export async function issueAccessToken(contents: AccessTokenContents, options: IssueAuthorizationGrantOptions): Promise<IssuedJwt> {
  const { audience, client, lifetimeSeconds = DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS } = contents
  if (typeof audience !== 'string' || audience === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  if (!(lifetimeSeconds >= 1 && lifetimeSeconds <= MAX_ACCESS_TOKEN_LIFETIME_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  }
  const cnf = confirmationOf(contents.confirmation)
  if (cnf === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'confirmation' })
  const own = { aud: audience, client_id: client, scope: formatScope(contents.scope), cnf: { ...cnf } }
  const { subject, actors, claims } = contents
  return issueJwt('at+jwt', { subject, actors, claims, own }, { ...options, lifetimeSeconds, notAfter: contents.notAfter })
}
