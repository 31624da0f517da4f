import type { WorkloadIdentifier } from '@wimse/core'
import type { CarriedTransaction } from '@wimse/transaction-tokens'

/**
 * How a call proves who makes it: by mutual TLS alone, by a WPT, by an HTTP signature (with a signed response required, or not), or, where the
 * peer's policy allows bearer tokens, by a JWT-SVID.
 */
export type ProofChoice = 'mutual-tls' | 'wpt' | 'http-signature' | 'http-signature-and-response' | 'jwt-svid'

/** The proof for each peer: one for all, or a rule. Nothing of a request or an answer changes it. */
export type ProofRule = ProofChoice | ((peer: WorkloadIdentifier) => ProofChoice)

/** What one call has of its own. */
export interface CallChoice {
  /** Instead of the workload's rule: such as `http-signature` beside an access token in Authorization, which the signature covers. */
  readonly proof?: ProofChoice
  /** Whom the proof is for: the target URI without its query unless told; for a JWT-SVID the origin. */
  readonly audience?: string
  /**
   * The transaction that the call belongs to: the one that came with the request that it is made for, or a token that the token service has
   * given for this and that was verified. Undefined for a call outside of any.
   */
  readonly transaction?: CarriedTransaction | undefined
}

/** The `init` of `workload.fetch`. */
export type CallInit = RequestInit & CallChoice
