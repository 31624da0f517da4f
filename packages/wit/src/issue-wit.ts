import { type JsonObject, parseWorkloadIdentifier, type Runtime, schemeOf, WimseError, withCode } from '@wimse/core'
import { defaultRuntime, parsePublicJwk, type Signer, signCompactJws } from '@wimse/keys'
import { isUri } from './is-uri.ts'
import { type WitProfileName, witProfile } from './wit-profile.ts'

/** What a WIT is to say. */
export interface WitGrant {
  readonly profile: WitProfileName
  /** The workload; checked to be canonical (ID-4.1-13). */
  readonly subject: string
  /** The workload's public key with its `alg` (CRED-5.1-14). */
  readonly confirmationKey: unknown
  /** From now on, whole seconds, one at least: every WIT has an end (CRED-9.2.1-01). */
  readonly lifetimeSeconds: number
  /** The issuer as a URI (CRED-5.1.3-01, CRED-5.1-06); left out in WIT-SVIDs unless given. */
  readonly issuer?: string
  /** Random identifier for audit; made unless `false`. */
  readonly jti?: boolean
  /** More claims, with collision-resistant names (CRED-5.1.2-03). Those that a WIT defines are refused. */
  readonly claims?: JsonObject
}

/** Options of {@link issueWit}. */
export interface IssueWitOptions {
  readonly signer: Signer
  readonly keyId: string
  /** Longest lifetime that this issuer gives; 24 hours unless told. */
  readonly maxLifetimeSeconds?: number
  readonly runtime?: Runtime
}

export const DEFAULT_ISSUED_WIT_MAX_LIFETIME_SECONDS = 86_400

/** CRED-4-05, WSVID-3.8-01, WSVID-B-04: nobody adds a second identity, an audience, or other times. */
const OWN_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'cnf']

/**
 * Issues a WIT: `typ` `wit+jwt`, `kid`, the signer's algorithm (one of the profile), `sub`, `exp`, `iat`, `cnf.jwk` with `alg`
 * (CRED-5.1-02 to CRED-5.1-15, WSVID-4-02 to WSVID-4-05). Who may have that identifier and whether the workload holds the key is the
 * caller's to establish.
 *
 * @throws WimseError those of parsing identifiers and keys, `ERR_WIT_ALG`, `ERR_WIT_CNF_ALG`, `ERR_WIT_SUB`, `ERR_OPTIONS_INVALID`
 */
export async function issueWit(grant: WitGrant, options: IssueWitOptions): Promise<string> {
  const { signer, keyId, maxLifetimeSeconds = DEFAULT_ISSUED_WIT_MAX_LIFETIME_SECONDS, runtime = defaultRuntime() } = options
  const profile = witProfile(grant.profile)
  if (typeof keyId !== 'string' || keyId === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keyId' })
  const identifier = parseWorkloadIdentifier(grant.subject)
  if (!profile.schemes.includes(schemeOf(identifier))) throw new WimseError('ERR_WIT_SUB', { detail: 'scheme' })
  if (!profile.algorithms.includes(signer.algorithm)) throw new WimseError('ERR_WIT_ALG')
  const jwk = withCode('ERR_WIT_CNF_KEY', () => parsePublicJwk(grant.confirmationKey))
  if (!profile.algorithms.includes(jwk.alg)) throw new WimseError('ERR_WIT_CNF_ALG')
  // CRED-9.2.1-01. Below a second it would be issued as already expired.
  if (!(grant.lifetimeSeconds >= 1) || grant.lifetimeSeconds > maxLifetimeSeconds)
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  for (const name of Object.keys(grant.claims ?? {})) {
    if (OWN_CLAIMS.includes(name)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: `claim ${name}` })
  }
  // CRED-5.1-06
  if (grant.issuer !== undefined && !isUri(grant.issuer)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'issuer' })
  const now = Math.floor(runtime.now() / 1000)
  // WSVID-3.3-02
  const jti = grant.jti === false ? undefined : Array.from(runtime.randomBytes(16), (octet) => octet.toString(16).padStart(2, '0')).join('')
  // WSVID-1-02, WSVID-B-01, WSVID-3.2-01, WSVID-3.4-01
  const claims = {
    ...(grant.issuer === undefined ? {} : { iss: grant.issuer }),
    sub: identifier,
    iat: now,
    exp: now + Math.floor(grant.lifetimeSeconds),
    ...(jti === undefined ? {} : { jti }),
    cnf: { jwk: { ...jwk } },
    ...grant.claims,
  }
  return signCompactJws({ typ: 'wit+jwt', kid: keyId }, claims, signer)
}
