import { type JsonObject, type MaybePromise, type TrustDomain, WimseError, type WorkloadIdentifier } from '@wimse/core'
import type { SignatureAlgorithm, Verifier } from '@wimse/keys'

/** How a client authenticated. `spiffe_…` are the names of metadata (SCA-4-03); `wimse` is a WPT or an HTTP signature on the request. */
export type ClientAuthenticationMethod = 'spiffe_jwt' | 'spiffe_wit' | 'spiffe_x509' | 'wimse'

/** The key that a token can be bound to, as `cnf` names it. */
export type Confirmation =
  /** RFC 7638 thumbprint, SHA-256, of the confirmation key of a WIT. */
  | { readonly jkt: string }
  /** SHA-256 of a certificate in DER, base64url. */
  | { readonly 'x5t#S256': string }

declare const authenticatedClientBrand: unique symbol

/** A workload that authenticated at the token endpoint and is admitted there. Only the authenticator makes one. */
export interface AuthenticatedClient {
  readonly [authenticatedClientBrand]: true
  readonly method: ClientAuthenticationMethod
  /** The `client_id` as well: the exact identifier (SCA-3.1-10, SCA-3.2-12, ATT-7.5-01). */
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** The key that the client proved; undefined for a JWT-SVID, which proves none. */
  readonly confirmation: Confirmation | undefined
  /**
   * The key that the client proved, for what it signed itself with this algorithm: that of its WIT, or of its certificate where the connection tells
   * it. Undefined where it proved none, or one for other algorithms.
   */
  keyFor(algorithm: SignatureAlgorithm): MaybePromise<Verifier | undefined>
  /** The claims of its token, for policy; empty for a certificate. */
  readonly claims: JsonObject
}

class Authenticated {
  readonly #made = true

  static of<T extends object>(value: T): T {
    return Object.freeze(Object.assign(new Authenticated(), value))
  }

  static isOn(value: object): boolean {
    return #made in value
  }
}

/** For the authenticator alone: not exported by the package. */
export function authenticatedClient(client: Omit<AuthenticatedClient, typeof authenticatedClientBrand>): AuthenticatedClient {
  return Authenticated.of(client) as unknown as AuthenticatedClient
}

/**
 * Makes sure at run time that a client comes from the authenticator, for callers that the compiler doesn't guard.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function assertAuthenticatedClient(client: AuthenticatedClient): void {
  if (typeof client !== 'object' || client === null || !Authenticated.isOn(client)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'not an authenticated client' })
  }
}

/**
 * The key that a token for this client is bound to.
 *
 * @throws WimseError `ERR_EXCHANGE_CLIENT_UNBOUND` when it proved none: no token that anyone could use is issued then
 */
export function requireConfirmation(client: AuthenticatedClient): Confirmation {
  assertAuthenticatedClient(client)
  if (client.confirmation === undefined) throw new WimseError('ERR_EXCHANGE_CLIENT_UNBOUND')
  return client.confirmation
}
