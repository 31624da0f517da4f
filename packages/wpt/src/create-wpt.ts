import { formatBase64url, type Runtime, trimFieldValue, WimseError } from '@wimse/core'
import { defaultRuntime, signCompactJws } from '@wimse/keys'
import { assertLiveCredential, type WitCredential } from '@wimse/wit'
import { hashToken, isContextField } from './bound-tokens.ts'

/** Options of {@link createWpt}. */
export interface CreateWptOptions {
  readonly credential: WitCredential
  /** The recipient: the target URI without query and fragment (WPT-2-11, see {@link targetAudience}), or an alias that it knows (WPT-2-12). */
  readonly audience: string
  /** The value of the request's Txn-Token field, when it has one (WPT-2-18). */
  readonly transactionToken?: string
  /** Other tokens with end-user identity or authorization context: header field name to field value (WPT-2-20, WPT-2-22). */
  readonly contextTokens?: Readonly<Record<string, string>>
  /** 60 seconds unless told, 300 at most (WPT-2-14). */
  readonly lifetimeSeconds?: number
  readonly runtime?: Runtime
}

export const DEFAULT_WPT_LIFETIME_SECONDS = 60
export const MAX_WPT_LIFETIME_SECONDS = 300

const ASCII = /^[\x20-\x7e\t]+$/

/**
 * Creates the proof token for one request, as the value of its Authorization field (WPT-2-02): signed with the key of the WIT and its
 * algorithm (WPT-2-08), `aud`, `exp`, a `jti` of 128 random bits (WPT-2-16), `wth` (WPT-2-17), `tth` and `oth` for the tokens given.
 * The token never outlives the WIT. Every call makes a new one: a proof is for one request.
 *
 * @throws WimseError `ERR_CREDENTIAL_EXPIRED`, `ERR_OPTIONS_INVALID`
 * @see https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/ section 2
 */
export async function createWpt(options: CreateWptOptions): Promise<string> {
  const { credential, audience, transactionToken, contextTokens = {}, lifetimeSeconds = DEFAULT_WPT_LIFETIME_SECONDS } = options
  const runtime = options.runtime ?? defaultRuntime()
  // WPT-2-10
  if (typeof audience !== 'string' || audience === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  // WPT-2-13, WPT-3.1.2-01
  if (!(lifetimeSeconds > 0 && lifetimeSeconds <= MAX_WPT_LIFETIME_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'lifetimeSeconds' })
  }
  // WPT-3.2-03
  assertLiveCredential(credential, runtime)
  const { signer, token, expiresAt } = credential
  const now = Math.floor(runtime.now() / 1000)
  const claims = {
    aud: audience,
    exp: Math.min(now + Math.ceil(lifetimeSeconds), expiresAt),
    jti: formatBase64url(runtime.randomBytes(16)),
    wth: await hashToken(token, runtime),
    ...(transactionToken === undefined ? {} : { tth: await hashToken(asciiValue(transactionToken), runtime) }),
    ...(await otherTokenHashes(contextTokens, runtime)),
  }
  // WPT-2-07, WPT-2-08: the signer has the one algorithm of cnf.jwk. WPT-2-09
  return `WPT ${await signCompactJws({ typ: 'wpt+jwt' }, claims, signer)}`
}

/**
 * The audience for an http or https target URI: without query and fragment (WPT-2-11), and without user information.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function targetAudience(target: string | URL): string {
  const url = URL.canParse(target) ? new URL(target) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'target' })
  return `${url.origin}${url.pathname}`
}

async function otherTokenHashes(tokens: Readonly<Record<string, string>>, runtime: Runtime): Promise<{ oth?: Record<string, string> }> {
  const hashes: Record<string, string> = {}
  for (const [name, value] of Object.entries(tokens)) {
    const key = name.toLowerCase()
    if (!isContextField(key) || Object.hasOwn(hashes, key)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'contextTokens' })
    // WPT-2-24
    hashes[key] = await hashToken(asciiValue(value), runtime)
  }
  return Object.keys(hashes).length === 0 ? {} : { oth: hashes }
}

function asciiValue(value: string): string {
  const trimmed = trimFieldValue(value)
  if (!ASCII.test(trimmed)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a bound token is not ASCII' })
  return trimmed
}
