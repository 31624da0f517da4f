import type { JsonObject } from '@wimse/core'
import {
  type Deferral,
  deferredGrantRequest,
  jwtBearerRequest,
  processAccessTokenResponse,
  processRevocationResponse,
  processTokenExchangeResponse,
  redemptionRequest,
  revocationRequest,
  TOKEN_TYPES,
  type TokenExchangeRequestOptions,
  type TypedToken,
  tokenExchangeRequest,
} from '@wimse/token-exchange'
import type { TransactionTokenVerifier, VerifiedTransactionToken } from '@wimse/transaction-tokens'
import type { Workload } from '@wimse/workload/node'
import { note } from './hop-log.ts'

/** What a service asks of token services. All are refused with an `ERR_EXCHANGE_REFUSED` that tells the OAuth error. */
export interface TokenClient {
  /** A transaction for whom the subject token speaks of. */
  startTransaction(
    subject: TypedToken,
    asked: Pick<TokenExchangeRequestOptions, 'requestContext' | 'requestDetails'> & Scope,
  ): Promise<VerifiedTransactionToken>
  /** The same transaction, with less scope or more context. */
  replaceTransaction(
    token: VerifiedTransactionToken,
    asked: Pick<TokenExchangeRequestOptions, 'requestDetails'> & Partial<Scope>,
  ): Promise<VerifiedTransactionToken>
  /** An access token for a target of this trust domain, bound to this workload's key, in the name of the subject. */
  exchangeFor(target: string, subject: TypedToken, asked?: Partial<Scope>): Promise<string>
  /** Across the border: a grant of our token service for another domain's, and the access token that this one gives for it. */
  chainTo(resource: string, server: string, subject: TypedToken): Promise<string>
  /** A grant for work that is done later, on whose behalf the subject token speaks. */
  defer(subject: TypedToken, asked: Scope & { readonly deferral: Deferral }): Promise<string>
  /** The transaction of deferred work. Whoever doesn't get it in time may ask again, and is told when the first answer is still good. */
  redeem(
    grant: string,
    asked: Scope & { readonly parameters: JsonObject; readonly use?: string; readonly timeoutMs: number },
  ): Promise<VerifiedTransactionToken>
  /** Gives a grant back, or the token of work that is done: nobody uses it again. */
  giveUp(token: string, options?: { readonly timeoutMs?: number }): Promise<void>
}

interface Scope {
  readonly scope: readonly string[]
}

/** An access token as the subject of an exchange. */
export function accessToken(token: string): TypedToken {
  return { token, type: TOKEN_TYPES.accessToken }
}

/** A transaction as the subject of an exchange. */
export function transactionOf({ token }: VerifiedTransactionToken): TypedToken {
  return { token, type: TOKEN_TYPES.transactionToken }
}

/** The workload itself as the subject: nobody's errand but its own. */
export function itself({ identifier }: Workload): TypedToken {
  return { token: JSON.stringify({ sub: identifier }), type: TOKEN_TYPES.unsignedJson }
}

/** Makes the client. Each request carries a WPT, which is all the registration that there is. */
export function createTokenClient(
  workload: Workload,
  { tokens, trustDomain, verify }: { readonly tokens: string; readonly trustDomain: string; readonly verify: TransactionTokenVerifier },
): TokenClient {
  const endpoint = `${tokens}/token`
  const exchange = async (requestedTokenType: string, asked: TokenExchangeRequestOptions): Promise<string> => {
    const request = tokenExchangeRequest(endpoint, { ...asked, requestedTokenType })
    const { token } = await processTokenExchangeResponse(await workload.fetch(request), { expectedTokenType: requestedTokenType })
    return token
  }
  const transaction = async (subjectToken: TypedToken, asked: Partial<TokenExchangeRequestOptions>): Promise<VerifiedTransactionToken> =>
    verify(await exchange(TOKEN_TYPES.transactionToken, { subjectToken, audience: trustDomain, ...asked }))

  return {
    async startTransaction(subject, asked) {
      const started = await transaction(subject, asked)
      note({ transaction: started.transaction })
      return started
    },
    replaceTransaction: (token, asked) => transaction(transactionOf(token), { scope: token.scope, ...asked }),
    exchangeFor: (target, subjectToken, asked) => exchange(TOKEN_TYPES.accessToken, { subjectToken, audience: target, ...asked }),
    async chainTo(resource, server, subjectToken) {
      const assertion = await exchange(TOKEN_TYPES.jwt, { subjectToken, audience: server })
      const request = jwtBearerRequest(`${server}/token`, { assertion, issuer: server, resource })
      const { token } = await processAccessTokenResponse(await workload.fetch(request))
      return token
    },
    async defer(subjectToken, asked) {
      const request = deferredGrantRequest(endpoint, { ...asked, subjectToken, issuer: tokens })
      const { token } = await processTokenExchangeResponse(await workload.fetch(request), { expectedTokenType: TOKEN_TYPES.deferredGrant })
      return token
    },
    async redeem(grant, { timeoutMs, ...asked }) {
      const request = redemptionRequest(endpoint, { ...asked, grant, trustDomain })
      const response = await workload.fetch(new Request(request, { signal: AbortSignal.timeout(timeoutMs) }))
      const { token } = await processTokenExchangeResponse(response, { expectedTokenType: TOKEN_TYPES.transactionToken })
      return verify(token)
    },
    async giveUp(token, { timeoutMs } = {}) {
      const request = revocationRequest(`${tokens}/revoke`, { token })
      const limit = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }
      await processRevocationResponse(await workload.fetch(new Request(request, limit)))
    },
  }
}
