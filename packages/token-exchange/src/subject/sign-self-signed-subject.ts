import { formatBase64url, type JsonObject, type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { DEFAULT_MAX_TOKEN_BYTES, defaultRuntime, type Signer, signCompactJws } from '@wimse/keys'
import type { TypedToken } from '../exchange/token-exchange-request.ts'
import { TOKEN_TYPES } from '../protocol/names.ts'
import { checkIssuer } from '../protocol/uri.ts'

/** What a workload says of a subject when no token came in from outside. */
export interface SelfSignedSubjectContents {
  /** Who the transaction is for: the workload itself, or one of its jobs. */
  readonly subject: string
  /** The issuer identifier of the token service (TXN-11.2.1-06). */
  readonly audience: string
  /** Whole seconds, {@link DEFAULT_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS} unless told, {@link MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS} at most. */
  readonly lifetimeSeconds?: number
  /** More claims (TXN-11.2.1-11); those that the token has for itself are refused. */
  readonly claims?: JsonObject
}

/** Who signs. A `WitCredential` of `@wimse/wit` is one. */
export interface SelfSigner {
  readonly identifier: WorkloadIdentifier
  /** Has the key that the workload proves at the token service: that of its WIT. */
  readonly signer: Signer
}

export const DEFAULT_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS = 60
export const MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS = 300

const OWN_CLAIMS = ['iss', 'sub', 'aud', 'iat', 'exp', 'nbf', 'jti']

/**
 * Makes a self-signed subject token for one request (TXN-11.2.1-01, TXN-13.5-01), with its type (TXN-11.2.1-02): `iss` is the workload
 * (TXN-11.2.1-03), `sub` the subject (TXN-11.2.1-04), `aud` the token service (TXN-11.2.1-06), `iat` now (TXN-11.2.1-08), `exp`
 * (TXN-11.2.1-10), `jti` of 128 random bits. It also serves as the actor token of the workload, where `subject` is the workload itself. The
 * request has to be authenticated with the same key.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ section 11.2.1
 */
export async function signSelfSignedSubject(
  contents: SelfSignedSubjectContents,
  { identifier, signer }: SelfSigner,
  options: { readonly runtime?: Runtime } = {},
): Promise<TypedToken> {
  const { subject, lifetimeSeconds = DEFAULT_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS, claims = {} } = contents
  const { runtime = defaultRuntime() } = options
  if (typeof subject !== 'string' || subject === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'subject' })
  if (!(lifetimeSeconds >= 1 && lifetimeSeconds <= MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  }
  if (Object.keys(claims).some((name) => OWN_CLAIMS.includes(name))) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'claims' })
  const now = Math.floor(runtime.now() / 1000)
  const payload = {
    ...claims,
    iss: identifier,
    sub: subject,
    aud: checkIssuer(contents.audience),
    iat: now,
    exp: now + Math.floor(lifetimeSeconds),
    jti: formatBase64url(runtime.randomBytes(16)),
  }
  const token = await signCompactJws({ typ: 'JWT' }, payload, signer)
  if (token.length > DEFAULT_MAX_TOKEN_BYTES) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'claims' })
  return { token, type: TOKEN_TYPES.selfSigned }
}
