import type { SignatureAlgorithm } from '@wimse/keys'
import type { KeyAuthority, TrustBundle } from './trust-bundle.ts'

/** What a token says of the key that signed it. */
export interface KeyAuthorityQuery {
  readonly kind: 'jwt' | 'wit'
  /** `kid` of its header. */
  readonly keyId: string | undefined
  readonly algorithm: SignatureAlgorithm
}

/** A key, and the anchors that it was found among. */
export interface FoundKeyAuthority {
  readonly authority: KeyAuthority
  readonly bundle: TrustBundle
}

/**
 * Finds the key of a token among those that its trust domain has for this kind of token, and no others: by `kid`, compared as it is
 * (CRED-3-08, WSVID-2.1-02, JSVID-6.2-02, BCP-3.10-01), or without one the only key that fits the algorithm (CRED-3-09). When there is none the
 * sources are asked again, once per cooldown. Whether a key found by `kid` fits the algorithm is for the caller to judge.
 *
 * @throws what `bundleNow` throws
 */
export async function findKeyAuthority(
  bundleNow: () => TrustBundle,
  refresh: () => Promise<boolean>,
  query: KeyAuthorityQuery,
): Promise<FoundKeyAuthority | 'unknown' | 'ambiguous'> {
  const found = select(bundleNow(), query)
  return found === 'unknown' && (await refresh()) ? select(bundleNow(), query) : found
}

function select(bundle: TrustBundle, { kind, keyId, algorithm }: KeyAuthorityQuery): FoundKeyAuthority | 'unknown' | 'ambiguous' {
  const authorities = kind === 'wit' ? bundle.witAuthorities : bundle.jwtAuthorities
  const [authority, ...others] = authorities.filter((candidate) =>
    keyId === undefined ? candidate.fits(algorithm) : candidate.keyId === keyId,
  )
  if (authority === undefined) return 'unknown'
  return others.length > 0 ? 'ambiguous' : { authority, bundle }
}
