import { formatBase64url, parseBase64url, WimseError, withCode } from '@wimse/core'

/** The certificate of one value of `x5c`: base64 with padding, not base64url (RFC 7517 section 4.7). */
export function parseX5cValue(value: unknown): Uint8Array {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) {
    throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'x5c is not base64' })
  }
  const bare = value.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
  return withCode('ERR_TRUST_BUNDLE_MALFORMED', () => parseBase64url(bare))
}

/** The inverse of {@link parseX5cValue}. */
export function formatX5cValue(der: Uint8Array): string {
  const text = formatBase64url(der).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}
