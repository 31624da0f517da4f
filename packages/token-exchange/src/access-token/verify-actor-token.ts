import { isWimseError, type JsonObject, recode, WimseError } from '@wimse/core'
import { type AuthenticatedClient, assertAuthenticatedClient } from '../client-auth/authenticated-client.ts'
import type { TypedToken } from '../exchange/token-exchange-request.ts'
import { TOKEN_TYPES } from '../protocol/names.ts'
import { type VerifySelfSignedSubjectOptions, verifySelfSignedSubject } from '../subject/verify-self-signed-subject.ts'
import { confirmationOf, sameConfirmation } from './confirmation.ts'
import { type AccessTokenRules, verifySubjectAccessToken } from './verify-access-token.ts'

/** Options of {@link verifyActorToken}. Each kind of token is taken only where its member is there. */
export interface VerifyActorTokenOptions {
  /** The client that presents the token. */
  readonly client: AuthenticatedClient
  /** Access tokens; `audience` is this server, or what the client itself answers to. */
  readonly accessToken?: AccessTokenRules
  /** Tokens that the client signed itself, about itself. */
  readonly selfSigned?: Omit<VerifySelfSignedSubjectOptions, 'client'>
}

/**
 * Verifies an actor token (TEX-2.1-21): an access token by the rules of `verifySubjectAccessToken`, which, where it is bound to a key, has to be
 * bound to the one that the client proved; or a token that the client signed itself, by the rules of `verifySelfSignedSubject`.
 *
 * Not checked: that the actor is the client, and that it may act. `actFor` does, with the claims that this returns.
 *
 * @returns the claims of an access token; of a self-signed one `sub` alone, since it is its own issuer
 * @throws WimseError `ERR_EXCHANGE_ACTOR` with the fault in its detail, `ERR_EXCHANGE_TOKEN_TYPE`, `ERR_OPTIONS_INVALID`, `ERR_TRUST_STALE`,
 *   `ERR_REPLAY_STORE_…`
 * @see RFC 8693, section 2.1
 */
export async function verifyActorToken({ token, type }: TypedToken, options: VerifyActorTokenOptions): Promise<JsonObject> {
  const { client, accessToken, selfSigned } = options
  assertAuthenticatedClient(client)
  try {
    if (type === TOKEN_TYPES.accessToken && accessToken !== undefined) {
      const { claims } = await verifySubjectAccessToken(token, accessToken)
      const bound = claims['cnf']
      if (bound !== undefined) checkKey(bound, client)
      return claims
    }
    if (type === TOKEN_TYPES.selfSigned && selfSigned !== undefined) {
      const { subject } = await verifySelfSignedSubject(token, { ...selfSigned, client })
      return { sub: subject }
    }
  } catch (error) {
    throw isWimseError(error, 'ERR_EXCHANGE_SUBJECT_TOKEN') ? recode('ERR_EXCHANGE_ACTOR', error) : error
  }
  throw new WimseError('ERR_EXCHANGE_TOKEN_TYPE', { detail: 'actor_token_type' })
}

/** A stolen actor token is of no use to whoever hasn't its key. */
function checkKey(cnf: unknown, { confirmation: proven }: AuthenticatedClient): void {
  const confirmation = confirmationOf(cnf)
  if (confirmation === undefined || !sameConfirmation(confirmation, proven)) throw new WimseError('ERR_EXCHANGE_ACTOR', { detail: 'cnf' })
}
