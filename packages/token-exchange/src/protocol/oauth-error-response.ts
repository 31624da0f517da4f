import { type ErrorCode, errorAnswer, errorTable, type WimseError } from '@wimse/core'
import { ATTESTATION_FIELDS, ERROR_CODE_MEMBER } from './names.ts'

/** What an error response of the token endpoint says. */
export interface OAuthError {
  readonly status: number
  /** RFC 6749 section 5.2, and the codes that RFC 8693 and client attestation add. */
  readonly error: string
  /** The sentence of the error table: no data of the request is in it (TEX-2.2.2-04). */
  readonly description: string
}

const PROTOCOL_ERRORS: readonly string[] = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'use_attestation_challenge',
  'use_fresh_attestation',
]
/** Faults of transaction tokens that are about what was asked for. All others are about the token that was presented. */
const TRANSACTION_FAULTS: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  ERR_TXN_SCOPE: 'ERR_EXCHANGE_SCOPE',
  ERR_TXN_SCOPE_WIDER: 'ERR_EXCHANGE_SCOPE',
  ERR_TXN_CONTEXT: 'ERR_EXCHANGE_PARAMETER_MALFORMED',
  ERR_TXN_CONTEXT_WIDER: 'ERR_EXCHANGE_PARAMETER_MALFORMED',
  ERR_TXN_EMBEDDED_TOKEN: 'ERR_EXCHANGE_PARAMETER_MALFORMED',
  ERR_TXN_TOO_LARGE: 'ERR_EXCHANGE_PARAMETER_TOO_LARGE',
}
/** Credentials and proofs of other packages: at a token endpoint they are what a client authenticates with. */
const CREDENTIAL_FAMILY = /^ERR_(?:PROOF|WIT|WPT|HTTP_SIGNATURE|JWT_SVID|X509|MTLS|TLS)_/

/**
 * The OAuth error of a code: the protocol's own where the table has it as reason (TEX-2.2.2-02, TEX-2.2.2-03, TEX-2.2.2-05),
 * that of the parameter or of the subject token for what is wrong with a transaction token (TXN-11.4-05), `invalid_client` for failed
 * credentials and proofs of other packages, `unauthorized_client` for who is known and not allowed,
 * `server_error` and `temporarily_unavailable` for what isn't the client's fault, else `invalid_request`.
 */
export function oauthErrorOf(code: ErrorCode): OAuthError {
  const { status, reason, sentence: description } = errorTable[atTokenEndpoint(code)]
  if (PROTOCOL_ERRORS.includes(reason)) return { status, error: reason, description }
  if (CREDENTIAL_FAMILY.test(code) && status < 500) return { status: 400, error: 'invalid_client', description }
  if (status === 403) return { status: 400, error: 'unauthorized_client', description }
  if (status === 503) return { status, error: 'temporarily_unavailable', description }
  // That another server failed us is no business of the client, and neither is our configuration.
  if (status >= 500) return { status: 500, error: 'server_error', description: 'The request can not be processed at the moment.' }
  return { status: status === 413 ? 413 : 400, error: 'invalid_request', description }
}

function atTokenEndpoint(code: ErrorCode): ErrorCode {
  const presented = code.startsWith('ERR_TXN_') && errorTable[code].status < 500
  return TRANSACTION_FAULTS[code] ?? (presented ? 'ERR_EXCHANGE_SUBJECT_TOKEN' : code)
}

/** Options of {@link oauthErrorResponse}. */
export interface OAuthErrorResponseOptions {
  /** Whether the endpoint takes WPTs: a failed one is then a 401 with its challenge (WPT-2.1-02). */
  readonly takesWpt?: boolean
  /** A challenge for the client's next proof of possession; ATT-7.4-01 wants one with `use_attestation_challenge`. */
  readonly attestationChallenge?: string
  /** Tells the code as well, in `wimse_ts_code`, where the fault isn't the server's. */
  readonly tellCode?: boolean
}

/**
 * The error response of a token endpoint (RFC 6749 section 5.2): JSON with `error` and `error_description`, never stored (TEX-2.2.2-01,
 * CHN-2.3.2-01, CHN-2.4.2-05). No token and no other data of the request is in it. Give it the error that a step threw, or its code.
 */
export function oauthErrorResponse(failure: WimseError | ErrorCode, options: OAuthErrorResponseOptions = {}): Response {
  const code = typeof failure === 'string' ? failure : failure.code
  const { status, error, description } = oauthErrorOf(code)
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' })
  const answer = errorAnswer(code, { takesWpt: options.takesWpt ?? false })
  const challenged = answer.headers.some(([name]) => name === 'www-authenticate')
  if (challenged) headers.set('www-authenticate', 'WPT')
  // ATT-7.4-01
  if (options.attestationChallenge !== undefined) headers.set(ATTESTATION_FIELDS.challenge, options.attestationChallenge)
  const told = options.tellCode === true && status < 500 ? { [ERROR_CODE_MEMBER]: code } : {}
  return new Response(JSON.stringify({ error, error_description: description, ...told }), { status: challenged ? 401 : status, headers })
}
