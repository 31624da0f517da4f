import { type FieldLines, fieldValues, trustDomainOf, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { assertVerifiedWit, type VerifiedWit } from '@wimse/wit'
import { TRANSACTION_TOKEN_FIELD } from './transaction-token-field.ts'
import { assertVerifiedTransactionToken, type VerifiedTransactionToken } from './verified-transaction-token.ts'

/** What a verified WPT says about the tokens that it binds: `VerifiedWpt` of `@wimse/wpt` is one. */
export interface BindingWpt {
  readonly kind: 'wpt'
  readonly identifier: WorkloadIdentifier
  readonly wit: VerifiedWit
  /** Hashes that were compared with the message, by field name. */
  readonly boundTokens: Readonly<Record<string, string>>
}

/** What a verified HTTP signature says about the message: `VerifiedHttpSignature` of `@wimse/http-signature` is one. */
export interface BindingHttpSignature {
  readonly kind: 'http-signature'
  readonly identifier: WorkloadIdentifier
  readonly wit: VerifiedWit
  readonly components: readonly { readonly text: string }[]
  readonly message: { readonly fields: FieldLines }
}

/** A proof that binds no token: it authenticates its caller and is passed over here. */
export interface OtherProof {
  readonly kind: 'mutual-tls' | 'jwt-svid'
}

/** A proof as verifiers give it; so is each member of `proofs` of an authenticated peer. */
export type TransactionTokenProof = BindingWpt | BindingHttpSignature | OtherProof

declare const boundTransactionTokenBrand: unique symbol

/** A transaction token that its presenter has vouched for with its own key. Only {@link bindTransactionToken} makes one; policy takes nothing else. */
export interface BoundTransactionToken {
  readonly [boundTransactionTokenBrand]: true
  readonly token: VerifiedTransactionToken
  /** The workload of the last hop, which is another one than those that asked for the token. */
  readonly caller: WorkloadIdentifier
  readonly proof: 'wpt' | 'http-signature'
}

class Bound {
  readonly #bound = true
  readonly token: VerifiedTransactionToken
  readonly caller: WorkloadIdentifier
  readonly proof: BoundTransactionToken['proof']

  constructor(token: VerifiedTransactionToken, { identifier, kind }: BindingWpt | BindingHttpSignature) {
    this.token = token
    this.caller = identifier
    this.proof = kind
    Object.freeze(this)
  }

  static is(value: object): boolean {
    return #bound in value && value.#bound
  }
}

/**
 * Joins a verified transaction token with the proof of the request that carried it. In order: the token comes from its verifier, the
 * proof's WIT from its own and names the same workload; the proof covers exactly this token, with `tth` of a WPT (WPT-2-18, WPT-2-39)
 * or with the field among the components of an HTTP signature (SIG-3-11); the caller belongs to the token's trust domain (TXN-9.2-05). Of several
 * proofs one has to cover it. Without this a token that someone has seen on its way would be accepted from anyone, since by itself it
 * authenticates nobody (TXN-13.12-01).
 *
 * Not checked: the proof itself. It has been verified before, and its replay with it. Nor is `txn` remembered: all calls of a chain share it.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TXN_NOT_BOUND`, `ERR_TXN_CALLER`
 */
export function bindTransactionToken(
  token: VerifiedTransactionToken,
  proof: TransactionTokenProof | readonly TransactionTokenProof[],
): BoundTransactionToken {
  assertVerifiedTransactionToken(token)
  const covering = (Array.isArray(proof) ? proof : [proof]).find((one) => covers(one, token))
  if (covering === undefined) throw new WimseError('ERR_TXN_NOT_BOUND')
  if (trustDomainOf(covering.identifier) !== token.trustDomain) throw new WimseError('ERR_TXN_CALLER')
  return new Bound(token, covering) as object as BoundTransactionToken
}

/**
 * Makes sure at run time that an object comes from {@link bindTransactionToken}, for callers that the compiler doesn't guard.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function assertBoundTransactionToken(token: BoundTransactionToken): void {
  if (typeof token !== 'object' || token === null || !Bound.is(token))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'not a bound transaction token' })
}

function covers(proof: TransactionTokenProof, { token, hash }: VerifiedTransactionToken): proof is BindingWpt | BindingHttpSignature {
  if (proof.kind !== 'wpt' && proof.kind !== 'http-signature') return false
  assertVerifiedWit(proof.wit)
  if (proof.identifier !== proof.wit.identifier) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a proof of another workload' })
  if (proof.kind === 'wpt') {
    return Object.hasOwn(proof.boundTokens, TRANSACTION_TOKEN_FIELD) && proof.boundTokens[TRANSACTION_TOKEN_FIELD] === hash
  }
  const [value, ...others] = fieldValues(proof.message.fields, TRANSACTION_TOKEN_FIELD)
  return value === token && others.length === 0 && proof.components.some(({ text }) => text === `"${TRANSACTION_TOKEN_FIELD}"`)
}
