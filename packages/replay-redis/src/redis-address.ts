import { WimseError } from '@wimse/core'

/** Where a Redis is, and as whom to speak to it. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
}

/** What a connection over TLS is checked by, beside the authorities that the platform trusts. */
export interface RedisTls {
  /** PEM; in place of the platform's authorities. */
  readonly ca?: string
  /** PEM of an own certificate and its key, where the server wants one. */
  readonly cert?: string
  readonly key?: string
  /** The name in the server's certificate, where it isn't the host of the address. */
  readonly serverName?: string
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/

/**
 * Reads `redis://` or, over TLS, `rediss://` with `[user[:password]@]host[:port][/database]`. In the clear only the loopback interface is
 * taken unless told: whoever stands in between could answer that every proof is new, and would see the password.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`; the address is never quoted
 */
export function parseRedisUrl(
  url: string,
  { allowInsecureConnection = false }: { readonly allowInsecureConnection?: boolean } = {},
): RedisAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const { protocol, hostname = '', search, hash, pathname = '' } = parsed ?? {}
  const database = /^(?:\/(\d{1,4})?)?$/.exec(pathname)
  const known = protocol === 'redis:' || protocol === 'rediss:'
  if (parsed === undefined || !known || hostname === '' || search !== '' || hash !== '' || database === null) throw malformed()
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const tls = protocol === 'rediss:'
  if (!tls && !allowInsecureConnection && !LOOPBACK.test(host))
    throw new WimseError('ERR_INSECURE_CHANNEL', { detail: 'redis: in place of rediss:' })
  return {
    host,
    port: parsed.port === '' ? 6379 : Number(parsed.port),
    tls,
    username: decoded(parsed.username),
    password: decoded(parsed.password),
    database: Number(database[1] ?? 0),
  }
}

function decoded(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text)
  } catch {
    throw malformed()
  }
}

function malformed(): WimseError {
  return new WimseError('ERR_OPTIONS_INVALID', { detail: 'the address of Redis' })
}
