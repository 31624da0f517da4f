import {
  isWimseError,
  type MaybePromise,
  type RequestView,
  type ResponseView,
  responseViewOfResponse,
  type WorkloadIdentifier,
} from '@wimse/core'
import type { VerifiedPeer } from '@wimse/mutual-tls'
import { describeFailure, type OperatorLog } from '@wimse/program'
import {
  type AuthenticatedClient,
  type ClientAuthenticator,
  GRANT_TYPES,
  type JwtBearerParameters,
  type OAuthError,
  type OAuthErrorResponseOptions,
  oauthErrorOf,
  oauthErrorResponse,
  parseTokenRequest,
  TOKEN_TYPES,
  type TokenExchangeParameters,
} from '@wimse/token-exchange'
import { deferWork } from '../deferral/defer-work.ts'
import { redeemDeferred } from '../deferral/redeem-deferred.ts'
import { type Issuance, refuseRevoked } from '../revocation/refuse-revoked.ts'
import { type RevocationStore, signedPart } from '../revocation/revocation.ts'
import { exchangeForAccessToken, exchangeForGrant } from './act-for-subject.ts'
import { authenticateCaller, type CallerRules } from './authenticate-caller.ts'
import type { Issued } from './issued.ts'
import { redeemGrant } from './redeem-grant.ts'
import { replaceTransaction } from './replace-transaction.ts'
import { startTransaction } from './start-transaction.ts'
import type { TokenRules } from './token-rules.ts'

/** What the token endpoint is made of. */
export interface TokenEndpointOptions {
  readonly rules: TokenRules
  readonly caller: CallerRules
  readonly clients: ClientAuthenticator
  readonly revocations: RevocationStore
  readonly log: OperatorLog
}

/** Answers one request. Never rejects. */
export type TokenEndpoint = (view: RequestView, peer: () => Promise<VerifiedPeer | undefined>) => Promise<ResponseView>

const REQUEST_RULES = {
  grantTypes: [GRANT_TYPES.tokenExchange, GRANT_TYPES.jwtBearer],
  // TXN-13.3-01: refresh tokens are not among them.
  subjectTokenTypes: [
    TOKEN_TYPES.accessToken,
    TOKEN_TYPES.transactionToken,
    TOKEN_TYPES.selfSigned,
    TOKEN_TYPES.unsignedJson,
    TOKEN_TYPES.deferredGrant,
  ],
  actorTokenTypes: [TOKEN_TYPES.accessToken, TOKEN_TYPES.selfSigned],
  requestedTokenTypes: [TOKEN_TYPES.transactionToken, TOKEN_TYPES.accessToken, TOKEN_TYPES.jwt, TOKEN_TYPES.deferredGrant],
} as const

/**
 * Makes the token endpoint. In order: the proof that a request carries and the peer of its connection; its form (TEX-2.1-01); the client
 * (TXN-11.3-01) and its admission; then what was asked for; that nothing of it is stopped; last, the use of a deferred grant. A token is handed out only when every step held, and each request leaves
 * exactly one event: `token.issued` or `token.refused`, with hashes in place of tokens and subjects (TXN-15.2-01, TXN-15.2-02, TXN-15.2-04).
 */
export function createTokenEndpoint({ rules, caller, clients, revocations, log }: TokenEndpointOptions): TokenEndpoint {
  const hash = (text: string): MaybePromise<string> => rules.runtime.crypto.digestText('sha-256', text)

  return async (view, peer) => {
    let client: AuthenticatedClient | undefined
    let proven: WorkloadIdentifier | undefined
    let tellCode = false
    try {
      const { request, ...found } = await authenticateCaller(view, await peer(), caller)
      proven = (found.peer ?? found.connection)?.identifier
      const parameters = await parseTokenRequest(request, REQUEST_RULES)
      tellCode = isDeferral(parameters)
      client = await clients.authenticate({
        fields: view.fields,
        parameters: parameters.client,
        ...(found.peer !== undefined && { peer: found.peer }),
        ...(found.connection !== undefined && { connection: found.connection }),
      })
      const issued = await (parameters.grantType === GRANT_TYPES.jwtBearer
        ? redeemGrant(parameters, client, rules)
        : exchange(parameters, client, rules))
      await refuseRevoked({ client, ...sourcesOf(parameters), issued }, revocations, rules.runtime)
      const use = await issued.take?.()
      log.event('token.issued', {
        kind: issued.kind,
        acting: issued.acting,
        client: client.identifier,
        method: client.method,
        target: issued.target,
        scope: issued.scope,
        actors: issued.actors,
        transaction: issued.transaction,
        linkedTransaction: issued.linkedTransaction,
        use,
        grantHash: issued.grantHash,
        subjectHash: await hash(issued.subject),
        tokenHash: await hash(issued.token),
        // What an operator stops it by.
        signedHash: await hash(signedPart(issued.token)),
        expiresAt: issued.expiresAt,
      })
      return issued.response
    } catch (error) {
      const failure = failureOf(error, { takesWpt: caller.authenticator !== undefined, tellCode })
      log.event('token.refused', {
        ...describeFailure(error),
        error: failure.oauth.error,
        // Who is at the other end, also where it isn't a client.
        client: client?.identifier ?? proven,
        method: client?.method,
      })
      return failure.response
    }
  }
}

/** Whether a request is about a deferred grant: workers need to know more exactly why there is no token. */
function isDeferral(parameters: TokenExchangeParameters | JwtBearerParameters): boolean {
  if (parameters.grantType === GRANT_TYPES.jwtBearer) return false
  const { requestedTokenType, subjectToken } = parameters
  return requestedTokenType === TOKEN_TYPES.deferredGrant || subjectToken.type === TOKEN_TYPES.deferredGrant
}

/** The signed tokens that something is made from, and what it means when one of them is stopped. */
function sourcesOf(parameters: TokenExchangeParameters | JwtBearerParameters): Pick<Issuance, 'presented' | 'code'> {
  if (parameters.grantType === GRANT_TYPES.jwtBearer) return { presented: [parameters.assertion], code: 'ERR_EXCHANGE_GRANT_REVOKED' }
  const { subjectToken, actorToken } = parameters
  const signed = [subjectToken, ...(actorToken === undefined ? [] : [actorToken])].filter(({ type }) => type !== TOKEN_TYPES.unsignedJson)
  return {
    presented: signed.map(({ token }) => token),
    code: subjectToken.type === TOKEN_TYPES.deferredGrant ? 'ERR_EXCHANGE_GRANT_REVOKED' : 'ERR_EXCHANGE_SUBJECT_REVOKED',
  }
}

/** What is asked for, and with what, tells which of the exchanges it is. */
function exchange(parameters: TokenExchangeParameters, client: AuthenticatedClient, rules: TokenRules): Promise<Issued> {
  const { requestedTokenType, subjectToken } = parameters
  if (requestedTokenType === TOKEN_TYPES.deferredGrant) return deferWork(parameters, client, rules)
  if (requestedTokenType === TOKEN_TYPES.transactionToken) {
    if (subjectToken.type === TOKEN_TYPES.deferredGrant) return redeemDeferred(parameters, client, rules)
    return subjectToken.type === TOKEN_TYPES.transactionToken
      ? replaceTransaction(parameters, client, rules)
      : startTransaction(parameters, client, rules)
  }
  return requestedTokenType === TOKEN_TYPES.jwt
    ? exchangeForGrant(parameters, client, rules)
    : exchangeForAccessToken(parameters, client, rules)
}

/** TXN-11.4-05: errors are those of OAuth. What is no WimseError is our own fault, and nothing about it goes out. */
function failureOf(error: unknown, options: OAuthErrorResponseOptions): { readonly response: ResponseView; readonly oauth: OAuthError } {
  const failure = isWimseError(error) ? error : ('ERR_OPTIONS_INVALID' as const)
  const code = typeof failure === 'string' ? failure : failure.code
  return { response: responseViewOfResponse(oauthErrorResponse(failure, options)), oauth: oauthErrorOf(code) }
}
