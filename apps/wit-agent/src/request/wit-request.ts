import { formatBase64url, type JsonObject, type Runtime, utf8, type WorkloadIdentifier } from '@wimse/core'
import { type Signer, signCompactJws } from '@wimse/keys'

/** `typ` of the proof in a request for a WIT-SVID. */
export const WIT_REQUEST_TYP = 'wit-svid-request+jwt'
export const WIT_REQUEST_PATH = '/v1/wit-svid'
/** How long a proof is good for unless told. */
export const DEFAULT_WIT_REQUEST_LIFETIME_SECONDS = 30

/** What {@link createWitRequest} binds the key to. */
export interface WitRequestOptions {
  /** The new key, which the WIT-SVID will name. */
  readonly signer: Signer
  /** The WIT agent. */
  readonly audience: WorkloadIdentifier
  /** The workload itself. */
  readonly subject: WorkloadIdentifier
  /** The certificate (DER) that the workload authenticates with in TLS. */
  readonly leaf: Uint8Array
  /** Asks for the entry with this hint. */
  readonly hint?: string
  readonly lifetimeSeconds?: number
  readonly runtime: Runtime
}

/**
 * Makes the body of a request for a WIT-SVID: the public key and the proof that the caller holds its private half, a compact JWS over
 * the recipient, the workload, the TLS certificate (RFC 8705 section 3.1) and a time of seconds.
 */
export async function createWitRequest(options: WitRequestOptions): Promise<string> {
  const { signer, audience, subject, leaf, hint, lifetimeSeconds = DEFAULT_WIT_REQUEST_LIFETIME_SECONDS, runtime } = options
  const iat = Math.floor(runtime.now() / 1000)
  const claims: JsonObject = {
    aud: audience,
    sub: subject,
    iat,
    exp: iat + lifetimeSeconds,
    jti: formatBase64url(runtime.randomBytes(16)),
    cnf: { 'x5t#S256': await certificateThumbprint(leaf, runtime) },
    ...(hint !== undefined && { hint }),
  }
  const proof = await signCompactJws({ typ: WIT_REQUEST_TYP }, claims, signer)
  return JSON.stringify({ jwk: signer.publicJwk, proof })
}

/** `x5t#S256` of a certificate in DER. */
export async function certificateThumbprint(certificate: Uint8Array, { crypto }: Pick<Runtime, 'crypto'>): Promise<string> {
  return formatBase64url(await crypto.digest('sha-256', certificate))
}

/** What the WIT agent answers. */
export interface WitAnswer {
  readonly spiffe_id: string
  readonly wit_svid: string
  /** Seconds since the epoch. */
  readonly expires_at: number
  readonly hint?: string
}

/** The octets of an answer. */
export function formatWitAnswer(answer: WitAnswer): Uint8Array {
  return utf8(JSON.stringify(answer))
}
