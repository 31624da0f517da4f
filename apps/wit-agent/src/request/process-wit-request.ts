import {
  isJsonObject,
  type JsonObject,
  parseStrictJsonObject,
  type ReplayStore,
  type Runtime,
  sameOctets,
  utf8,
  WimseError,
  type WorkloadIdentifier,
  withCode,
} from '@wimse/core'
import { createVerifier, decodeUnverifiedJws, isSignatureAlgorithm, type PublicJwk, SVID_ALGORITHMS } from '@wimse/keys'
import { certificateThumbprint, WIT_REQUEST_TYP } from './wit-request.ts'

/** Longest body of a request in octets: an RSA key of 8192 bits and a proof by it fit. */
export const MAX_WIT_REQUEST_BYTES = 16_384
/** Longest time between `iat` and `exp` of a proof. */
const MAX_WIT_REQUEST_LIFETIME_SECONDS = 60
const WIT_REQUEST_CLOCK_TOLERANCE_SECONDS = 30
const MAX_JTI_LENGTH = 128
const MAX_HINT_LENGTH = 1024

/** The workload at the other end of the TLS connection. */
export interface AuthenticatedWorkload {
  readonly identifier: WorkloadIdentifier
  /** Its certificate in DER. */
  readonly leaf: Uint8Array
}

export interface ProcessWitRequestOptions {
  readonly peer: AuthenticatedWorkload
  /** Who this WIT agent is. */
  readonly audience: WorkloadIdentifier
  readonly replay: ReplayStore
  readonly runtime: Runtime
}

declare const provenKeyBrand: unique symbol

/** A key whose possession the authenticated workload has proven. Only {@link processWitRequest} makes one. */
export interface ProvenKey {
  readonly [provenKeyBrand]: true
  readonly identifier: WorkloadIdentifier
  readonly publicJwk: PublicJwk
  /** RFC 7638; the only thing of the key that may be logged. */
  readonly thumbprint: string
  /** The entry that the workload asks for. */
  readonly hint: string | undefined
}

/**
 * Judges the body of a request for a WIT-SVID. In order: strict JSON with `jwk` and `proof`; an algorithm that a WIT-SVID may name
 * (WSVID-3.2-04); `typ` and `alg` of the proof; the key itself; the signature by that key; recipient, subject and time; the binding to
 * the certificate of this connection; and that the proof is new (WSVID-7.2-04). Who may have which identity is not decided here: the
 * key is for the identifier that TLS has authenticated, and for no other.
 *
 * @throws WimseError `ERR_WIT_AGENT_REQUEST`, `ERR_WIT_AGENT_ALGORITHM`, `ERR_WIT_AGENT_KEY_PROOF`, `ERR_WIT_AGENT_REPLAY`, `ERR_KEY_…`,
 *   `ERR_REPLAY_STORE_FULL`
 */
export async function processWitRequest(body: Uint8Array, options: ProcessWitRequestOptions): Promise<ProvenKey> {
  const { peer, audience, replay, runtime } = options
  const { jwk, proof } = withCode('ERR_WIT_AGENT_REQUEST', () => parseStrictJsonObject(body, { maxBytes: MAX_WIT_REQUEST_BYTES }))
  if (!isJsonObject(jwk)) throw new WimseError('ERR_WIT_AGENT_REQUEST', { detail: 'jwk' })
  const { alg } = jwk
  if (!isSignatureAlgorithm(alg) || !SVID_ALGORITHMS.includes(alg)) throw new WimseError('ERR_WIT_AGENT_ALGORITHM')
  if (typeof proof !== 'string') throw badProof('there is none')
  const { header, payload, signature, signingInput } = withCode('ERR_WIT_AGENT_KEY_PROOF', () =>
    decodeUnverifiedJws(proof, MAX_WIT_REQUEST_BYTES),
  )
  if (header['typ'] !== WIT_REQUEST_TYP) throw badProof('typ')
  if (header['alg'] !== alg) throw badProof('alg')
  const verifier = await createVerifier(jwk, { runtime })
  if (!(await verifier.verify(signingInput, signature))) throw badProof('signature')
  const { jti, exp, hint } = checkClaims(payload, peer, audience, runtime.now() / 1000)
  if (!sameThumbprint(payload['cnf'], await certificateThumbprint(peer.leaf, runtime))) throw badProof('certificate')
  const entry = { scope: `wit-svid-request:${peer.identifier}`, id: jti, expiresAt: exp + WIT_REQUEST_CLOCK_TOLERANCE_SECONDS }
  if (!(await replay.record(entry, runtime.now() / 1000))) throw new WimseError('ERR_WIT_AGENT_REPLAY')
  return { identifier: peer.identifier, publicJwk: verifier.publicJwk, thumbprint: verifier.thumbprint, hint } as ProvenKey
}

function checkClaims(
  { aud, sub, iat, exp, jti, hint }: JsonObject,
  peer: AuthenticatedWorkload,
  audience: WorkloadIdentifier,
  now: number,
): { readonly jti: string; readonly exp: number; readonly hint: string | undefined } {
  if (aud !== audience) throw badProof('aud')
  if (sub !== peer.identifier) throw badProof('sub')
  if (!isTime(iat) || !isTime(exp)) throw badProof('iat or exp')
  // WSVID-7.2-02: both ends are known, so the time is bounded whatever the client says.
  if (exp <= iat || exp - iat > MAX_WIT_REQUEST_LIFETIME_SECONDS) throw badProof('lifetime')
  if (iat > now + WIT_REQUEST_CLOCK_TOLERANCE_SECONDS) throw badProof('issued in the future')
  if (exp <= now - WIT_REQUEST_CLOCK_TOLERANCE_SECONDS) throw badProof('expired')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) throw badProof('jti')
  if (hint !== undefined && (typeof hint !== 'string' || hint === '' || hint.length > MAX_HINT_LENGTH)) throw badProof('hint')
  return { jti, exp, hint }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function sameThumbprint(cnf: unknown, expected: string): boolean {
  const claimed = isJsonObject(cnf) ? cnf['x5t#S256'] : undefined
  return typeof claimed === 'string' && sameOctets(utf8(claimed), utf8(expected))
}

function badProof(detail: string): WimseError {
  return new WimseError('ERR_WIT_AGENT_KEY_PROOF', { detail })
}
