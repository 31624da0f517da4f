import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers'
import type { ContainerEngine } from './container-engine.ts'
import { OWNER_LABEL, ownerOf } from './leftovers.ts'
import { SetupError } from './setup-error.ts'

export interface ContainerOptions {
  readonly image: string
  readonly entrypoint: readonly string[]
  readonly user: string
  readonly network: StartedNetwork
  readonly aliases: readonly string[]
  readonly binds: readonly { readonly source: string; readonly target: string; readonly mode: 'ro' | 'rw' }[]
  readonly tmpfs?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  /** Sees the processes of the whole machine. */
  readonly hostPid?: boolean
  /** Ports of the container that this machine reaches on loopback: at any port unless told which. */
  readonly publish?: readonly (number | { readonly container: number; readonly host: number })[]
}

/** A container of ours. */
export interface RunningContainer {
  readonly container: StartedTestContainer
  log(): Promise<string>
  /** Throws `exited`, with the last lines of the log, when the container has ended by itself. */
  assertAlive(): Promise<void>
  /** Ends what runs in it, and keeps the container. */
  stop(): Promise<void>
  /** Ends what runs in it without a goodbye, and keeps the container. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Stops everything in it where it stands: connections stay, answers don't come. */
  pause(): Promise<void>
  resume(): Promise<void>
  remove(): Promise<void>
}

const STOP_GRACE_SECONDS = 5

class SuiteContainer extends GenericContainer {
  withHostPid(): this {
    this.hostConfig.PidMode = 'host'
    return this
  }
}

/** Starts a container and returns as soon as it runs: who started it knows how to ask whether it is ready. */
export async function startContainer(engine: ContainerEngine, options: ContainerOptions): Promise<RunningContainer> {
  const definition = new SuiteContainer(options.image)
    .withEntrypoint([...options.entrypoint])
    .withUser(options.user)
    .withNetwork(options.network)
    .withNetworkAliases(...options.aliases)
    .withBindMounts(options.binds.map((bind) => ({ ...bind })))
    .withTmpFs(Object.fromEntries((options.tmpfs ?? []).map((path) => [path, 'rw,mode=1777'])))
    .withEnvironment({ ...options.environment })
    .withLabels({ ...options.labels, [OWNER_LABEL]: ownerOf(process.pid) })
    .withWaitStrategy(Wait.forLogMessage(/./))
  if (options.hostPid) definition.withHostPid()
  if (options.publish !== undefined)
    definition.withExposedPorts(...options.publish.map((port) => (typeof port === 'number' ? port : { ...port })))
  const container = await definition.start()
  const handle = engine.client.container.getById(container.getId())

  const state = async (): Promise<{ readonly Running: boolean; readonly Paused: boolean }> => (await handle.inspect()).State
  const resume = async (): Promise<void> => {
    if ((await state()).Paused) await handle.unpause()
  }
  const log = async (): Promise<string> => demultiplex(await handle.logs({ stdout: true, stderr: true, follow: false }))
  return {
    container,
    log,
    assertAlive: async () => {
      if ((await state()).Running) return
      const tail = (await log()).trimEnd().split('\n').slice(-5).join('\n')
      throw new SetupError('exited', `the container of ${options.image} ended by itself:\n${tail}`)
    },
    stop: () => handle.stop({ t: STOP_GRACE_SECONDS }),
    kill: async () => {
      await resume()
      if (!(await state()).Running) return
      await handle.kill({ signal: 'SIGKILL' })
      await handle.wait()
    },
    start: () => handle.start(),
    pause: async () => {
      if (!(await state()).Paused) await handle.pause()
    },
    resume,
    remove: async () => {
      // Older engines keep a container that is paused.
      await resume()
      await handle.remove({ force: true, v: true })
    },
  }
}

/** The engine frames its log: a stream number, three zeros, a length, and as many bytes. */
export function demultiplex(framed: Buffer): string {
  const chunks: Buffer[] = []
  for (let at = 0; at + 8 <= framed.length; ) {
    const end = at + 8 + framed.readUInt32BE(at + 4)
    chunks.push(framed.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(chunks).toString('utf8')
}
