import {
  type FoundProgram,
  findProgram,
  type LocalServer,
  type ServerFiles,
  type ServerProgram,
  startLocalServer,
} from '@wimse/local-server'

/** A NATS with JetStream that was started for a test, on a free port of the loopback interface. */
export interface NatsServer extends LocalServer {
  /** `nats://127.0.0.1:…`, or `tls://` */
  readonly url: string
}

/** Options of {@link startNatsServer}. */
export interface NatsServerOptions {
  /** More options of the command, such as `--user`. */
  readonly options?: readonly string[]
  /** Serves TLS alone, by these files. */
  readonly tls?: ServerFiles
}

const NATS: ServerProgram = {
  name: 'nats-server',
  variable: 'WIMSE_NATS_SERVER',
  image: 'nats:2',
  usualPort: 4222,
  ready: 'Server is ready',
}

/** Looks for a NATS: the binary that WIMSE_NATS_SERVER names, `nats-server` in PATH, an image. Says why when there is none. */
export function findNatsServer(environment?: Readonly<Record<string, string | undefined>>): Promise<FoundProgram> {
  return findProgram(NATS, environment)
}

/**
 * Starts a NATS whose streams lie in a directory of its own: they are there again after `kill` and `start`.
 *
 * @throws Error when it doesn't start, or there is none (`findNatsServer` says why)
 */
export async function startNatsServer({ options = [], tls }: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startLocalServer(NATS, {
    options({ port, directory }) {
      const certificates = tls === undefined ? [] : ['--tls', '--tlscert', tls.certFile, '--tlskey', tls.keyFile, '--tlscacert', tls.caFile]
      return ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', directory, ...certificates, ...options]
    },
    files: tls === undefined ? [] : [tls.certFile, tls.keyFile, tls.caFile],
  })
  return { ...server, url: `${tls === undefined ? 'nats' : 'tls'}://127.0.0.1:${server.port}` }
}
