import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** A Redis that was started for a test, on a free port of the loopback interface. */
export interface RedisServer {
  readonly port: number
  /** `redis://127.0.0.1:…` */
  readonly url: string
  /** Starts it again at the same port, with what it had on disk. */
  start(): Promise<void>
  /** Ends it without a goodbye. */
  kill(): Promise<void>
  /** Stops it where it stands: connections stay, answers don't come. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends it and removes what it had on disk. */
  close(): Promise<void>
}

/** Options of {@link startRedisServer}. */
export interface RedisServerOptions {
  /** More options of the command, such as `--appendonly yes`. */
  readonly options?: readonly string[]
  /** Serves TLS alone, by these files. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly caFile: string }
}

/** How a Redis can be had here. */
export type FoundRedis =
  | { readonly binary: string }
  /** An engine that can give the image. */
  | { readonly image: string }
  | { readonly missing: string }

const IMAGE = 'redis:7'
const run = promisify(execFile)

/** Looks for a Redis: the binary that WIMSE_REDIS_SERVER names, `redis-server` in PATH, an image. Says why when there is none. */
export async function findRedis(environment: Readonly<Record<string, string | undefined>> = process.env): Promise<FoundRedis> {
  const { WIMSE_REDIS_SERVER: named, PATH = '' } = environment
  const candidates = named === undefined ? PATH.split(delimiter).map((folder) => join(folder, 'redis-server')) : [named]
  for (const binary of candidates) {
    const usable = await access(binary, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable) return { binary }
  }
  if (named !== undefined) return { missing: 'WIMSE_REDIS_SERVER names no program' }
  const pulled = await run('docker', ['pull', '--quiet', IMAGE], { timeout: 120_000 }).then(
    () => true,
    () => false,
  )
  return pulled ? { image: IMAGE } : { missing: `no redis-server in PATH, and no engine that gives ${IMAGE}` }
}

/**
 * Starts a Redis with a directory of its own. What it had is gone after `kill` unless `options` make it write.
 *
 * @throws Error when it doesn't start, or there is none (`findRedis` says why)
 */
export async function startRedisServer({ options = [], tls }: RedisServerOptions = {}): Promise<RedisServer> {
  const found = await findRedis()
  if ('missing' in found) throw new Error(found.missing)
  const [directory, port] = await Promise.all([mkdtemp(join(tmpdir(), 'redis-')), freePort()])
  const listening = tls === undefined ? ['--port', String(port)] : tlsOptions(port, tls)
  const own = ['--bind', '127.0.0.1', '--dir', directory, '--save', '', '--daemonize', 'no', '--logfile', '', ...listening, ...options]
  const files = tls === undefined ? [] : [tls.certFile, tls.keyFile, tls.caFile]
  const commands = 'binary' in found ? ofBinary(found.binary) : ofImage(found.image, [directory, ...files])
  let child: ChildProcess | undefined

  const kill = async (): Promise<void> => {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = new Promise((resolve) => ending.once('exit', resolve))
    await commands.kill(ending)
    await gone
  }
  const server: RedisServer = {
    port,
    url: `${tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${port}`,
    async start() {
      child = await untilReady(commands.start(own))
    },
    kill,
    pause: async () => {
      if (child !== undefined) await commands.pause(child)
    },
    resume: async () => {
      if (child !== undefined) await commands.resume(child)
    },
    async close() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    await server.start()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}

function tlsOptions(port: number, { certFile, keyFile, caFile }: NonNullable<RedisServerOptions['tls']>): readonly string[] {
  const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', caFile]
  return ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...files]
}

interface Commands {
  start(options: readonly string[]): ChildProcess
  kill(child: ChildProcess): unknown
  pause(child: ChildProcess): unknown
  resume(child: ChildProcess): unknown
}

function ofBinary(binary: string): Commands {
  return {
    start: (options) => spawn(binary, options, { stdio: ['ignore', 'pipe', 'inherit'] }),
    kill: (child) => child.kill('SIGKILL'),
    pause: (child) => child.kill('SIGSTOP'),
    resume: (child) => child.kill('SIGCONT'),
  }
}

/** The same in a container that has the network and the files of this machine. */
function ofImage(image: string, paths: readonly string[]): Commands {
  const name = `redis-${process.pid}-${Math.trunc(performance.now() * 1000)}`
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const volumes = paths.flatMap((path) => ['--volume', `${path}:${path}`])
  const docker = async (command: string): Promise<void> => {
    await run('docker', [command, name])
  }
  return {
    start: (options) => {
      const container = ['--rm', '--name', name, '--network', 'host', '--user', user, ...volumes]
      return spawn('docker', ['run', ...container, image, 'redis-server', ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
    },
    kill: () => docker('kill'),
    pause: () => docker('pause'),
    resume: () => docker('unpause'),
  }
}

function untilReady(child: ChildProcess): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    let log = ''
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`redis-server ended: ${log.slice(-400)}`)))
    child.stdout?.on('data', (octets: Uint8Array) => {
      log = `${log}${String(octets)}`.slice(-4000)
      if (log.includes('Ready to accept connections')) resolve(child)
    })
  })
}

/** A port that nobody has now. Never the usual one: what is there isn't ours. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const bound = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof bound === 'object' && bound !== null && bound.port !== 6379 ? bound.port : freePort()
}
