import { parseTrustDomain, type TrustDomain, WimseError } from '@wimse/core'
import type { KeyAuthority } from '@wimse/trust'
import { parseTokenServiceKeys, type TokenServiceKeysOptions } from './parse-token-service-keys.ts'
import type { TransactionTokenKeys } from './transaction-token-keys.ts'

/**
 * Keys that never change: JWK sets by trust domain.
 *
 * @throws WimseError `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`, `ERR_TRUST_BUNDLE_…` for a set that can't be used
 */
export function staticTokenServiceKeys(
  sets: Readonly<Record<string, unknown>>,
  options: TokenServiceKeysOptions = {},
): TransactionTokenKeys {
  const known = new Map<TrustDomain, readonly KeyAuthority[]>()
  for (const [name, set] of Object.entries(sets)) known.set(parseTrustDomain(name), parseTokenServiceKeys(set, options))
  return {
    current(trustDomain) {
      const authorities = known.get(trustDomain)
      if (authorities === undefined) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      return authorities
    },
    refresh: async () => false,
  }
}
