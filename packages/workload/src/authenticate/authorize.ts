import { matchesAny, parseIdentifierPattern, WimseError } from '@wimse/core'
import { assertBoundTransactionToken, type BoundTransactionToken } from '@wimse/transaction-tokens'
import { type AuthenticatedPeer, assertAuthenticatedPeer } from './authenticated-peer.ts'

/**
 * Who may: identifiers and patterns (`spiffe://shop.example/batch/*`), or a function of the authenticated peer and of the transaction that it
 * vouches for. Undefined where the request has none or the authenticator has no `transactionTokens`.
 */
export type Allow =
  | string
  | readonly string[]
  | ((peer: AuthenticatedPeer, transaction: BoundTransactionToken | undefined) => boolean | Promise<boolean>)

/** Refuses a peer that may not. */
export type Authorizer = (peer: AuthenticatedPeer, transaction?: BoundTransactionToken | undefined) => Promise<void>

/**
 * Reads a rule once. Patterns match whole path segments in one trust domain (ID-4.3-03, ID-7.6-01, CRED-7-02); an empty list allows nobody.
 * The authorizer takes peers of an authenticator alone, and of transactions none but those that this peer has bound to its proof; nothing
 * but `true` of a function allows (TXN-12.2-06).
 *
 * @throws WimseError `ERR_IDENTIFIER_PATTERN`, `ERR_OPTIONS_INVALID`; the authorizer throws `ERR_POLICY_DENIED`
 */
export function createAuthorizer(allow: Allow): Authorizer {
  const decide = typeof allow === 'function' ? allow : byPatterns(typeof allow === 'string' ? [allow] : allow)
  return async (peer, transaction) => {
    assertAuthenticatedPeer(peer)
    if (transaction !== undefined) {
      assertBoundTransactionToken(transaction)
      if (transaction.caller !== peer.identifier) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a transaction of another peer' })
    }
    if ((await decide(peer, transaction)) !== true) throw new WimseError('ERR_POLICY_DENIED')
  }
}

function byPatterns(texts: readonly string[]): (peer: AuthenticatedPeer) => boolean {
  if (!Array.isArray(texts)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'allow' })
  const patterns = texts.map(parseIdentifierPattern)
  return ({ identifier }) => matchesAny(patterns, identifier)
}
