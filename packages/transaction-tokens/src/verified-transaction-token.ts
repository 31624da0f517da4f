import { type JsonObject, type TrustDomain, WimseError } from '@wimse/core'

declare const verifiedTransactionTokenBrand: unique symbol

/**
 * A transaction token whose verification has succeeded. Only the verifier makes one. It says what the transaction is about and nothing
 * about who presents it: it is no authentication (TXN-13.12-01), and context counts only with a proof, see `bindTransactionToken`.
 */
export interface VerifiedTransactionToken {
  readonly [verifiedTransactionTokenBrand]: true
  /** The token as it came: what is passed on (TXN-12.2-05). */
  readonly token: string
  /** SHA-256 of the token's octets in base64url: what `tth` of a WPT has to be, and what may be logged (TXN-15.2-02). */
  readonly hash: string
  /** The one trust domain in which the token means something: `aud`. */
  readonly trustDomain: TrustDomain
  /** `txn`. The same in every replacement and in every call of the chain. */
  readonly transaction: string
  /** `sub`: one principal of the trust domain, not of an issuer (TXN-9.2-10). */
  readonly subject: string
  /** The values of `scope`. */
  readonly scope: readonly string[]
  /** `req_wl`: who asked for the token, then who asked for each replacement, in order. At least one. */
  readonly requestingWorkloads: readonly [string, ...string[]]
  /** `tctx`: what stays the same along the call chain. */
  readonly transactionContext: JsonObject | undefined
  /** `rctx`: the environment of the request. */
  readonly requesterContext: JsonObject | undefined
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** From then on it is refused for its age, seconds since the epoch: `expiresAt` and the verifier's clock tolerance. */
  readonly refusedFrom: number
  readonly issuer: string | undefined
  readonly claims: JsonObject
}

/** What the verifier knows of a token. */
export type TransactionTokenContents = Omit<VerifiedTransactionToken, typeof verifiedTransactionTokenBrand>

/** The brand: a private member that no other code can give an object, and that costs the garbage collector nothing. */
class Verified implements TransactionTokenContents {
  readonly token: string
  readonly hash: string
  readonly trustDomain: TrustDomain
  readonly transaction: string
  readonly subject: string
  readonly scope: readonly string[]
  readonly requestingWorkloads: readonly [string, ...string[]]
  readonly transactionContext: JsonObject | undefined
  readonly requesterContext: JsonObject | undefined
  readonly issuedAt: number
  readonly expiresAt: number
  readonly refusedFrom: number
  readonly issuer: string | undefined
  readonly claims: JsonObject
  readonly #verified = true

  constructor(contents: TransactionTokenContents) {
    this.token = contents.token
    this.hash = contents.hash
    this.trustDomain = contents.trustDomain
    this.transaction = contents.transaction
    this.subject = contents.subject
    this.scope = contents.scope
    this.requestingWorkloads = contents.requestingWorkloads
    this.transactionContext = contents.transactionContext
    this.requesterContext = contents.requesterContext
    this.issuedAt = contents.issuedAt
    this.expiresAt = contents.expiresAt
    this.refusedFrom = contents.refusedFrom
    this.issuer = contents.issuer
    this.claims = contents.claims
    Object.freeze(this)
  }

  static is(value: object): boolean {
    return #verified in value && value.#verified
  }
}

/** For the verifier alone: not exported by the package. */
export function brandVerifiedTransactionToken(contents: TransactionTokenContents): VerifiedTransactionToken {
  // One object serves every request that carries this token: nobody may change it for the others.
  deepFreeze(contents.claims)
  return new Verified(contents) as object as VerifiedTransactionToken
}

/**
 * Makes sure at run time that an object comes from the verifier, for callers that the compiler doesn't guard.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function assertVerifiedTransactionToken(token: VerifiedTransactionToken): void {
  if (typeof token !== 'object' || token === null || !Verified.is(token))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'not a verified transaction token' })
}

function deepFreeze(value: object): void {
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (typeof member === 'object' && member !== null) deepFreeze(member)
  }
  Object.freeze(value)
}
