import { WimseError } from '@wimse/core'
import { type SignatureAlgorithm, SVID_ALGORITHMS, WIMSE_ALGORITHMS } from '@wimse/keys'

/**
 * Which rules a WIT is judged by: `wimse` (draft-ietf-wimse-workload-creds) or `wit-svid` (SPIFFE). Chosen by configuration and never
 * by the token.
 */
export type WitProfileName = 'wimse' | 'wit-svid'

/** The differences between the profiles. */
export interface WitProfile {
  /** For the header's `alg` and for `cnf.jwk.alg`. */
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly schemes: readonly string[]
  readonly keyIdRequired: boolean
  readonly audienceForbidden: boolean
  typFits(typ: unknown): boolean
}

export const witProfiles: Readonly<Record<WitProfileName, WitProfile>> = {
  wimse: {
    algorithms: WIMSE_ALGORITHMS,
    schemes: ['wimse', 'spiffe'],
    keyIdRequired: false,
    audienceForbidden: false,
    // BCP-3.11-01: media types are compared without regard to case, and `application/` may be left out (RFC 7515 section 4.1.9).
    typFits: (typ) => typeof typ === 'string' && /^(?:application\/)?wit\+jwt$/i.test(typ),
  },
  'wit-svid': {
    algorithms: SVID_ALGORITHMS,
    schemes: ['spiffe'],
    keyIdRequired: true,
    audienceForbidden: true,
    typFits: (typ) => typ === 'wit+jwt',
  },
}

/**
 * The profile of a name, also where no compiler has looked at the name.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function witProfile(name: WitProfileName): WitProfile {
  if (!Object.hasOwn(witProfiles, name)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'profile' })
  return witProfiles[name]
}
