import { WimseError } from '@wimse/core'

/** Where a NATS is. */
export interface NatsAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/

/**
 * Reads `nats://` or, over TLS, `tls://` with `host[:port]`. In the clear only the loopback interface is taken unless told: whoever stands in
 * between could answer for the broker, when it took a message included. Credentials are options, never in the address.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`; the address is never quoted
 */
export function parseNatsUrl(
  url: string,
  { allowInsecureConnection = false }: { readonly allowInsecureConnection?: boolean } = {},
): NatsAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const { protocol, hostname = '', pathname = '', search, hash, username, password } = parsed ?? {}
  const known = protocol === 'nats:' || protocol === 'tls:'
  const bare = (pathname === '' || pathname === '/') && search === '' && hash === '' && username === '' && password === ''
  if (parsed === undefined || !known || hostname === '' || !bare) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the address of NATS' })
  }
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const tls = protocol === 'tls:'
  if (!tls && !allowInsecureConnection && !LOOPBACK.test(host)) {
    throw new WimseError('ERR_INSECURE_CHANNEL', { detail: 'nats: in place of tls:' })
  }
  return { host, port: parsed.port === '' ? 4222 : Number(parsed.port), tls }
}
