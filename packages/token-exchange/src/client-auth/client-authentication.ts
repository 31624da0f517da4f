import { formatBase64url, type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { defaultRuntime, signCompactJws } from '@wimse/keys'
import { assertLiveCredential, type WitCredential } from '@wimse/wit'
import { ATTESTATION_FIELDS, JWT_SPIFFE_ASSERTION_TYPE } from '../protocol/names.ts'
import { checkIssuer } from '../protocol/uri.ts'

/** What a client adds to a request so that the server knows it: form parameters and header fields. For one request. */
export interface ClientAuthentication {
  readonly parameters: readonly (readonly [name: string, value: string])[]
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/**
 * Authentication with a JWT-SVID (SCA-3.1-01, SCA-3.1-04, SCA-3.1-05, SCA-4-05). The token has to be for the server's issuer identifier
 * alone (JAS-4-05): the one who fetched it sees to that. The `client_id` is the identifier.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-spiffe-client-auth/ section 3.1
 */
export function jwtSvidAuthentication({
  identifier,
  token,
}: {
  readonly identifier: WorkloadIdentifier
  readonly token: string
}): ClientAuthentication {
  return {
    parameters: [
      ['client_id', identifier],
      ['client_assertion_type', JWT_SPIFFE_ASSERTION_TYPE],
      ['client_assertion', token],
    ],
    fields: [],
  }
}

/**
 * The `client_id` of a client that authenticates otherwise: with its X.509-SVID on the connection (SCA-3.2-05), or with a WIMSE proof on
 * the request.
 */
export function clientIdentification(identifier: WorkloadIdentifier): ClientAuthentication {
  return { parameters: [['client_id', identifier]], fields: [] }
}

/** Options of {@link createAttestationAuthentication}. */
export interface AttestationAuthenticationOptions {
  readonly credential: WitCredential
  /** The issuer identifier of the authorization server: the one audience of the proof (ATT-5.1-02). */
  readonly issuer: string
  /** The server's latest challenge, when it gave one (ATT-5.1-06, ATT-6.1-02, ATT-6.2-01). */
  readonly challenge?: string
  readonly runtime?: Runtime
}

/**
 * Authentication with a WIT: the WIT and a proof of possession signed by its key, in the header fields of client attestation (SCA-3.3-01,
 * SCA-3.3-02, ATT-4-07, ATT-5.1-08). The proof has `typ` (ATT-5.1-01), `aud`, a `jti` of 128 random bits (ATT-5.1-04), `iat` (ATT-5.1-05).
 * Each call makes a new one: a proof is for one request to one server (ATT-5.1-03).
 *
 * @throws WimseError `ERR_CREDENTIAL_EXPIRED`, `ERR_OPTIONS_INVALID`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-attestation-based-client-auth/ section 5.1
 */
export async function createAttestationAuthentication(options: AttestationAuthenticationOptions): Promise<ClientAuthentication> {
  const { credential, challenge, runtime = defaultRuntime() } = options
  const issuer = checkIssuer(options.issuer)
  if (challenge !== undefined && (typeof challenge !== 'string' || challenge === '')) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'challenge' })
  }
  // ATT-9.6-01: the key of this WIT and no other.
  assertLiveCredential(credential, runtime)
  const claims = {
    aud: issuer,
    iat: Math.floor(runtime.now() / 1000),
    jti: formatBase64url(runtime.randomBytes(16)),
    ...(challenge === undefined ? {} : { challenge }),
  }
  const proof = await signCompactJws({ typ: 'oauth-client-attestation-pop+jwt' }, claims, credential.signer)
  return {
    parameters: [['client_id', credential.identifier]],
    fields: [
      [ATTESTATION_FIELDS.attestation, credential.token],
      [ATTESTATION_FIELDS.proof, proof],
    ],
  }
}
