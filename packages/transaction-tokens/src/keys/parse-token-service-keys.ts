import { DEFAULT_JWK_SET_MAX_KEYS, type JwkSetOptions, type KeyAuthority, parseJwkSet } from '@wimse/trust'

/** Options of {@link parseTokenServiceKeys}. */
export type TokenServiceKeysOptions = JwkSetOptions

export const DEFAULT_MAX_TOKEN_SERVICE_KEYS: number = DEFAULT_JWK_SET_MAX_KEYS

/**
 * Reads the JWK set of a token service, by the rules of `parseJwkSet`: entries for other uses and of unknown algorithms are skipped; a private or
 * symmetric key, or a `kid` that occurs twice, refuses the whole set; an empty one withdraws every key (TXN-13.11-01).
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_MALFORMED`, `ERR_TRUST_BUNDLE_EMPTY` for entries of which none can be used, `ERR_TRUST_BUNDLE_TOO_LARGE`
 */
export function parseTokenServiceKeys(value: unknown, options: TokenServiceKeysOptions = {}): readonly KeyAuthority[] {
  return parseJwkSet(value, options)
}
