import { isJsonObject, isWimseError, type Runtime, recode, WimseError } from '@wimse/core'
import { type KeyAuthority, keyAuthority } from '@wimse/trust'

/** Options of {@link parseTokenServiceKeys}. */
export interface TokenServiceKeysOptions {
  /** Entries of a set, skipped ones included; {@link DEFAULT_MAX_TOKEN_SERVICE_KEYS} unless told. */
  readonly maxKeys?: number
  readonly runtime?: Pick<Runtime, 'crypto'>
}

export const DEFAULT_MAX_TOKEN_SERVICE_KEYS = 64

/** What other parties' entries may look like: kept out, and no fault of the set. */
const SKIPPED = ['ERR_KEY_ALGORITHM', 'ERR_KEY_USE'] as const

/**
 * Reads the JWK set of a token service. Entries for other uses and of unknown algorithms are skipped (RFC 7517 section 5). A set that
 * shows a private or symmetric key is refused whole, as is one with two keys of one `kid`: signatures could not be told apart. An empty
 * set is a set: it withdraws every key.
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_MALFORMED`, `ERR_TRUST_BUNDLE_EMPTY` for entries of which none can be used, `ERR_TRUST_BUNDLE_TOO_LARGE`
 */
export function parseTokenServiceKeys(value: unknown, options: TokenServiceKeysOptions = {}): readonly KeyAuthority[] {
  const { maxKeys = DEFAULT_MAX_TOKEN_SERVICE_KEYS, runtime } = options
  const entries: unknown = isJsonObject(value) ? value['keys'] : undefined
  if (!Array.isArray(entries)) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'keys' })
  if (entries.length > maxKeys) throw new WimseError('ERR_TRUST_BUNDLE_TOO_LARGE', { detail: 'keys' })
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
