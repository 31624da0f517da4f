import { parseWorkloadIdentifier, type Runtime, schemeOf, WimseError } from '@wimse/core'
import { defaultRuntime, type Signer, SVID_ALGORITHMS, signCompactJws } from '@wimse/keys'

/** What a JWT-SVID is to say. */
export interface JwtSvidGrant {
  readonly subject: string
  /** One value in normal cases (JSVID-3.2-04). */
  readonly audience: readonly string[]
  /** From now on, whole seconds, one at least (JSVID-3.3-01); minutes in normal cases. */
  readonly lifetimeSeconds: number
}

/** Options of {@link issueJwtSvid}. */
export interface IssueJwtSvidOptions {
  readonly signer: Signer
  readonly keyId: string
  readonly runtime?: Runtime
}

/**
 * Issues a JWT-SVID: the headers `alg` of the list (JSVID-2.1-01), `kid`, `typ` `JWT` and no others (JSVID-2-01); the claims `sub`
 * (JSVID-3.1-01), `aud` (JSVID-3.2-01), `exp` (JSVID-3.3-01), `iat`. Who may have that identifier is the caller's to establish.
 *
 * @throws WimseError those of parsing identifiers, `ERR_JWT_SVID_ALG`, `ERR_JWT_SVID_SUB`, `ERR_OPTIONS_INVALID`
 */
export async function issueJwtSvid(grant: JwtSvidGrant, options: IssueJwtSvidOptions): Promise<string> {
  const { signer, keyId, runtime = defaultRuntime() } = options
  const identifier = parseWorkloadIdentifier(grant.subject)
  if (schemeOf(identifier) !== 'spiffe') throw new WimseError('ERR_JWT_SVID_SUB', { detail: 'scheme' })
  if (!SVID_ALGORITHMS.includes(signer.algorithm)) throw new WimseError('ERR_JWT_SVID_ALG')
  if (typeof keyId !== 'string' || keyId === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keyId' })
  if (grant.audience.length === 0 || grant.audience.includes('')) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  if (!(grant.lifetimeSeconds >= 1 && Number.isFinite(grant.lifetimeSeconds)))
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  const now = Math.floor(runtime.now() / 1000)
  const claims = { sub: identifier, aud: grant.audience, iat: now, exp: now + Math.floor(grant.lifetimeSeconds) }
  return signCompactJws({ typ: 'JWT', kid: keyId }, claims, signer)
}
