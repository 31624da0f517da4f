import { parseTrustDomain, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import {
  type allowInsecureEndpoint,
  DEFAULT_JWK_SET_COOLDOWN_SECONDS,
  DEFAULT_JWK_SET_MAX_AGE_SECONDS,
  DEFAULT_JWK_SET_MAX_BYTES,
  DEFAULT_JWK_SET_TIMEOUT_MS,
  type JwkSetEndpointOptions,
  jwkSetEndpoint,
} from '@wimse/trust'
import type { TransactionTokenKeys } from './transaction-token-keys.ts'

/** Options of {@link tokenServiceEndpointKeys}. Trust domain and URL come from configuration, never from a token (TXN-13.7-01). */
export interface TokenServiceEndpointOptions extends Omit<JwkSetEndpointOptions, typeof allowInsecureEndpoint> {
  readonly trustDomain: string
  /** Between two retrievals; {@link DEFAULT_KEYS_POLL_SECONDS} unless told. */
  readonly pollSeconds?: number
}

/** Keys that follow the service's endpoint. */
export interface TokenServiceEndpointKeys extends TransactionTokenKeys {
  /** Retrieves the keys and goes on to do so; returns when the first attempt has ended, well or not. Once. */
  start(): Promise<void>
  /** Stops. Closed keys are stale, since nothing keeps them current. */
  close(): void
}

export const DEFAULT_KEYS_POLL_SECONDS = 300
export const DEFAULT_KEYS_COOLDOWN_SECONDS: number = DEFAULT_JWK_SET_COOLDOWN_SECONDS
export const DEFAULT_KEYS_MAX_AGE_SECONDS: number = DEFAULT_JWK_SET_MAX_AGE_SECONDS
export const DEFAULT_KEYS_TIMEOUT_MS: number = DEFAULT_JWK_SET_TIMEOUT_MS
export const DEFAULT_KEYS_MAX_BYTES: number = DEFAULT_JWK_SET_MAX_BYTES

/**
 * Follows the JWK set of a trust domain's token service, by `jwkSetEndpoint`: at once, in intervals, and once per cooldown when a key is unknown.
 * What a retrieval brings replaces what was before at once, so that withdrawn keys stop working. A redirect, another status, a set that is
 * malformed, too large or shows a private key leave the set before in place, until its age is over. The URL has scheme `https` (TXN-13.7-03).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TRUST_ENDPOINT_URL`, `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-transaction-tokens/ sections 13.7 and 13.11
 */
export function tokenServiceEndpointKeys(options: TokenServiceEndpointOptions): TokenServiceEndpointKeys {
  const { trustDomain: name, pollSeconds = DEFAULT_KEYS_POLL_SECONDS, ...others } = options
  const { runtime = defaultRuntime() } = options
  const trustDomain = parseTrustDomain(name)
  if (!(pollSeconds > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'pollSeconds' })
  const endpoint = jwkSetEndpoint({ ...others, runtime })
  const stopped = new AbortController()
  let started = false

  async function keepAsking(): Promise<void> {
    while (!stopped.signal.aborted) {
      await runtime.delay(pollSeconds * 1000, stopped.signal)
      if (!stopped.signal.aborted) await endpoint.retrieve()
    }
  }

  return {
    current(asked) {
      if (asked !== trustDomain) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      const authorities = endpoint.current()
      if (authorities === undefined) throw new WimseError('ERR_TRUST_STALE')
      return authorities
    },
    async refresh(asked) {
      return asked === trustDomain && started ? endpoint.refresh() : false
    },
    async start() {
      if (started) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keys are started once' })
      started = true
      await endpoint.retrieve()
      void keepAsking()
    },
    close() {
      stopped.abort()
      endpoint.close()
    },
  }
}
