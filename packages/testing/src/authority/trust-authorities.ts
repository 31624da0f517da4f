import { type TrustDomain, WimseError } from '@wimse/core'
import type { TrustBundle, TrustStore } from '@wimse/trust'
import type { TestAuthority } from './create-test-authority.ts'

/**
 * A trust store that knows the authorities given, and sees their rotations and withdrawals at once.
 * The list is read at each look-up: to withdraw a federation, take its authority out of the array.
 */
export function trustAuthorities(authorities: readonly TestAuthority[]): TrustStore {
  const made = new WeakMap<TestAuthority, TrustBundle>()
  const heard = new WeakSet<TestAuthority>()
  const bundleOf = (authority: TestAuthority): TrustBundle => {
    if (!heard.has(authority)) authority.onChange(() => void made.delete(authority))
    heard.add(authority)
    const { trustDomain, x509Authorities = [], jwtAuthorities = [], witAuthorities = [] } = authority.contents()
    return { trustDomain, x509Authorities, jwtAuthorities, witAuthorities }
  }
  return {
    bundle(trustDomain: TrustDomain): TrustBundle {
      const authority = authorities.find((candidate) => candidate.trustDomain === trustDomain)
      if (authority === undefined) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      const bundle = made.get(authority) ?? bundleOf(authority)
      made.set(authority, bundle)
      return bundle
    },
    refresh: async () => false,
  }
}
