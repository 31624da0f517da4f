import { type MaybePromise, parseStrictJsonObject, type Runtime, WimseError, withCode } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type KeyAuthority, keyAuthority } from '@wimse/trust'
import { readJson } from '../protocol/json-response.ts'
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
 * Issuers whose keys never change (CHN-2.1-02).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_KEY_…`
 */
export function staticIssuerKeys(
  issuers: Readonly<Record<string, JwkSet>>,
  options: { readonly runtime?: Pick<Runtime, 'crypto'> } = {},
): IssuerKeys {
  const known = new Map(Object.entries(issuers).map(([issuer, set]) => [checkIssuer(issuer), authoritiesOf(set, options)]))
  return { keys: (issuer) => known.get(issuer), refresh: async () => false }
}

/** Options of {@link remoteIssuerKeys}. */
export interface RemoteIssuerKeysOptions extends EndpointOptions {
  /** The `jwks_uri` of each trusted issuer, from configuration or its verified metadata (CHN-2.1-02). */
  readonly issuers: Readonly<Record<string, string>>
  /** Seconds for which keys are used without asking again: one hour unless told. */
  readonly maxAgeSeconds?: number
  /** Seconds between two questions because of unknown keys: 30 unless told. */
  readonly cooldownSeconds?: number
  readonly runtime?: Runtime
}

interface RemoteKeys {
  readonly keys: readonly KeyAuthority[]
  readonly fetchedAt: number
}

/**
 * Issuers whose keys are fetched over https when they are first needed, when they are old, and, once per cooldown, when one is unknown. A
 * set that can't be fetched or read leaves the last one in use until it is too old; then, or where there was none, the issuer's tokens are
 * refused with `ERR_TRUST_STALE`.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`; `keys` throws `ERR_TRUST_STALE`
 */
export function remoteIssuerKeys(options: RemoteIssuerKeysOptions): IssuerKeys {
  const { maxAgeSeconds = DEFAULT_JWKS_MAX_AGE_SECONDS, cooldownSeconds = DEFAULT_JWKS_COOLDOWN_SECONDS } = options
  const runtime = options.runtime ?? defaultRuntime()
  if (!(maxAgeSeconds > 0 && cooldownSeconds >= 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a time' })
  const endpoints = new Map(Object.entries(options.issuers).map(([issuer, uri]) => [checkIssuer(issuer), checkEndpoint(uri, options)]))
  const known = new Map<string, RemoteKeys>()
  const triedAt = new Map<string, number>()
  const pending = new Map<string, Promise<boolean>>()

  const load = async (issuer: string, endpoint: URL): Promise<boolean> => {
    triedAt.set(issuer, runtime.now())
    try {
      const response = await runtime.fetch(endpoint, { headers: { accept: 'application/json' }, redirect: 'error' })
      if (response.status !== 200) return false
      known.set(issuer, { keys: authoritiesOf(await readJwks(response), { runtime }), fetchedAt: runtime.now() })
      return true
    } catch {
      // Whatever is wrong with the set, the last one stays; how long is told by its age.
      return false
    }
  }
  const loadOnce = (issuer: string): Promise<boolean> => {
    const endpoint = endpoints.get(issuer)
    const cool = runtime.now() - (triedAt.get(issuer) ?? Number.NEGATIVE_INFINITY) < cooldownSeconds * 1000
    const running = pending.get(issuer)
    if (running !== undefined) return running
    if (endpoint === undefined || cool) return Promise.resolve(false)
    const started = load(issuer, endpoint).finally(() => void pending.delete(issuer))
    pending.set(issuer, started)
    return started
  }
  const fresh = (issuer: string): readonly KeyAuthority[] | undefined => {
    const entry = known.get(issuer)
    return entry !== undefined && runtime.now() - entry.fetchedAt < maxAgeSeconds * 1000 ? entry.keys : undefined
  }
  return {
    async keys(issuer) {
      if (!endpoints.has(issuer)) return undefined
      const found = fresh(issuer) ?? ((await loadOnce(issuer)) ? fresh(issuer) : undefined)
      if (found === undefined) throw new WimseError('ERR_TRUST_STALE')
      return found
    },
    refresh: loadOnce,
  }
}

async function readJwks(response: Response): Promise<JwkSet> {
  const type = response.headers.get('content-type')
  if (type !== null && /^application\/jwk-set\+json\b/i.test(type)) {
    return { keys: keysOf(parseStrictJsonObject(new Uint8Array(await response.arrayBuffer()), { maxBytes: 65_536 })) }
  }
  return { keys: keysOf(await readJson(response, 'ERR_EXCHANGE_METADATA')) }
}

function keysOf({ keys }: { readonly keys?: unknown }): readonly unknown[] {
  if (!Array.isArray(keys)) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'no keys' })
  return keys
}

/** Each key has a `kid` of its own; keys that are not for signatures are left out. */
function authoritiesOf(set: JwkSet, options: { readonly runtime?: Pick<Runtime, 'crypto'> }): readonly KeyAuthority[] {
  const keys = keysOf(set)
  if (keys.length > MAX_ISSUER_KEYS) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'too many keys' })
  const authorities = keys
    .filter((key) => !(typeof key === 'object' && key !== null && 'use' in key && key.use === 'enc'))
    .map((key) => keyAuthority(key, options))
  return withCode('ERR_KEY_MALFORMED', () => {
    const ids = authorities.map(({ keyId }) => keyId)
    if (new Set(ids).size !== ids.length) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'a kid occurs twice' })
    return authorities
  })
}
