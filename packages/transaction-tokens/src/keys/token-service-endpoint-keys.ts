import { isWimseError, parseStrictJson, parseTrustDomain, type Runtime, WimseError, withCode } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type EndpointAuthentication, type FetchBundle, type KeyAuthority, webFetchBundle } from '@wimse/trust'
import { parseTokenServiceKeys, type TokenServiceKeysOptions } from './parse-token-service-keys.ts'
import type { TransactionTokenKeys } from './transaction-token-keys.ts'

/** Options of {@link tokenServiceEndpointKeys}. Trust domain and URL come from configuration, never from a token (TXN-13.7-01). */
export interface TokenServiceEndpointOptions extends Omit<TokenServiceKeysOptions, 'runtime'> {
  readonly trustDomain: string
  /** Of the service's JWK set, scheme `https` (TXN-13.7-03). */
  readonly url: string
  /** Between two retrievals; {@link DEFAULT_KEYS_POLL_SECONDS} unless told. */
  readonly pollSeconds?: number
  /** Between two retrievals that unknown keys bring about; {@link DEFAULT_KEYS_COOLDOWN_SECONDS} unless told. */
  readonly refreshCooldownSeconds?: number
  /** How long keys are used after the last retrieval that succeeded; {@link DEFAULT_KEYS_MAX_AGE_SECONDS} unless told. */
  readonly maxAgeSeconds?: number
  /** For one retrieval; {@link DEFAULT_KEYS_TIMEOUT_MS} unless told. */
  readonly timeoutMs?: number
  /** Octets of a set; {@link DEFAULT_KEYS_MAX_BYTES} unless told. */
  readonly maxBytes?: number
  /** How the service is authenticated: Web PKI unless told. `spiffe` needs a `fetchKeys` that can, such as `nodeFetchBundle` of `@wimse/trust/node`. */
  readonly authenticate?: () => EndpointAuthentication
  readonly fetchKeys?: FetchBundle
  readonly runtime?: Runtime
  /** Hears of every retrieval that failed; what came before stays in use. */
  readonly onFailure?: (error: WimseError) => void
}

/** Keys that follow the service's endpoint. */
export interface TokenServiceEndpointKeys extends TransactionTokenKeys {
  /** Retrieves the keys and goes on to do so; returns when the first attempt has ended, well or not. Once. */
  start(): Promise<void>
  /** Stops. Closed keys are stale, since nothing keeps them current. */
  close(): void
}

export const DEFAULT_KEYS_POLL_SECONDS = 300
export const DEFAULT_KEYS_COOLDOWN_SECONDS = 10
export const DEFAULT_KEYS_MAX_AGE_SECONDS = 3600
export const DEFAULT_KEYS_TIMEOUT_MS = 10_000
export const DEFAULT_KEYS_MAX_BYTES = 65_536

/**
 * Follows the JWK set of a trust domain's token service. What a retrieval brings replaces what was before at once, so that withdrawn keys
 * stop working. A redirect, another status, a set that is malformed, too large or shows a private key leave the set before in place,
 * until its age is over. A `runtime` whose `fetch` is that of a workload authenticates the service by its
 * identifier (TXN-13.7-02, TXN-13.9-01).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TRUST_ENDPOINT_URL`, `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ sections 13.7 and 13.11
 */
export function tokenServiceEndpointKeys(options: TokenServiceEndpointOptions): TokenServiceEndpointKeys {
  const { pollSeconds = DEFAULT_KEYS_POLL_SECONDS, refreshCooldownSeconds = DEFAULT_KEYS_COOLDOWN_SECONDS } = options
  const { maxAgeSeconds = DEFAULT_KEYS_MAX_AGE_SECONDS, timeoutMs = DEFAULT_KEYS_TIMEOUT_MS, maxBytes = DEFAULT_KEYS_MAX_BYTES } = options
  const { maxKeys, authenticate = () => ({ kind: 'web-pki' }) as const, onFailure } = options
  const runtime = options.runtime ?? defaultRuntime()
  const fetchKeys = options.fetchKeys ?? webFetchBundle(runtime)
  const trustDomain = parseTrustDomain(options.trustDomain)
  const url = parseUrl(options.url)
  for (const [detail, value] of Object.entries({ pollSeconds, maxAgeSeconds, timeoutMs, maxBytes })) {
    if (!(value > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail })
  }
  if (!(refreshCooldownSeconds >= 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'refreshCooldownSeconds' })
  const stopped = new AbortController()
  let held: { readonly authorities: readonly KeyAuthority[]; readonly text: string; readonly confirmedAt: number } | undefined
  let asking: Promise<boolean> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let started = false

  async function ask(): Promise<boolean> {
    askedAt = runtime.now()
    try {
      const octets = await withinTime(timeoutMs, stopped.signal, runtime, (signal) =>
        fetchKeys({ url, authentication: authenticate(), maxBytes, signal }),
      )
      const set = withCode('ERR_TRUST_BUNDLE_MALFORMED', () => parseStrictJson(octets, { maxBytes }))
      const authorities = parseTokenServiceKeys(set, { runtime, ...(maxKeys === undefined ? {} : { maxKeys }) })
      if (stopped.signal.aborted) return false
      const text = JSON.stringify(authorities.map(({ jwk }) => jwk))
      const changed = held?.text !== text
      held = { authorities: held === undefined || changed ? authorities : held.authorities, text, confirmedAt: runtime.now() }
      return changed
    } catch (error) {
      if (!stopped.signal.aborted) {
        onFailure?.(isWimseError(error) ? error : new WimseError('ERR_TRUST_ENDPOINT', { cause: error }))
      }
      return false
    }
  }

  function askOnce(): Promise<boolean> {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }

  async function keepAsking(): Promise<void> {
    while (!stopped.signal.aborted) {
      await runtime.delay(pollSeconds * 1000, stopped.signal)
      if (!stopped.signal.aborted) await askOnce()
    }
  }

  return {
    current(asked) {
      if (asked !== trustDomain) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      if (held === undefined || stopped.signal.aborted || runtime.now() >= held.confirmedAt + maxAgeSeconds * 1000) {
        throw new WimseError('ERR_TRUST_STALE')
      }
      return held.authorities
    },
    async refresh(asked) {
      if (asked !== trustDomain || !started || stopped.signal.aborted) return false
      if (asking === undefined && runtime.now() < askedAt + refreshCooldownSeconds * 1000) return false
      return askOnce()
    },
    async start() {
      if (started) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keys are started once' })
      started = true
      await askOnce()
      void keepAsking()
    },
    close: () => stopped.abort(),
  }
}

function parseUrl(text: string): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') throw new WimseError('ERR_TRUST_ENDPOINT_URL')
  return url
}

async function withinTime<T>(
  timeoutMs: number,
  stopped: AbortSignal,
  runtime: Runtime,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  const timer = new AbortController()
  const expired = runtime.delay(timeoutMs, AbortSignal.any([ended.signal, stopped])).then((): never => {
    timer.abort()
    throw new WimseError('ERR_TRUST_ENDPOINT', { detail: 'no answer in time' })
  })
  try {
    return await Promise.race([step(AbortSignal.any([timer.signal, stopped])), expired])
  } finally {
    expired.catch(() => undefined)
    ended.abort()
  }
}
