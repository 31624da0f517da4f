import { type TrustDomain, WimseError } from '@wimse/core'
import type { TrustBundle } from '../trust-bundle.ts'
import type { TrustStore } from '../trust-store.ts'
import { readStaticBundles, type StaticBundleOptions, type StaticBundles } from './static-source.ts'

/**
 * A trust store of bundles that never change, ready at once: for tests, edge functions and single-purpose tools. Nothing is refreshed,
 * so a revoked key stays trusted until the program gets other bundles.
 *
 * @throws WimseError `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`, `ERR_TRUST_BUNDLE_…`; `ERR_OPTIONS_INVALID` for a trust
 *   domain that occurs twice
 */
export function staticTrust(bundles: StaticBundles, options: StaticBundleOptions = {}): TrustStore {
  const known = new Map<TrustDomain, TrustBundle>()
  for (const { trustDomain, x509Authorities = [], jwtAuthorities = [], witAuthorities = [] } of readStaticBundles(bundles, options)) {
    if (known.has(trustDomain)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a trust domain occurs twice' })
    known.set(trustDomain, Object.freeze({ trustDomain, x509Authorities, jwtAuthorities, witAuthorities }))
  }
  return {
    bundle(trustDomain) {
      const bundle = known.get(trustDomain)
      if (bundle === undefined) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      return bundle
    },
    refresh: async () => false,
  }
}
