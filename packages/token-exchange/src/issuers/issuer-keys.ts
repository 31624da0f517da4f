import { isWimseError, type MaybePromise, type Runtime, recode, WimseError } from '@wimse/core'
import { type JwkSetEndpointOptions, jwkSetEndpoint, type KeyAuthority, parseJwkSet } from '@wimse/trust'
import { checkEndpoint, checkIssuer, type EndpointOptions } from '../protocol/uri.ts'

/**
 * The issuers that are trusted, each with its own keys: what a token says about its issuer chooses among them and leads nowhere else
 * (CHN-2.1-01, BCP-3.8-01).
 */
export interface IssuerKeys {
  /** The keys of an issuer, which is compared as it is; undefined for one that isn't trusted. */
  keys(issuer: string): MaybePromise<readonly KeyAuthority[] | undefined>
  /** Asks for the keys again because one was unknown, at most once per cooldown. @returns whether they may have changed */
  refresh(issuer: string): Promise<boolean>
}

/** A JWK set as parsed JSON. */
export interface JwkSet {
  readonly keys: readonly unknown[]
}

/** Keys in a set at most. */
export const MAX_ISSUER_KEYS = 32
export const DEFAULT_JWKS_COOLDOWN_SECONDS = 30
export const DEFAULT_JWKS_MAX_AGE_SECONDS = 3600

/**
 * Issuers whose keys never change (CHN-2.1-02). Entries for other uses and of unknown algorithms are skipped; anything else that is no public
 * key with a `kid` of its own refuses the set.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_KEY_…`
 */
export function staticIssuerKeys(
  issuers: Readonly<Record<string, JwkSet>>,
  options: { readonly runtime?: Pick<Runtime, 'crypto'> } = {},
): IssuerKeys {
  const known = new Map(Object.entries(issuers).map(([issuer, set]) => [checkIssuer(issuer), readKeys(set, options)]))
  return { keys: (issuer) => known.get(issuer), refresh: async () => false }
}

/** Options of {@link remoteIssuerKeys}. Those that it shares with `jwkSetEndpoint` of `@wimse/trust` hold for each issuer. */
export interface RemoteIssuerKeysOptions extends EndpointOptions, Pick<JwkSetEndpointOptions, 'timeoutMs' | 'maxBytes' | 'onFailure'> {
  /** The `jwks_uri` of each trusted issuer, from configuration or its verified metadata (CHN-2.1-02). */
  readonly issuers: Readonly<Record<string, string>>
  /** Seconds for which keys are used without asking again: one hour unless told. */
  readonly maxAgeSeconds?: number
  /** Seconds between two questions because of unknown keys: 30 unless told. */
  readonly cooldownSeconds?: number
  readonly runtime?: Runtime
}

/**
 * Issuers whose keys are fetched over https when they are first needed, when they are old, and, once per cooldown, when one is unknown. A
 * set that can't be fetched or read leaves the last one in use until it is too old; then, or where there was none, the issuer's tokens are
 * refused with `ERR_TRUST_STALE`. Redirects are not followed.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`; `keys` throws `ERR_TRUST_STALE`
 */
export function remoteIssuerKeys(options: RemoteIssuerKeysOptions): IssuerKeys {
  const { issuers, maxAgeSeconds = DEFAULT_JWKS_MAX_AGE_SECONDS, cooldownSeconds = DEFAULT_JWKS_COOLDOWN_SECONDS, ...shared } = options
  const rules = { ...shared, maxAgeSeconds, refreshCooldownSeconds: cooldownSeconds, maxKeys: MAX_ISSUER_KEYS }
  const endpoints = new Map(
    Object.entries(issuers).map(([issuer, uri]) => [
      checkIssuer(issuer),
      jwkSetEndpoint({ ...rules, url: checkEndpoint(uri, options).href }),
    ]),
  )
  return {
    keys(issuer) {
      const endpoint = endpoints.get(issuer)
      if (endpoint === undefined) return undefined
      return endpoint.current() ?? endpoint.refresh().then(() => endpoint.current() ?? stale())
    },
    refresh: async (issuer) => (await endpoints.get(issuer)?.refresh()) ?? false,
  }
}

function stale(): never {
  throw new WimseError('ERR_TRUST_STALE')
}

/** The keys of a set from configuration: what is wrong with one of them is told by its own code. */
function readKeys(set: JwkSet, options: { readonly runtime?: Pick<Runtime, 'crypto'> }): readonly KeyAuthority[] {
  try {
    return parseJwkSet(set, { ...options, maxKeys: MAX_ISSUER_KEYS })
  } catch (error) {
    if (!isWimseError(error)) throw error
    throw isWimseError(error.cause) ? error.cause : recode('ERR_KEY_MALFORMED', error)
  }
}
