import { matchesAny, parseIdentifierPattern, WimseError } from '@wimse/core'
import { type AuthenticatedPeer, assertAuthenticatedPeer } from './authenticated-peer.ts'

/** Who may: identifiers and patterns (`spiffe://shop.example/batch/*`), or a function of the authenticated peer. */
export type Allow = string | readonly string[] | ((peer: AuthenticatedPeer) => boolean | Promise<boolean>)

/** Refuses a peer that may not. */
export type Authorizer = (peer: AuthenticatedPeer) => Promise<void>

/**
 * Reads a rule once. Patterns match whole path segments in one trust domain (ID-4.3-03, ID-7.6-01, CRED-7-02); an empty list allows nobody.
 * The authorizer takes peers of an authenticator alone, and nothing but `true` of a function allows.
 *
 * @throws WimseError `ERR_IDENTIFIER_PATTERN`, `ERR_OPTIONS_INVALID`; the authorizer throws `ERR_POLICY_DENIED`
 */
export function createAuthorizer(allow: Allow): Authorizer {
  const decide = typeof allow === 'function' ? allow : byPatterns(typeof allow === 'string' ? [allow] : allow)
  return async (peer) => {
    assertAuthenticatedPeer(peer)
    if ((await decide(peer)) !== true) throw new WimseError('ERR_POLICY_DENIED')
  }
}

function byPatterns(texts: readonly string[]): (peer: AuthenticatedPeer) => boolean {
  if (!Array.isArray(texts)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'allow' })
  const patterns = texts.map(parseIdentifierPattern)
  return ({ identifier }) => matchesAny(patterns, identifier)
}
