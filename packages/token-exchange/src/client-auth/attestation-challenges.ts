import { fieldLinesOfHeaders, fieldValues, formatBase64url, type Runtime, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { jsonResponse, readJson, throwRefusal } from '../protocol/json-response.ts'
import { checkEndpoint, type EndpointOptions } from '../protocol/uri.ts'
import type { AttestationChallenges } from './verify-attestation-proof.ts'

/** Challenges of one authorization server. */
export interface RotatingChallenges extends AttestationChallenges {
  /** The challenge to give out now. */
  current(): string
}

export const DEFAULT_CHALLENGE_LIFETIME_SECONDS = 120

const CHALLENGE = /^[A-Za-z0-9._~+/=-]{1,1024}$/

/**
 * Challenges of 256 random bits that are the same for every client and change with time; the one before is good until the next change. They
 * say how old a proof may be by the server's clock; that it is used once is for its `jti`. Nothing is kept for a client, so that nobody can
 * fill anything. Each process has its own: where several answer for one issuer, give them a common implementation of
 * `AttestationChallenges`.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createAttestationChallenges(
  options: { readonly lifetimeSeconds?: number; readonly runtime?: Runtime } = {},
): RotatingChallenges {
  const { lifetimeSeconds = DEFAULT_CHALLENGE_LIFETIME_SECONDS, runtime = defaultRuntime() } = options
  if (!(lifetimeSeconds > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  let madeAt = Number.NEGATIVE_INFINITY
  let latest = ''
  let previous = ''
  const rotate = (): void => {
    const age = runtime.now() - madeAt
    if (age < lifetimeSeconds * 1000) return
    previous = age < lifetimeSeconds * 2000 ? latest : ''
    latest = formatBase64url(runtime.randomBytes(32))
    madeAt = runtime.now()
  }
  return {
    current() {
      rotate()
      return latest
    },
    accepts(challenge) {
      rotate()
      return challenge !== '' && (challenge === latest || challenge === previous)
    },
  }
}

/** The answer of a challenge endpoint: JSON, never stored (ATT-6.1-03). */
export function attestationChallengeResponse(challenge: string): Response {
  return jsonResponse({ attestation_challenge: challenge })
}

/** Makes the request for a challenge (ATT-6.1-02). Nothing is sent. @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL` */
export function attestationChallengeRequest(endpoint: string | URL, options: EndpointOptions = {}): Request {
  return new Request(checkEndpoint(endpoint, options), { method: 'POST', headers: { accept: 'application/json' }, redirect: 'error' })
}

/**
 * Reads the challenge of a challenge endpoint. In order: status 200, JSON, `no-store` (ATT-6.1-03), `attestation_challenge`.
 *
 * @throws WimseError `ERR_EXCHANGE_RESPONSE`; a `TokenEndpointRefusal` with `ERR_EXCHANGE_REFUSED`
 */
export async function processAttestationChallengeResponse(response: Response): Promise<string> {
  if (response.status !== 200) await throwRefusal(response)
  const { attestation_challenge: challenge } = await readJson(response, 'ERR_EXCHANGE_RESPONSE')
  const cached = !fieldValues(fieldLinesOfHeaders(response.headers), 'cache-control').some((value) => /\bno-store\b/i.test(value))
  if (cached || typeof challenge !== 'string' || !CHALLENGE.test(challenge)) {
    throw new WimseError('ERR_EXCHANGE_RESPONSE', { detail: 'challenge' })
  }
  return challenge
}
