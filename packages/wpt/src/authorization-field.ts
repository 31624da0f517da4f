import { type FieldLines, fieldValues, WimseError } from '@wimse/core'

// WPT-2-05: the token as it is, in its own case. WPT-2-06: that it is a JWT shows when it is decoded.
const CREDENTIALS = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([A-Za-z0-9._~+/-]+=*)$/

/**
 * The WPT of a message: the value of the one Authorization field (WPT-2-28), scheme `WPT` in any case (WPT-2-04, WPT-2-29), one or more
 * spaces, one token68 (WPT-2-03). Nothing in it has been verified.
 *
 * @throws WimseError `ERR_WPT_AUTHORIZATION_COUNT`, `ERR_WPT_SCHEME`, `ERR_WPT_MALFORMED`
 */
export function readWptField(fields: FieldLines): string {
  const [value, ...others] = fieldValues(fields, 'authorization')
  // WPT-3.1-01: a WIT without a proof ends here.
  if (value === undefined || others.length > 0) throw new WimseError('ERR_WPT_AUTHORIZATION_COUNT')
  const space = value.indexOf(' ')
  const scheme = space === -1 ? value : value.slice(0, space)
  // WPT-3.1-03, CRED-9.2-02, WSVID-5-03, WSVID-7.1-01, WSVID-7.1-05: so a WIT as a bearer token is none.
  if (scheme.toLowerCase() !== 'wpt') throw new WimseError('ERR_WPT_SCHEME')
  const token = CREDENTIALS.exec(value)?.[2]
  if (token === undefined) throw new WimseError('ERR_WPT_MALFORMED', { detail: 'credentials' })
  return token
}
