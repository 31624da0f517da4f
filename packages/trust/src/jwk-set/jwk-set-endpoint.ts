import { isWimseError, parseStrictJson, type Runtime, WimseError, withCode } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { parseEndpointUrl } from '../source/endpoint-url.ts'
import { type EndpointAuthentication, type FetchBundle, webFetchBundle } from '../source/fetch-bundle.ts'
import { withinTime } from '../source/within-time.ts'
import type { KeyAuthority } from '../trust-bundle.ts'
import { type JwkSetOptions, parseJwkSet } from './parse-jwk-set.ts'

/**
 * Marks an endpoint that may be reached over plain http, such as one on loopback or behind a mesh that encrypts. Whoever is on the way can
 * then read tokens and replace keys: the name is meant to be found.
 */
export const allowInsecureEndpoint: unique symbol = Symbol('allowInsecureEndpoint')

/** Options of {@link jwkSetEndpoint}. The URL comes from configuration, never from a token. */
export interface JwkSetEndpointOptions extends Omit<JwkSetOptions, 'runtime'> {
  /** Of the set, scheme `https` and no user information. */
  readonly url: string
  readonly [allowInsecureEndpoint]?: true
  /** Between two retrievals that unknown keys bring about; {@link DEFAULT_JWK_SET_COOLDOWN_SECONDS} unless told. */
  readonly refreshCooldownSeconds?: number
  /** How long keys are used after the last retrieval that succeeded; {@link DEFAULT_JWK_SET_MAX_AGE_SECONDS} unless told. */
  readonly maxAgeSeconds?: number
  /** For one retrieval; {@link DEFAULT_JWK_SET_TIMEOUT_MS} unless told. */
  readonly timeoutMs?: number
  /** Octets of a set; {@link DEFAULT_JWK_SET_MAX_BYTES} unless told. */
  readonly maxBytes?: number
  /** How the server is authenticated: Web PKI unless told. `spiffe` needs a `fetchKeys` that can, such as `nodeFetchBundle` of `@wimse/trust/node`. */
  readonly authenticate?: () => EndpointAuthentication
  readonly fetchKeys?: FetchBundle
  readonly runtime?: Runtime
  /** Hears of every retrieval that failed; what came before stays in use. */
  readonly onFailure?: (error: WimseError) => void
}

/** The JWK set of one endpoint, as it was last seen. Nothing is asked for before someone does. */
export interface JwkSetEndpoint {
  /**
   * The keys, where some were retrieved and are not too old. The same array as long as no key has changed, so that what was verified under it
   * can be remembered with it. Cheap.
   */
  current(): readonly KeyAuthority[] | undefined
  /** Retrieves the set, or joins the retrieval that runs. @returns whether the keys have changed */
  retrieve(): Promise<boolean>
  /** Retrieves the set because a key is missing: not within the cooldown. @returns whether the keys have changed */
  refresh(): Promise<boolean>
  /** Stops. Closed keys are none, since nothing keeps them current. */
  close(): void
}

export const DEFAULT_JWK_SET_COOLDOWN_SECONDS = 10
export const DEFAULT_JWK_SET_MAX_AGE_SECONDS = 3600
export const DEFAULT_JWK_SET_TIMEOUT_MS = 10_000
export const DEFAULT_JWK_SET_MAX_BYTES = 65_536

/**
 * Retrieves the JWK set of an issuer from its endpoint. What a retrieval brings replaces what was before at once, so that withdrawn keys stop
 * working. A redirect, another status, no answer in time, a set that is too large, malformed or shows a private key leave the set before in
 * place, until its age is over.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TRUST_ENDPOINT_URL`
 */
export function jwkSetEndpoint(options: JwkSetEndpointOptions): JwkSetEndpoint {
  const { refreshCooldownSeconds = DEFAULT_JWK_SET_COOLDOWN_SECONDS, maxAgeSeconds = DEFAULT_JWK_SET_MAX_AGE_SECONDS } = options
  const { timeoutMs = DEFAULT_JWK_SET_TIMEOUT_MS, maxBytes = DEFAULT_JWK_SET_MAX_BYTES, maxKeys, onFailure } = options
  const { runtime = defaultRuntime(), authenticate = () => ({ kind: 'web-pki' }) as const } = options
  const fetchKeys = options.fetchKeys ?? webFetchBundle(runtime)
  const url = parseEndpointUrl(options.url, options[allowInsecureEndpoint] === true ? ['https:', 'http:'] : ['https:'])
  // A limit that is no number would limit nothing.
  for (const [detail, value] of Object.entries({ maxAgeSeconds, timeoutMs, maxBytes })) {
    if (!(value > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail })
  }
  if (!(refreshCooldownSeconds >= 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'refreshCooldownSeconds' })
  const stopped = new AbortController()
  let held: { readonly authorities: readonly KeyAuthority[]; readonly text: string; readonly confirmedAt: number } | undefined
  let asking: Promise<boolean> | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  async function ask(): Promise<boolean> {
    askedAt = runtime.now()
    try {
      const octets = await withinTime(timeoutMs, stopped.signal, runtime, (signal) =>
        fetchKeys({ url, authentication: authenticate(), maxBytes, signal }),
      )
      const set = withCode('ERR_TRUST_BUNDLE_MALFORMED', () => parseStrictJson(octets, { maxBytes }))
      const authorities = parseJwkSet(set, { runtime, ...(maxKeys !== undefined && { maxKeys }) })
      if (stopped.signal.aborted) return false
      const text = JSON.stringify(authorities.map(({ jwk }) => jwk))
      const changed = held?.text !== text
      held = { authorities: held === undefined || changed ? authorities : held.authorities, text, confirmedAt: runtime.now() }
      return changed
    } catch (error) {
      if (!stopped.signal.aborted) onFailure?.(isWimseError(error) ? error : new WimseError('ERR_TRUST_ENDPOINT', { cause: error }))
      return false
    }
  }

  async function retrieve(): Promise<boolean> {
    if (stopped.signal.aborted) return false
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }

  return {
    current() {
      const usable = held !== undefined && !stopped.signal.aborted && runtime.now() < held.confirmedAt + maxAgeSeconds * 1000
      return usable ? held?.authorities : undefined
    },
    retrieve,
    async refresh() {
      return asking === undefined && runtime.now() < askedAt + refreshCooldownSeconds * 1000 ? false : retrieve()
    },
    close: () => stopped.abort(),
  }
}
