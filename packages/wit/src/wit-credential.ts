import {
  isJsonObject,
  parseWorkloadIdentifier,
  type Runtime,
  type TrustDomain,
  trustDomainOf,
  WimseError,
  type WorkloadIdentifier,
  withCode,
} from '@wimse/core'
import { decodeUnverifiedJws, parsePublicJwk, type Signer } from '@wimse/keys'

/** A workload's own WIT together with the key that it binds: what proofs are made with. */
export interface WitCredential {
  readonly token: string
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly signer: Signer
  /** What the issuer says this identity is for, where a workload has several. */
  readonly hint?: string
}

/**
 * Joins a WIT with its private key as the issuer handed them over. It is checked that the token binds this very key; the issuer's
 * signature is not, since the one who relies on it is the recipient.
 *
 * @throws WimseError `ERR_JWS_MALFORMED`, `ERR_JWS_CRIT`, `ERR_WIT_CNF`, `ERR_WIT_CNF_KEY`, `ERR_WIT_EXP`, and those of parsing an identifier
 */
export function createWitCredential(token: string, signer: Signer, hint?: string): WitCredential {
  const { payload } = decodeUnverifiedJws(token)
  const identifier = parseWorkloadIdentifier(String(payload['sub']))
  const { cnf, exp } = payload
  if (!isJsonObject(cnf)) throw new WimseError('ERR_WIT_CNF')
  const bound = withCode('ERR_WIT_CNF_KEY', () => parsePublicJwk(cnf['jwk']))
  // CRED-5.1-12
  if (JSON.stringify(bound) !== JSON.stringify(signer.publicJwk)) throw new WimseError('ERR_WIT_CNF_KEY', { detail: 'another key' })
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw new WimseError('ERR_WIT_EXP')
  const credential = { token, identifier, trustDomain: trustDomainOf(identifier), expiresAt: exp, signer }
  return hint === undefined || hint === '' ? credential : { ...credential, hint }
}

/**
 * Refuses to use the key of a WIT that has expired (CRED-9.4-03, WPT-3.2-03).
 *
 * @throws WimseError `ERR_CREDENTIAL_EXPIRED`
 */
export function assertLiveCredential(credential: WitCredential, runtime: Pick<Runtime, 'now'>): void {
  if (runtime.now() >= credential.expiresAt * 1000) throw new WimseError('ERR_CREDENTIAL_EXPIRED')
}
