import { setTimeout as sleep } from 'node:timers/promises'
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers'

/** A container engine on this machine: containers can mount our directories and answer on our sockets. */
export interface ContainerEngine {
  /** For the report, for example `Docker 20.10.24`. */
  readonly name: string
  readonly client: ContainerRuntimeClient
  /** The engine's own socket, as containers mount it. */
  readonly socketPath: string
  readonly hasImage: (image: string) => Promise<boolean>
  /** Makes an official image available. Returns why that failed. */
  readonly pull: (image: string, progress: (line: string) => void) => Promise<string | undefined>
}

export type EngineSearch = ContainerEngine | { readonly unavailable: string; readonly remedy: string }

const ENGINE_TIMEOUT_MS = 10_000
const REGISTRY_TIMEOUT_MS = 3_000
const PULL_TIMEOUT_MS = 300_000

/** Looks for a container engine, and says what it found. */
export async function findContainerEngine(): Promise<EngineSearch> {
  // The reaper of testcontainers is an image that can not be had everywhere. What the suite starts, it ends itself.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true'
  const remedy = 'install and start a Docker engine (on Debian: interop/scripts/install-engine.sh)'
  let client: ContainerRuntimeClient
  try {
    client = await withTimeout(getContainerRuntimeClient(), ENGINE_TIMEOUT_MS)
  } catch {
    return { unavailable: 'no container engine answers', remedy }
  }
  if (client.info.containerRuntime.operatingSystemType !== 'linux' || process.platform !== 'linux') {
    return { unavailable: 'the container engine does not run on this machine itself', remedy: 'use Linux' }
  }
  const { Version: version } = await client.container.dockerode.version()
  const hasImage = (image: string): Promise<boolean> => client.image.exists(ImageName.fromString(image))
  const registries = new Map<string, Promise<boolean>>()
  return {
    name: `Docker ${version.split('+')[0]}`,
    client,
    socketPath: client.info.containerRuntime.remoteSocketPath,
    hasImage,
    pull: async (image, progress) => {
      if (await hasImage(image)) return undefined
      const registry = image.slice(0, image.indexOf('/'))
      const answers = registries.get(registry) ?? registryAnswers(registry)
      registries.set(registry, answers)
      if (!(await answers)) return `${registry} does not answer`
      progress(`pulling ${image}`)
      try {
        await withTimeout(client.image.pull(ImageName.fromString(image)), PULL_TIMEOUT_MS)
        return (await hasImage(image)) ? undefined : `${image} can not be pulled`
      } catch {
        return `${image} can not be pulled`
      }
    },
  }
}

async function registryAnswers(registry: string): Promise<boolean> {
  try {
    const answer = await fetch(`https://${registry}/v2/`, { signal: AbortSignal.timeout(REGISTRY_TIMEOUT_MS) })
    await answer.body?.cancel()
    // Registries ask the anonymous for a token: that is an answer too.
    return answer.status === 200 || answer.status === 401
  } catch {
    return false
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const timer = new AbortController()
  const timeout = sleep(timeoutMs, undefined, { signal: timer.signal }).then(
    () => Promise.reject(new Error('timeout')),
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([work, timeout])
  } finally {
    timer.abort()
  }
}
