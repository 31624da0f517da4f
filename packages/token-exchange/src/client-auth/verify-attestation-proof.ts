import {
  type FieldLines,
  fieldValues,
  isWimseError,
  type JsonObject,
  type ReplayStore,
  type Runtime,
  recode,
  WimseError,
} from '@wimse/core'
import { decodeUnverifiedJws, type UnverifiedJws } from '@wimse/keys'
import type { VerifiedWit, WitVerifier } from '@wimse/wit'
import { ATTESTATION_FIELDS } from '../protocol/names.ts'

/** Challenges of an authorization server for proofs of possession, where it gives any. */
export interface AttestationChallenges {
  /** Whether this is one of its own that is good now. */
  accepts(challenge: string): boolean | Promise<boolean>
}

/** What an attestation is judged by. */
export interface AttestationRules {
  /** Verifies the WIT (SCA-3.3.1-02, SCA-3.3.1-03). */
  readonly verifyWit: WitVerifier
  readonly replay: ReplayStore
  /** Longest time since the proof was made: 60 s unless told (ATT-7.2-02). */
  readonly maxProofAgeSeconds?: number
  /** Longest time since the WIT was issued; it isn't judged unless told (ATT-7.1-05). */
  readonly maxAttestationAgeSeconds?: number
  readonly challenges?: AttestationChallenges
}

/** What {@link AttestationRules} leave out. */
export interface AttestationContext {
  readonly issuer: string
  readonly toleranceSeconds: number
  readonly runtime: Pick<Runtime, 'now'>
}

export const DEFAULT_MAX_PROOF_AGE_SECONDS = 60
const MAX_PROOF_BYTES = 4096
const TOKEN68 = /^[A-Za-z0-9._~+/-]+=*$/

/** Whether a message has a field of client attestation. */
export function hasAttestation(fields: FieldLines): boolean {
  return [ATTESTATION_FIELDS.attestation, ATTESTATION_FIELDS.proof].some((name) => fieldValues(fields, name).length > 0)
}

/**
 * Verifies a WIT and its proof of possession in the fields of client attestation. In order: exactly one of each field, in token68 syntax
 * (SCA-3.3-01, SCA-3.3-02, ATT-7.1-01); the WIT, of `typ` `wit+jwt` (SCA-3.3.1-01, SCA-3.3.1-02, SCA-3.3.1-03, ATT-4-02, ATT-4-03,
 * ATT-4-04, ATT-4-06, ATT-7.1-03, ATT-7.1-04) and fresh (ATT-7.1-05); of the proof `typ` (ATT-5.1-01), `alg` (ATT-7.1-02), signature by the
 * key of the WIT (ATT-5.1-07), `aud` (ATT-5.1-02), `iat` (ATT-5.1-05, ATT-7.2-02), `jti` (ATT-5.1-04), challenge (ATT-7.2-01), and last,
 * replay (ATT-9.7-01, ATT-11.1-01). Attestations of `typ` `oauth-client-attestation+jwt`, and DPoP proofs in place of the proof (ATT-7-01),
 * are not taken.
 *
 * @throws WimseError `ERR_EXCHANGE_ATTESTATION_…`, `ERR_EXCHANGE_POP_…`, what `verifyWit` throws, `ERR_REPLAY_STORE_…`
 */
export async function verifyAttestation(fields: FieldLines, rules: AttestationRules, context: AttestationContext): Promise<VerifiedWit> {
  const attestation = fieldOf(fields, ATTESTATION_FIELDS.attestation)
  const proof = fieldOf(fields, ATTESTATION_FIELDS.proof)
  const wit = await rules.verifyWit(attestation)
  const now = context.runtime.now() / 1000
  checkFreshness(wit, rules.maxAttestationAgeSeconds, now)

  const jws = decode(proof)
  const { typ, alg } = jws.header
  if (typeof typ !== 'string' || !/^(?:application\/)?oauth-client-attestation-pop\+jwt$/i.test(typ)) {
    throw new WimseError('ERR_EXCHANGE_POP_TYP')
  }
  // ATT-7.1-02, ATT-5.1-07
  if (alg !== wit.confirmation.algorithm) throw new WimseError('ERR_EXCHANGE_POP_ALG')
  if (!(await wit.confirmation.verify(jws.signingInput, jws.signature))) throw new WimseError('ERR_EXCHANGE_POP_SIGNATURE')
  const { jti, usableUntil, challenge } = checkClaims(jws.payload, rules, context, now)
  if (rules.challenges !== undefined && (challenge === undefined || !(await rules.challenges.accepts(challenge)))) {
    throw new WimseError('ERR_EXCHANGE_ATTESTATION_CHALLENGE')
  }
  // ATT-9.7-01: only what lies in the window is looked up, in the space of one key.
  const entry = { scope: `attestation-pop:${wit.confirmation.thumbprint}`, id: jti, expiresAt: usableUntil }
  if (!(await rules.replay.record(entry, now))) throw new WimseError('ERR_EXCHANGE_POP_REPLAYED')
  return wit
}

function fieldOf(fields: FieldLines, name: string): string {
  const [value, ...others] = fieldValues(fields, name)
  // ATT-7.1-01. Where a platform has joined two fields, the comma is no token68.
  if (value === undefined || others.length > 0 || !TOKEN68.test(value)) throw new WimseError('ERR_EXCHANGE_ATTESTATION_FIELD')
  return value
}

function checkFreshness({ claims }: VerifiedWit, maxAge: number | undefined, now: number): void {
  if (maxAge === undefined) return
  const { iat } = claims
  // ATT-7.1-05, ATT-7.4-02
  if (typeof iat !== 'number' || now - iat > maxAge) throw new WimseError('ERR_EXCHANGE_ATTESTATION_STALE')
}

function decode(token: string): UnverifiedJws {
  try {
    return decodeUnverifiedJws(token, MAX_PROOF_BYTES)
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_EXCHANGE_POP_MALFORMED', error) : error
  }
}

function checkClaims(
  claims: JsonObject,
  rules: AttestationRules,
  { issuer, toleranceSeconds }: AttestationContext,
  now: number,
): { readonly jti: string; readonly usableUntil: number; readonly challenge: string | undefined } {
  const { aud, iat, exp, nbf, jti, challenge } = claims
  // ATT-5.1-02: the issuer identifier alone, in either form of the claim.
  if ((Array.isArray(aud) && aud.length === 1 ? aud[0] : aud) !== issuer) throw new WimseError('ERR_EXCHANGE_POP_AUD')
  if (typeof iat !== 'number') throw new WimseError('ERR_EXCHANGE_POP_IAT', { detail: 'missing' })
  const usableUntil = iat + (rules.maxProofAgeSeconds ?? DEFAULT_MAX_PROOF_AGE_SECONDS) + toleranceSeconds
  // ATT-7.2-02
  if (now >= usableUntil || iat > now + toleranceSeconds) throw new WimseError('ERR_EXCHANGE_POP_IAT')
  for (const time of [exp, nbf]) {
    if (time !== undefined && typeof time !== 'number') throw new WimseError('ERR_EXCHANGE_POP_CLAIM', { detail: 'a time' })
  }
  if (typeof exp === 'number' && now >= exp + toleranceSeconds) throw new WimseError('ERR_EXCHANGE_POP_IAT', { detail: 'exp' })
  if (typeof nbf === 'number' && now < nbf - toleranceSeconds) throw new WimseError('ERR_EXCHANGE_POP_IAT', { detail: 'nbf' })
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw new WimseError('ERR_EXCHANGE_POP_JTI')
  if (challenge !== undefined && typeof challenge !== 'string') throw new WimseError('ERR_EXCHANGE_POP_CLAIM', { detail: 'challenge' })
  return { jti, usableUntil, challenge }
}
