/** The proofs that the suite shows. `http-signature-response` is an HTTP signature that requires a signed response. */
export type ProofName = 'mutual-tls' | 'wpt' | 'http-signature' | 'http-signature-response' | 'jwt-svid' | 'none'

/** One call that a workload is asked to make. */
export interface CallSpec {
  /** `https://payments.shop.example:PORT`, the peer's URL. */
  readonly to: string
  readonly proof: ProofName
  readonly method?: string
  /** `/charges` unless told. */
  readonly path?: string
  readonly query?: string
  readonly body?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** A token for the Txn-Token field, bound to the proof. */
  readonly transactionToken?: string
  /** What an attacker changes between the proof and the wire, in this order. */
  readonly tamper?: readonly Tamper[]
  /** What an attacker changes in the response before the caller verifies it. */
  readonly tamperResponse?: ResponseTamper
  /** The proof names this audience instead of the peer's. */
  readonly audience?: string
  /** The clock of the caller is off by this many seconds when it makes the proof. */
  readonly clockOffsetSeconds?: number
  /** The request uses this WIT (somebody else's) with the caller's own key. */
  readonly borrowedWit?: string
  /** The proof is made with this stolen or forged credential instead of the caller's own. DER in base64, in memory only. */
  readonly forgedCredential?: ForgedCredential
  /** The identifier that the caller expects, instead of the configured one. */
  readonly expectPeer?: string
  /** The result carries the text of the answer: what somebody who broke into a workload reads, tokens among it. */
  readonly returnBody?: boolean
}

export interface ForgedCredential {
  readonly wit?: { readonly token: string; readonly privateJwk: Readonly<Record<string, unknown>> }
  readonly x509?: { readonly chain: readonly string[]; readonly privateKey: string }
}

export type Tamper =
  | { readonly kind: 'body'; readonly value: string }
  | { readonly kind: 'method'; readonly value: string }
  | { readonly kind: 'path'; readonly value: string }
  | { readonly kind: 'query'; readonly value: string }
  | { readonly kind: 'set-header'; readonly name: string; readonly value: string }
  | { readonly kind: 'remove-header'; readonly name: string }
  /** The line is sent twice. */
  | { readonly kind: 'double-header'; readonly name: string }
  /** The request is sent, then once more as it is: the result is that of the second. */
  | { readonly kind: 'replay' }
  /** The WIT moves into `Authorization: Bearer`, and every proof is removed. */
  | { readonly kind: 'wit-as-bearer' }
  /** The signature is carried twice under two labels, both with the WIMSE tag. */
  | { readonly kind: 'second-tagged-signature' }

export type ResponseTamper = 'strip-signature' | 'body' | 'status' | 'of-another-request'

/** What came of a call. No token is in it, except in `body`. */
export interface CallResult {
  /** `answered` when there is an HTTP answer that the caller accepted as one; `refused-by-caller` when the caller rejected it. */
  readonly outcome: 'answered' | 'refused-by-caller' | 'connection-failed'
  readonly status?: number
  /** `WWW-Authenticate` of the answer. */
  readonly challenge?: string
  /** `code` and `type` of problem details in the answer. */
  readonly problem?: { readonly code?: string; readonly type?: string; readonly title?: string }
  /** The code of the error that the caller itself raised. */
  readonly callerCode?: string
  /** The identifier under which the callee served the request. */
  readonly servedFor?: string
  readonly servedBy?: string
  /** Proof kinds that the callee verified. */
  readonly verified?: readonly string[]
  readonly algorithm?: string
  /** The text of the answer where `returnBody` asked for it, at most {@link MAX_RETURNED_BODY_BYTES}. In memory only, never in evidence. */
  readonly body?: string
  readonly durationMs: number
  /** Request and response lines with tokens replaced by their names, the signature base, the peer's chain. */
  readonly evidence: Readonly<Record<string, unknown>>
}

/** Octets of an answer that {@link CallSpec.returnBody} takes at most; more is a failure of the call. */
export const MAX_RETURNED_BODY_BYTES = 65_536

/** What a workload says of itself. No token is in it. */
export interface PeerStatus {
  readonly ready: boolean
  readonly identifier?: string
  /** Seconds since the epoch. */
  readonly x509ExpiresAt?: number
  readonly witExpiresAt?: number
  readonly witHash?: string
  readonly witAlgorithm?: string
  readonly witSource?: 'native' | 'bridged'
  readonly rotations: { readonly x509: number; readonly wit: number }
  readonly trustDomains: readonly { readonly name: string; readonly kinds: readonly string[] }[]
  readonly errors: readonly string[]
}

/** A steady stream of calls. */
export interface StreamSpec {
  readonly calls: readonly { readonly to: string; readonly proof: ProofName }[]
  readonly intervalMs: number
}

export interface StreamReport {
  readonly made: number
  readonly failed: readonly {
    readonly at: string
    readonly proof: ProofName
    readonly to: string
    readonly code: string
    /** What the system said of a connection that broke, such as `ECONNRESET`. */
    readonly cause?: string
  }[]
  readonly seconds: number
  /** How many credentials of each kind the caller used in that time. */
  readonly credentials: { readonly x509: number; readonly wit: number }
}

/** A message that a workload is asked to prove. */
export interface MessageSpec {
  /** `nats://shop.example/settlement.jobs.settle` */
  readonly destination: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly payload: string
  /** Fields that the proof binds. */
  readonly boundFields: readonly string[]
  /** The clock of the sender is off by this many seconds. */
  readonly clockOffsetSeconds?: number
  /** The message has this WIT (somebody else's) with the sender's own key. */
  readonly borrowedWit?: string
}

/** What a caller lends: its own current WIT, for the attack of somebody who saw it. */
export interface LentWit {
  readonly token: string
}

/** A bearer credential of a workload. */
export interface LentJwtSvid {
  readonly token: string
}
