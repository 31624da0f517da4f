import { isJsonObject, isWimseError, type JsonObject, parseStrictJsonObject, type Runtime } from '@wimse/core'
import { type KeyAuthority, keyAuthority } from '@wimse/trust'
import { malformed } from '../connection/call-errors.ts'
import { inResponse } from './identities.ts'

/** Longest JWK Set of one trust domain in octets. */
export const MAX_JWK_SET_BYTES: number = 1024 * 1024

/**
 * Decodes the JWK Set of a JWT or WIT bundle (WLAPI-6.2.2-03, WLAPI-7.1-04). Passed over: a key that is marked for another use
 * (WLAPI-6.2.2-01, WLAPI-7.2.2-01), though agents leave `use` away or write the standard `sig`, so those two stay; and a key of a kind
 * that is not known here. A private, symmetric or weak key refuses the whole set: its publisher can't be relied on.
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function decodeJwkSet(octets: Uint8Array, use: 'jwt-svid' | 'wit-svid', runtime: Runtime): readonly KeyAuthority[] {
  return inResponse('a JWK Set', () => {
    const { keys } = parseStrictJsonObject(octets, { maxBytes: MAX_JWK_SET_BYTES })
    if (!Array.isArray(keys)) throw malformed('a bundle is no JWK Set')
    const all: readonly unknown[] = keys
    return all.flatMap((key) => {
      if (!isJsonObject(key)) throw malformed('a key of a JWK Set is no object')
      const uses = ['sig', use]
      if (key['use'] !== undefined && !uses.some((fitting) => fitting === key['use'])) return []
      if (use === 'wit-svid') requireKid(key)
      return usable(() => keyAuthority(key, { uses, runtime }))
    })
  })
}

/** Each key of a WIT bundle has a `kid` of its own (WLAPI-7.1-01, WLAPI-7.2.2-03, WSVID-6.1-03, WSVID-6.1-04). */
export function requireDistinctKids(keys: readonly KeyAuthority[]): void {
  if (new Set(keys.map(({ keyId }) => keyId)).size !== keys.length) throw malformed('two keys of a WIT bundle share a kid')
}

function requireKid({ kid }: JsonObject): void {
  if (typeof kid !== 'string' || kid === '') throw malformed('a key of a WIT bundle has no kid')
}

function usable(make: () => KeyAuthority): readonly KeyAuthority[] {
  try {
    return [make()]
  } catch (error) {
    if (isWimseError(error, 'ERR_KEY_ALGORITHM')) return []
    throw error
  }
}
