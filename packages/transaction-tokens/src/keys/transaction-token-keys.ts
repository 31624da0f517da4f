import type { TrustDomain } from '@wimse/core'
import type { KeyAuthority } from '@wimse/trust'

/**
 * The keys of the transaction token services that this recipient trusts, by trust domain, configured out of band: neither `iss` nor a
 * header of a token leads to one (TXN-13.16-01).
 */
export interface TransactionTokenKeys {
  /**
   * The keys of a trust domain's service now. The same array as long as no key has changed, so that what was verified under it can be
   * remembered with it. Cheap: called for every message.
   *
   * @throws WimseError `ERR_TRUST_DOMAIN_UNKNOWN`, `ERR_TRUST_STALE`
   */
  current(trustDomain: TrustDomain): readonly KeyAuthority[]
  /**
   * Asks for the keys again, because one was unknown; at most once per cooldown.
   *
   * @returns whether they have changed
   */
  refresh(trustDomain: TrustDomain): Promise<boolean>
}
