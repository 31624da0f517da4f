import { type TrustDomain, WimseError } from '@wimse/core'
import type { TrustBundle, TrustStore } from '@wimse/trust'
import type { BundlePublication } from '../spire/bundle-publication.ts'

/** Trusts one trust domain, by the X.509 roots that are published for it, and no other. */
export function ownTrust(trustDomain: TrustDomain, publication: () => Pick<BundlePublication, 'anchors'>): TrustStore {
  let anchors: readonly Uint8Array[] | undefined
  let bundle: TrustBundle | undefined
  return {
    bundle(asked): TrustBundle {
      if (asked !== trustDomain) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      const current = publication().anchors
      if (bundle === undefined || current !== anchors) {
        anchors = current
        bundle = { trustDomain, x509Authorities: current, jwtAuthorities: [], witAuthorities: [] }
      }
      return bundle
    },
    // The agent synchronizes by itself every few seconds.
    refresh: async () => false,
  }
}
