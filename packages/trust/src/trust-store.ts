import type { TrustDomain } from '@wimse/core'
import type { TrustBundle } from './trust-bundle.ts'

/** Maps a trust domain to its anchors. Verifiers ask it and nothing else. */
export interface TrustStore {
  /**
   * The anchors of a trust domain now. The same object as long as no anchor has changed, so that what was verified under it can be
   * remembered with it. Cheap: called for every message.
   *
   * @throws WimseError `ERR_TRUST_DOMAIN_UNKNOWN`, `ERR_TRUST_STALE`
   */
  bundle(trustDomain: TrustDomain): TrustBundle
  /**
   * Asks the sources of a trust domain again, because a key was unknown; at most once per cooldown for each trust domain.
   *
   * @returns whether the anchors have changed
   */
  refresh(trustDomain: TrustDomain): Promise<boolean>
}
