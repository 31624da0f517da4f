import {
  type FoundProgram,
  findProgram,
  type LocalServer,
  type ServerFiles,
  type ServerProgram,
  startLocalServer,
} from '@wimse/local-server'

/** A Redis that was started for a test, on a free port of the loopback interface. */
export interface RedisServer extends LocalServer {
  /** `redis://127.0.0.1:…` */
  readonly url: string
}

/** Options of {@link startRedisServer}. */
export interface RedisServerOptions {
  /** More options of the command, such as `--appendonly yes`. */
  readonly options?: readonly string[]
  /** Serves TLS alone, by these files. */
  readonly tls?: ServerFiles
}

const REDIS: ServerProgram = {
  name: 'redis-server',
  variable: 'WIMSE_REDIS_SERVER',
  image: 'redis:7',
  usualPort: 6379,
  ready: 'Ready to accept connections',
}

/** Looks for a Redis: the binary that WIMSE_REDIS_SERVER names, `redis-server` in PATH, an image. Says why when there is none. */
export function findRedis(environment?: Readonly<Record<string, string | undefined>>): Promise<FoundProgram> {
  return findProgram(REDIS, environment)
}

/**
 * Starts a Redis with a directory of its own. What it had is gone after `kill` unless `options` make it write.
 *
 * @throws Error when it doesn't start, or there is none (`findRedis` says why)
 */
export async function startRedisServer({ options = [], tls }: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startLocalServer(REDIS, {
    options({ port, directory }) {
      const listening = tls === undefined ? ['--port', String(port)] : tlsOptions(port, tls)
      return ['--bind', '127.0.0.1', '--dir', directory, '--save', '', '--daemonize', 'no', '--logfile', '', ...listening, ...options]
    },
    files: tls === undefined ? [] : [tls.certFile, tls.keyFile, tls.caFile],
  })
  return { ...server, url: `${tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${server.port}` }
}

function tlsOptions(port: number, { certFile, keyFile, caFile }: ServerFiles): readonly string[] {
  const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', caFile]
  return ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...files]
}
