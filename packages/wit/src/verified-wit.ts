import type { JsonObject, TrustDomain, WorkloadIdentifier } from '@wimse/core'
import { WimseError } from '@wimse/core'
import type { Verifier } from '@wimse/keys'

declare const verifiedWitBrand: unique symbol

/** A WIT whose verification has succeeded. Only the verifier makes one; proofs take nothing else. It is no authentication by itself. */
export interface VerifiedWit {
  readonly [verifiedWitBrand]: true
  /** The token as it came. */
  readonly token: string
  /** SHA-256 of the token's octets in base64url: what `wth` of a WPT has to be. */
  readonly hash: string
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** From then on it is refused for its age, seconds since the epoch: `expiresAt` and the verifier's clock tolerance. */
  readonly refusedFrom: number
  readonly issuer: string | undefined
  /** The key that the workload has to prove possession of, with its one algorithm. */
  readonly confirmation: Verifier
  /** Every claim, for policy and audit. Claims that no specification names are as trustworthy as the issuer. */
  readonly claims: JsonObject
}

/** The brand is a private member, which no other code can give an object. */
class Verified implements Omit<VerifiedWit, typeof verifiedWitBrand> {
  readonly token: string
  readonly hash: string
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  readonly expiresAt: number
  readonly refusedFrom: number
  readonly issuer: string | undefined
  readonly confirmation: Verifier
  readonly #claims: JsonObject

  constructor(wit: Omit<VerifiedWit, typeof verifiedWitBrand>) {
    this.token = wit.token
    this.hash = wit.hash
    this.identifier = wit.identifier
    this.trustDomain = wit.trustDomain
    this.expiresAt = wit.expiresAt
    this.refusedFrom = wit.refusedFrom
    this.issuer = wit.issuer
    this.confirmation = wit.confirmation
    this.#claims = wit.claims
    Object.freeze(this)
  }

  /** One object serves every request that carries this WIT: nobody may change it for the others. Most never look. */
  get claims(): JsonObject {
    if (!Object.isFrozen(this.#claims)) deepFreeze(this.#claims)
    return this.#claims
  }

  static is(value: object): boolean {
    return #claims in value
  }
}

/** For the verifier alone: not exported by the package. */
export function brandVerifiedWit(wit: Omit<VerifiedWit, typeof verifiedWitBrand>): VerifiedWit {
  return new Verified(wit) as object as VerifiedWit
}

/**
 * Makes sure at run time that an object comes from the verifier, for callers that the compiler doesn't guard.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function assertVerifiedWit(wit: VerifiedWit): void {
  if (typeof wit !== 'object' || wit === null || !Verified.is(wit))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'not a verified WIT' })
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const member of Object.values(value)) deepFreeze(member)
  Object.freeze(value)
}
