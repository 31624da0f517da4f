import type { WorkloadIdentifier } from '@wimse/core'

/**
 * How a call proves who makes it: by mutual TLS alone, by a WPT, by an HTTP signature (with a signed response required, or not), or, where the
 * peer's policy allows bearer tokens, by a JWT-SVID.
 */
export type ProofChoice = 'mutual-tls' | 'wpt' | 'http-signature' | 'http-signature-and-response' | 'jwt-svid'

/** The proof for each peer: one for all, or a rule. Nothing of a request or an answer changes it. */
export type ProofRule = ProofChoice | ((peer: WorkloadIdentifier) => ProofChoice)
