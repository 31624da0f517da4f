import { isJsonObject, isWimseError, type Runtime, recode, WimseError } from '@wimse/core'
import { keyAuthority } from '../key-authority.ts'
import type { KeyAuthority } from '../trust-bundle.ts'

/** Options of {@link parseJwkSet}. */
export interface JwkSetOptions {
  /** Entries of a set, skipped ones included; {@link DEFAULT_JWK_SET_MAX_KEYS} unless told. */
  readonly maxKeys?: number
  readonly runtime?: Pick<Runtime, 'crypto'>
}

export const DEFAULT_JWK_SET_MAX_KEYS = 64

/** What other parties' entries may look like: kept out, and no fault of the set. */
const SKIPPED = ['ERR_KEY_ALGORITHM', 'ERR_KEY_USE'] as const

/**
 * Reads the JWK set of one issuer. Entries for other uses and of unknown algorithms are skipped (RFC 7517 section 5). A set that shows a
 * private or symmetric key is refused whole, as is one with two keys of one `kid`: signatures could not be told apart. An empty set is a set:
 * it withdraws every key.
 *
 * Not checked: whose set it is. Whoever reads it knows from where it came.
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_MALFORMED`, `ERR_TRUST_BUNDLE_EMPTY` for entries of which none can be used, `ERR_TRUST_BUNDLE_TOO_LARGE`
 * @see RFC 7517, section 5
 */
export function parseJwkSet(value: unknown, options: JwkSetOptions = {}): readonly KeyAuthority[] {
  const { maxKeys = DEFAULT_JWK_SET_MAX_KEYS, runtime } = options
  const entries: unknown = isJsonObject(value) ? value['keys'] : undefined
  if (!Array.isArray(entries)) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'keys' })
  // Also where the limit is no number.
  if (!(entries.length <= maxKeys)) throw new WimseError('ERR_TRUST_BUNDLE_TOO_LARGE', { detail: 'keys' })
  const authorities = entries.flatMap((entry) => readKey(entry, runtime))
  if (entries.length > 0 && authorities.length === 0) throw new WimseError('ERR_TRUST_BUNDLE_EMPTY')
  const keyIds = authorities.map(({ keyId }) => keyId)
  if (new Set(keyIds).size !== keyIds.length) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'a kid occurs twice' })
  return Object.freeze(authorities)
}

function readKey(entry: unknown, runtime: Pick<Runtime, 'crypto'> | undefined): readonly KeyAuthority[] {
  try {
    return [keyAuthority(entry, runtime && { runtime })]
  } catch (error) {
    if (isWimseError(error, ...SKIPPED)) return []
    throw isWimseError(error) ? recode('ERR_TRUST_BUNDLE_MALFORMED', error) : error
  }
}
