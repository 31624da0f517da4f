import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Network, type StartedNetwork } from 'testcontainers'
import type { ContainerEngine } from '../spire/container-engine.ts'
import { NATS_IN_IMAGE, type SuiteImages } from '../spire/container-images.ts'
import { type DockerSpireDomain, startDockerDomain } from '../spire/docker-domain.ts'
import { findFreePorts } from '../spire/free-port.ts'
import { type ContainerOptions, type RunningContainer, startContainer } from '../spire/running-container.ts'
import type { SpireDomain } from '../spire/spire-domain.ts'
import { waitUntil } from '../spire/wait-until.ts'
import { mapBounded } from '../suite/map-bounded.ts'
import { HOW_TO_GET_NATS, type MissingBroker, type RunningBroker } from './broker.ts'
import { residentBytesIn } from './process-program.ts'
import { isAlive, type Place, type ProgramSpec, type Stage } from './stage.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const REPOSITORY_IN_CONTAINER = '/wimse'
const PLACE_IN_CONTAINER = '/run/place'
const BROKER_HOST = 'nats.shop.example'
const BROKER_PORT = 4222
const PORTS = { first: 8443, second: 8444, control: 9000 }

/** Options of {@link openDockerStage}. */
export interface DockerStageOptions {
  readonly engine: ContainerEngine
  readonly images: SuiteImages
  readonly spire: Stage['environment']['spire']
}

/** Everything in containers on one private network. The programs run from this repository, mounted read-only. */
export async function openDockerStage({ engine, images, spire }: DockerStageOptions): Promise<Stage> {
  const base = await mkdtemp(join(tmpdir(), 'wimse-'))
  const network = await new Network().start()
  const domains = new Map<SpireDomain, DockerSpireDomain>()
  const containers: RunningContainer[] = []
  const slotOf = (domain: SpireDomain, name: string): ReturnType<DockerSpireDomain['slot']> => {
    const own = domains.get(domain)
    if (own === undefined) throw new Error('a domain of another stage')
    return own.slot(name)
  }
  const self = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const workloadUser = (await isOpenToOthers()) ? '10001:10001' : self
  return {
    driver: 'docker',
    environment: {
      spire,
      containerEngine: engine.name,
      images: [
        `${images.server} (${images.origin.spire})`,
        `${images.agent} (${images.origin.spire})`,
        `${images.node} (${images.origin.node})`,
        ...(images.nats === undefined ? [] : [`${images.nats} (${images.origin.nats})`]),
      ],
    },
    async startDomain(options) {
      const domain = await startDockerDomain({ ...options, engine, images, network })
      domains.set(domain, domain)
      return domain
    },
    async place(domain, name, alias, published = false) {
      const outside = join(base, `${name}.${domain.trustDomain}`)
      await mkdir(outside)
      await chmod(outside, 0o755)
      // The same number on both sides, so that one authority is right for all.
      const [first = 0] = published ? await findFreePorts(1) : [PORTS.first]
      return { host: alias, listen: '0.0.0.0', ports: { ...PORTS, first }, directory: PLACE_IN_CONTAINER, outside }
    },
    async admit(domain, name) {
      const { selectors, workloadApi } = await slotOf(domain, name)
      return { selectors, workloadApi }
    },
    async run(domain, { script, args, place, reach }, slot) {
      const { labels, binds } = slot === undefined ? { labels: {}, binds: [] } : await slotOf(domain, slot)
      const container = await startContainer(engine, {
        image: images.node,
        entrypoint: ['node', '--conditions=wimse-source', `${REPOSITORY_IN_CONTAINER}/${script}`, ...args],
        // The infrastructure writes its state where the suite can remove it; workloads are a user of their own where that one can read the
        // sources. SPIRE tells them apart by their labels.
        user: slot === undefined ? self : workloadUser,
        network,
        aliases: [place.host],
        binds: [
          { source: REPOSITORY, target: REPOSITORY_IN_CONTAINER, mode: 'ro' },
          { source: place.outside, target: PLACE_IN_CONTAINER, mode: 'rw' },
          ...binds,
        ],
        tmpfs: ['/tmp'],
        labels,
        publish: published(place, reach),
      })
      containers.push(container)
      const control = reach === 'control' ? `http://127.0.0.1:${container.container.getMappedPort(PORTS.control)}` : ''
      const { log, assertAlive, kill, start, pause, resume } = container
      return { control, log, assertAlive, kill, start, pause, resume, residentBytes: () => residentBytesOf(container) }
    },
    async startBroker() {
      const broker = await startBrokerContainer({ engine, images, network, directory: join(base, 'nats'), user: self })
      if ('container' in broker) containers.push(broker.container)
      return broker
    },
    // Docker's own resolver knows the aliases.
    addresses: () => undefined,
    async stop() {
      // Few at a time: older engines lose count of a network's endpoints when many go at once, and then never let it go.
      await mapBounded(containers, 3, (container) => container.remove())
      for (const domain of domains.keys()) await domain.stop()
      await removeNetwork(network, engine)
      await rm(base, { recursive: true, force: true })
    },
  }
}

interface BrokerContainer extends RunningBroker {
  readonly container: RunningContainer
}

async function startBrokerContainer({
  engine,
  images,
  network,
  directory,
  user,
}: Pick<DockerStageOptions, 'engine' | 'images'> & {
  readonly network: StartedNetwork
  readonly directory: string
  readonly user: string
}): Promise<BrokerContainer | MissingBroker> {
  const { nats: image } = images
  if (image === undefined) return { missing: 'there is neither an image nor a binary of NATS', how: HOW_TO_GET_NATS }
  await mkdir(directory)
  const [port = 0] = await findFreePorts(1)
  const container = await startContainer(engine, {
    image,
    entrypoint: [NATS_IN_IMAGE, '--addr', '0.0.0.0', '--port', String(BROKER_PORT), '--jetstream', '--store_dir', '/data'],
    user,
    network,
    aliases: [BROKER_HOST],
    binds: [{ source: directory, target: '/data', mode: 'rw' }],
    publish: [{ container: BROKER_PORT, host: port }],
  })
  // Its log goes on when it is started again.
  const starts = async (): Promise<number> => (await container.log()).split('Server is ready').length - 1
  const readyAfter = (before: number): Promise<unknown> =>
    waitUntil('the broker', async () => (await starts()) > before, { timeoutMs: 20_000, abandon: container.assertAlive })
  await readyAfter(0)
  const { kill, pause, resume } = container
  const start = async (): Promise<void> => {
    if (await isAlive(container)) return
    const before = await starts()
    await container.start()
    await readyAfter(before)
  }
  const url = `nats://127.0.0.1:${port}`
  return { container, url, forPrograms: `nats://${BROKER_HOST}:${BROKER_PORT}`, kill, start, pause, resume, stop: container.remove }
}

/** An engine that has lost count keeps a network that is empty, until it is started again: then nothing of ours is left. */
async function removeNetwork(network: StartedNetwork, { client }: ContainerEngine): Promise<void> {
  try {
    await network.stop()
  } catch (failure) {
    const { Containers: containers = {} } = await client.container.dockerode.getNetwork(network.getId()).inspect()
    if (Object.keys(containers).length > 0) throw failure
  }
}

function published({ ports }: Place, reach: ProgramSpec['reach']): NonNullable<ContainerOptions['publish']> {
  if (reach === undefined) return []
  return reach === 'control' ? [ports.control] : [{ container: ports.first, host: ports.first }]
}

/** The container's own view of its first process: the engine's figures count the page cache in. */
async function residentBytesOf({ container }: RunningContainer): Promise<number> {
  const { output, exitCode } = await container.exec(['node', '-p', "require('node:fs').readFileSync('/proc/1/status', 'utf8')"])
  if (exitCode !== 0) throw new Error('the container does not tell what its process takes')
  return residentBytesIn(output)
}

/** Whether another user can read the mounted sources; the directories above them don't matter to a mount. */
async function isOpenToOthers(): Promise<boolean> {
  const [directory, file] = await Promise.all([stat(REPOSITORY), stat(import.meta.filename)])
  return (directory.mode & 0o005) === 0o005 && (file.mode & 0o004) !== 0
}
