import { isIP } from 'node:net'
import { createClient, ErrorReply } from '@redis/client'
import { type Runtime, WimseError } from '@wimse/core'
import type { RedisAddress, RedisTls } from './redis-address.ts'
import { codedStartFailure, firstWord } from './redis-failure.ts'
import { withinTimeout } from './within-timeout.ts'

/** A server, and what to show it. */
export interface RedisTarget extends RedisAddress {
  readonly tlsOptions: RedisTls | undefined
}

/** One connection, from its first octet to its end. */
export interface RedisLink {
  /** Resolves once commands can be sent. @throws WimseError why they can't */
  readonly usable: Promise<void>
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>
  send(commands: readonly (readonly string[])[]): Promise<readonly unknown[]>
  /** Ends it at once; commands that wait fail. */
  end(): void
}

/** Begins to connect. Not done here: trying again. */
export function startLink(
  { host, port, tls, username, password, database, tlsOptions }: RedisTarget,
  { timeoutMs, runtime, signal }: { readonly timeoutMs: number; readonly runtime: Runtime; readonly signal: AbortSignal },
): RedisLink {
  // An address is no server name (RFC 6066 section 3); the certificate has to have it all the same.
  const { serverName = isIP(host) === 0 ? host : undefined, ...certificates } = tlsOptions ?? {}
  const client = createClient({
    RESP: 2,
    socket: {
      host,
      port,
      connectTimeout: timeoutMs,
      reconnectStrategy: false,
      ...(tls ? { tls, ...(serverName !== undefined && { servername: serverName }), ...certificates } : { tls }),
    },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    // A server can't send its clients elsewhere.
    maintNotifications: 'disabled',
  })
  const ended = Promise.withResolvers<void>()
  const end = (): void => {
    if (client.isOpen) client.destroy()
    ended.resolve()
  }
  client.on('error', end)
  client.on('end', end)
  signal.addEventListener('abort', end, { once: true })
  void ended.promise.then(() => signal.removeEventListener('abort', end))

  const use = async (): Promise<void> => {
    try {
      await withinTimeout(client.connect(), 2 * timeoutMs, runtime)
      await withinTimeout(checkEviction(client), timeoutMs, runtime)
    } catch (error) {
      throw codedStartFailure(error)
    }
  }
  return {
    usable: use(),
    ended: ended.promise,
    end,
    send: (commands) => Promise.all(commands.map((command) => client.sendCommand([...command]))),
  }
}

/** Refuses a server that forgets keys before their time. One that doesn't say how it makes room is taken. */
async function checkEviction(client: Pick<ReturnType<typeof createClient>, 'sendCommand'>): Promise<void> {
  const report: unknown = await client.sendCommand(['INFO', 'memory']).catch((error: unknown) => {
    if (error instanceof ErrorReply && firstWord(error) === 'NOPERM') return ''
    throw error
  })
  const policy = /^maxmemory_policy:(\S+)/m.exec(String(report))?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'the eviction policy of Redis: noeviction is needed' })
  }
}
