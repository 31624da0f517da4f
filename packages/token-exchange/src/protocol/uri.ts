import { isWimseError, MAX_IDENTIFIER_BYTES, WimseError } from '@wimse/core'
import { allowInsecureEndpoint } from '@wimse/trust'

/** Whether a text is an absolute URI of visible ASCII without a fragment (TEX-2.1-06, TEX-2.1-07, TEX-2.1-08). */
export function isAbsoluteUri(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length <= MAX_IDENTIFIER_BYTES &&
    /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(text) &&
    !/[#"<>\\^`{|}]/.test(text) &&
    URL.canParse(text)
  )
}

/** The dangerous switch of what talks to an endpoint. */
export interface EndpointOptions {
  readonly [allowInsecureEndpoint]?: true
}

/**
 * Checks the URL of an endpoint: https unless the switch is on (TEX-6-01), no user information, no fragment.
 *
 * @throws WimseError `ERR_INSECURE_CHANNEL`, `ERR_OPTIONS_INVALID`
 */
export function checkEndpoint(endpoint: string | URL, options: EndpointOptions): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'endpoint' })
  }
  // TEX-6-01
  if (url.protocol === 'https:' || (url.protocol === 'http:' && options[allowInsecureEndpoint] === true)) return url
  throw new WimseError(url.protocol === 'http:' ? 'ERR_INSECURE_CHANNEL' : 'ERR_OPTIONS_INVALID', { detail: 'endpoint' })
}

/**
 * Checks the issuer identifier of an authorization server: an https URL without query and fragment (RFC 8414 section 2), http on
 * loopback addresses only. JAS-4-06: there always is one.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function checkIssuer(issuer: string): string {
  try {
    if (isAbsoluteUri(issuer) && !issuer.includes('?')) {
      const { protocol, hostname } = checkEndpoint(issuer, { [allowInsecureEndpoint]: true })
      if (protocol === 'https:' || /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)) return issuer
    }
  } catch (error) {
    if (!isWimseError(error)) throw error
  }
  throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'issuer' })
}
