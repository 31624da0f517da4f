import { isIP } from 'node:net'
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import { type Authenticator, connect, credsAuthenticator, type NodeConnectionOptions } from '@nats-io/transport-node'
import { type Runtime, utf8, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { parseNatsUrl } from './nats-address.ts'
import { DEFAULT_NATS_TIMEOUT_MS, type NatsBroker, natsBroker } from './nats-broker.ts'
import { codedFailure } from './nats-failure.ts'

/** What a connection over TLS is checked by, beside the authorities that the platform trusts. */
export interface NatsTls {
  /** PEM; in place of the platform's authorities. */
  readonly ca?: string
  /** PEM of an own certificate and its key, where the server wants one. */
  readonly cert?: string
  readonly key?: string
  /** The name in the server's certificate, where it isn't the host of the address. */
  readonly serverName?: string
}

/** Options of {@link openNats}. */
export interface NatsOptions {
  /** `nats://` on the loopback interface, `tls://` everywhere. */
  readonly url: string
  /** What the server knows this client by, if it asks: a name and a password, or the text of a credentials file of NATS. */
  readonly credentials?: { readonly user: string; readonly password: string } | { readonly creds: string }
  readonly tls?: NatsTls
  /** How long an answer may take; 5000 unless told. */
  readonly timeoutMs?: number
  /** How long opening may take, attempts included; 10,000 unless told. */
  readonly startTimeoutMs?: number
  /** Takes `nats://` beyond the loopback interface: who is on the path then decides when a message was taken, and which ones come. */
  readonly allowInsecureConnection?: boolean
  readonly runtime?: Runtime
}

export const DEFAULT_NATS_START_TIMEOUT_MS = 10_000
const PAUSE_MS = 200
const RECONNECT_PAUSE_MS = 250
const PING_INTERVAL_MS = 10_000

/**
 * Opens a connection that comes back by itself for as long as it isn't closed, to that address and no other that a server names. A server
 * that doesn't speak TLS where the address says so is refused.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`, `ERR_MESSAGE_BROKER_REFUSED` for credentials that are refused,
 *   `ERR_MESSAGE_BROKER_UNAVAILABLE` when there is no connection in time
 */
export async function openNats(options: NatsOptions): Promise<NatsBroker> {
  const { timeoutMs = DEFAULT_NATS_TIMEOUT_MS, startTimeoutMs = DEFAULT_NATS_START_TIMEOUT_MS, runtime = defaultRuntime() } = options
  // A limit that is no number would limit nothing.
  if (!(timeoutMs >= 1 && startTimeoutMs >= 1)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a timeout of NATS' })
  const settings = clientSettings(options, Math.min(timeoutMs, startTimeoutMs))
  const end = runtime.now() + startTimeoutMs
  for (;;) {
    try {
      return natsBroker(await connect(settings), { timeoutMs })
    } catch (error) {
      const failure = codedFailure(error)
      if (failure.code !== 'ERR_MESSAGE_BROKER_UNAVAILABLE' || runtime.now() + PAUSE_MS >= end) throw failure
    }
    await runtime.delay(PAUSE_MS)
  }
}

function clientSettings({ url, credentials, tls, allowInsecureConnection = false }: NatsOptions, timeout: number): NodeConnectionOptions {
  const { host, port, tls: encrypted } = parseNatsUrl(url, { allowInsecureConnection })
  return {
    servers: `${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    timeout,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_PAUSE_MS,
    pingInterval: PING_INTERVAL_MS,
    ignoreClusterUpdates: true,
    // The client would take two stack traces for each request, against the case that it fails.
    noAsyncTraces: true,
    ...(credentials !== undefined &&
      ('creds' in credentials
        ? { authenticator: authenticatorOf(credentials.creds) }
        : { user: credentials.user, pass: credentials.password })),
    ...(encrypted && { tls: tlsSettings(host, tls) }),
  }
}

function authenticatorOf(creds: string): Authenticator {
  const authenticator = credsAuthenticator(utf8(creds))
  try {
    authenticator('a challenge')
  } catch {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the credentials for NATS' })
  }
  return authenticator
}

/** The client hands these to node:tls as they are, more than its types say. Without `tls` it would take a server that speaks none. */
function tlsSettings(host: string, { serverName = host, ...certificates }: NatsTls = {}): TlsSettings {
  return {
    ...certificates,
    // An address is no server name (RFC 6066 section 3); the certificate has to have it all the same.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_name, certificate) => checkServerIdentity(serverName, certificate),
  }
}

type TlsSettings = NonNullable<NodeConnectionOptions['tls']> & Pick<ConnectionOptions, 'servername' | 'checkServerIdentity'>
