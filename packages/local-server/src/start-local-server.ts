import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, type ServerProgram } from './find-program.ts'
import { ofBinary, ofImage } from './server-commands.ts'

/** A server that was started for a test, on a free port of the loopback interface. */
export interface LocalServer {
  readonly port: number
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

/** Where a server is to be. */
export interface ServerPlace {
  readonly port: number
  /** Its own, empty at first. */
  readonly directory: string
}

/** PEM files that a server speaks TLS by. */
export interface ServerFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

/** Options of {@link startLocalServer}. */
export interface LocalServerOptions {
  /** Those of the command: to listen at that port of 127.0.0.1, to keep what it has in that directory. */
  options(place: ServerPlace): readonly string[]
  /** Files beside its directory that it reads. */
  readonly files?: readonly string[]
}

/**
 * Starts a program with a directory of its own, and waits until it takes connections.
 *
 * @throws Error when it doesn't start, or there is none (`findProgram` says why)
 */
export async function startLocalServer(program: ServerProgram, { options, files = [] }: LocalServerOptions): Promise<LocalServer> {
  const found = await findProgram(program)
  if ('missing' in found) throw new Error(found.missing)
  const [directory, port] = await Promise.all([mkdtemp(join(tmpdir(), `${program.name}-`)), freePort(program.usualPort)])
  const commands = 'binary' in found ? ofBinary(found.binary) : ofImage(found.image, program.name, [directory, ...files])
  let child: ChildProcess | undefined

  const kill = async (): Promise<void> => {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = new Promise((resolve) => ending.once('exit', resolve))
    await commands.kill(ending)
    await gone
  }
  const server: LocalServer = {
    port,
    async start() {
      child = await untilReady(commands.start(options({ port, directory })), program)
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

function untilReady(child: ChildProcess, { name, ready }: ServerProgram): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    let log = ''
    const read = (octets: Uint8Array): void => {
      log = `${log}${String(octets)}`.slice(-4000)
      if (log.includes(ready)) resolve(child)
    }
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${name} ended: ${log.slice(-400)}`)))
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
  })
}

/** A port that nobody has now, and never the usual one. */
async function freePort(usual: number): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const bound = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof bound === 'object' && bound !== null && bound.port !== usual ? bound.port : freePort(usual)
}
