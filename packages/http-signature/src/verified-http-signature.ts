import type { RequestView, ResponseView, WorkloadIdentifier } from '@wimse/core'
import { WimseError } from '@wimse/core'
import type { ComponentIdentifier } from '@wimse/http-message-signatures'
import type { VerifiedWit } from '@wimse/wit'

declare const verifiedBrand: unique symbol

interface VerifiedSignatureOf<Message> {
  readonly [verifiedBrand]: true
  readonly kind: 'http-signature'
  /** The workload that signed. */
  readonly identifier: WorkloadIdentifier
  readonly wit: VerifiedWit
  readonly nonce: string
  /** Seconds since the epoch. */
  readonly created: number
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** What the signature covers: nothing else of the message is authenticated. */
  readonly components: readonly ComponentIdentifier[]
  /** The message as it was verified, with its body read. */
  readonly message: Message
  /** The octets of the body, compared with their digest; empty where there was none. */
  readonly body: Uint8Array
}

/** The proof of one request. Only verification makes one. */
export interface VerifiedHttpSignature extends VerifiedSignatureOf<RequestView> {
  /** What `wimse-aud` was. */
  readonly audience: string
  /** Whether the caller refuses an unsigned response (SIG-3.3-02, SIG-3.5-02). */
  readonly signedResponseRequired: boolean
}

/** A response whose signature holds and is bound to the request. Only verification makes one. */
export interface VerifiedHttpSignatureResponse extends VerifiedSignatureOf<ResponseView> {
  /** What `wimse-req-nonce` was: the nonce of the request. */
  readonly requestNonce: string
}

/** What only this module can put on an object; a private name costs the collector nothing, as a `WeakSet` would. */
class Verified {
  readonly #verified = true

  static of<T extends object>(value: T): T {
    return Object.freeze(Object.assign(new Verified(), value))
  }

  static isOn(value: object): boolean {
    return #verified in value
  }
}

/** For the verifiers alone: not exported by the package. */
export function brandRequest(signature: Omit<VerifiedHttpSignature, typeof verifiedBrand>): VerifiedHttpSignature {
  return Verified.of(signature) as VerifiedHttpSignature
}

/** For the verifiers alone: not exported by the package. */
export function brandResponse(signature: Omit<VerifiedHttpSignatureResponse, typeof verifiedBrand>): VerifiedHttpSignatureResponse {
  return Verified.of(signature) as VerifiedHttpSignatureResponse
}

/**
 * Makes sure at run time that an object comes from a verifier, for callers that the compiler doesn't guard.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function assertVerifiedHttpSignature(signature: VerifiedHttpSignature | VerifiedHttpSignatureResponse): void {
  if (!Verified.isOn(signature)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'not a verified signature' })
}
