import { isJsonObject, type JsonObject, parseStrictJsonObject } from '@wimse/core'
import { malformed } from '../connection/call-errors.ts'
import { inResponse } from './identities.ts'

/** Keys of one trust domain for one kind of token, as the Workload API gave them: JSON objects, not judged as keys yet. */
export interface JwkSet {
  readonly keys: readonly JsonObject[]
}

/** Longest JWK Set of one trust domain in octets. */
export const MAX_JWK_SET_BYTES: number = 1024 * 1024

/**
 * Decodes the JWK Set of a JWT or WIT bundle (WLAPI-6.2.2-03, WLAPI-7.1-04). A key that is marked for another use is left out
 * (WLAPI-6.2.2-01, WLAPI-7.2.2-01); agents leave `use` away or write the standard `sig`, so those two stay.
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function decodeJwkSet(octets: Uint8Array, use: 'jwt-svid' | 'wit-svid'): JwkSet {
  return inResponse('a JWK Set', () => {
    const { keys } = parseStrictJsonObject(octets, { maxBytes: MAX_JWK_SET_BYTES })
    if (!Array.isArray(keys)) throw malformed('a bundle is no JWK Set')
    const all: readonly unknown[] = keys
    const objects = all.filter((key): key is JsonObject => isJsonObject(key))
    if (objects.length !== all.length) throw malformed('a key of a JWK Set is no object')
    return { keys: objects.filter((key) => key['use'] === undefined || key['use'] === 'sig' || key['use'] === use) }
  })
}

/** Each key of a WIT bundle has a `kid` of its own (WLAPI-7.1-01, WLAPI-7.2.2-03, WSVID-6.1-03, WSVID-6.1-04). */
export function requireDistinctKids({ keys }: JwkSet): void {
  const kids = new Set<unknown>()
  for (const { kid } of keys) {
    if (typeof kid !== 'string' || kid === '') throw malformed('a key of a WIT bundle has no kid')
    if (kids.has(kid)) throw malformed('two keys of a WIT bundle share a kid')
    kids.add(kid)
  }
}
