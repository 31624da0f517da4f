import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTrustAnchorsPem, getBundle, isServing, openAdminSocket } from '@wimse/spire-api'
import type { StartedNetwork } from 'testcontainers'
import { administer } from './administration.ts'
import type { ContainerEngine } from './container-engine.ts'
import { AGENT_IN_IMAGE, SERVER_IN_IMAGE, type SuiteImages } from './container-images.ts'
import { bundleEndpointProfile, describeDomain } from './domain-plan.ts'
import { removeWitKeys } from './rotate-authorities.ts'
import { type RunningContainer, startContainer } from './running-container.ts'
import { KEYS_FILE, renderAgentConfig, renderServerConfig } from './spire-config.ts'
import type { SpireDomain, SpireDomainOptions } from './spire-domain.ts'
import { waitUntil } from './wait-until.ts'
import type { ContainerSlot } from './workload-slot.ts'

export interface DockerDomainOptions extends SpireDomainOptions {
  readonly engine: ContainerEngine
  readonly images: SuiteImages
  /** Shared by all domains of a run. */
  readonly network: StartedNetwork
}

/** A domain of containers. Beside {@link SpireDomain}: where a container finds the agent's program, and its socket. */
export interface DockerSpireDomain extends SpireDomain {
  readonly driver: 'docker'
  readonly images: SuiteImages
  slot(name: string): Promise<ContainerSlot>
}

const START_TIMEOUT_MS = 30_000
const SERVER_PORT = 8081
const BUNDLE_PORT = 8443
const SERVER_DIRECTORY = '/var/lib/spire/server'
const AGENT_CONFIG_DIRECTORY = '/etc/spire/agent'
const WORKLOAD_API_DIRECTORY = '/run/spire/agent'
const WORKLOAD_LABEL = 'org.wimse.workload'

/**
 * Starts a server and an agent in containers. The server's directory and the agent's socket are mounted from one temporary
 * directory of this machine, so that the suite administers the server over its socket here too.
 */
export async function startDockerDomain(options: DockerDomainOptions): Promise<DockerSpireDomain> {
  const { trustDomain, engine, images, network } = options
  const plan = describeDomain(options)
  const base = await mkdtemp(join(tmpdir(), 'wimse-'))
  const started: RunningContainer[] = []
  try {
    const directories = {
      server: join(base, 'server'),
      agent: join(base, 'agent'),
      workload: join(base, 'workload'),
    }
    await Promise.all(Object.values(directories).map((directory) => mkdir(directory, { mode: 0o700 })))
    // Workloads in containers are any user; the directory above keeps the users of this machine out.
    await chmod(directories.workload, 0o755)
    const serverHost = `spire-server.${trustDomain}`
    await writeFile(
      join(directories.server, 'server.conf'),
      renderServerConfig({
        ...plan.server,
        trustDomain,
        bind: { address: '0.0.0.0', port: SERVER_PORT },
        socketPath: `${SERVER_DIRECTORY}/admin.sock`,
        dataDirectory: SERVER_DIRECTORY,
        bundleEndpoint: {
          address: '0.0.0.0',
          port: BUNDLE_PORT,
          profile: await bundleEndpointProfile(options.bundleEndpoint, [serverHost], directories.server, SERVER_DIRECTORY),
        },
      }),
    )
    const { webAuthoritiesPem } = options
    if (webAuthoritiesPem !== undefined) {
      await writeFile(join(directories.server, 'web-authorities.pem'), webAuthoritiesPem)
    }

    const server = await startContainer(engine, {
      image: images.server,
      entrypoint: [SERVER_IN_IMAGE, 'run', '-config', `${SERVER_DIRECTORY}/server.conf`],
      // As the user of the suite, who can then use the administration socket and remove the files.
      user: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
      network,
      aliases: [serverHost],
      binds: [{ source: directories.server, target: SERVER_DIRECTORY, mode: 'rw' }],
      // SQLite's; an image FROM scratch has none.
      tmpfs: ['/tmp'],
      environment: webAuthoritiesPem === undefined ? {} : { SSL_CERT_FILE: `${SERVER_DIRECTORY}/web-authorities.pem` },
    })
    started.push(server)
    const transport = openAdminSocket(join(directories.server, 'admin.sock'))
    const serverServes = (): Promise<boolean> =>
      waitUntil(`the SPIRE server of ${trustDomain}`, () => isServing(transport), {
        timeoutMs: START_TIMEOUT_MS,
        abandon: server.assertAlive,
      })
    await serverServes()

    const administration = administer(transport, plan.nodeSpiffeId, async () => {
      await server.stop()
      await removeWitKeys(join(directories.server, KEYS_FILE))
      await server.start()
      await serverServes()
    })
    await writeFile(join(directories.agent, 'trust-bundle.pem'), formatTrustAnchorsPem(await getBundle(transport)).join(''))
    await writeFile(join(directories.agent, 'join-token'), await administration.joinToken(plan.nodeSpiffeId), {
      mode: 0o600,
    })
    await writeFile(
      join(directories.agent, 'agent.conf'),
      renderAgentConfig({
        ...plan.agent,
        trustDomain,
        server: { host: serverHost, port: SERVER_PORT },
        socketPath: `${WORKLOAD_API_DIRECTORY}/api.sock`,
        dataDirectory: '/tmp',
        trustBundlePath: `${AGENT_CONFIG_DIRECTORY}/trust-bundle.pem`,
        joinTokenPath: `${AGENT_CONFIG_DIRECTORY}/join-token`,
        workloadAttestor: 'docker',
      }),
    )
    const agent = await startContainer(engine, {
      image: images.agent,
      entrypoint: [AGENT_IN_IMAGE, 'run', '-config', `${AGENT_CONFIG_DIRECTORY}/agent.conf`],
      // Reads other containers' entries in /proc and asks the engine about them.
      user: '0:0',
      hostPid: true,
      network,
      aliases: [`spire-agent.${trustDomain}`],
      binds: [
        { source: directories.agent, target: AGENT_CONFIG_DIRECTORY, mode: 'ro' },
        { source: directories.workload, target: WORKLOAD_API_DIRECTORY, mode: 'rw' },
        { source: engine.socketPath, target: '/var/run/docker.sock', mode: 'rw' },
      ],
      tmpfs: ['/tmp'],
    })
    started.push(agent)
    const agentHealth = openAdminSocket(join(directories.workload, 'api.sock'))
    await waitUntil(`the SPIRE agent of ${trustDomain}`, () => isServing(agentHealth), {
      timeoutMs: START_TIMEOUT_MS,
      abandon: agent.assertAlive,
    })
    // Spent, but still nothing to leave lying about.
    await rm(join(directories.agent, 'join-token'))

    return {
      ...administration,
      driver: 'docker',
      trustDomain,
      images,
      nodeSpiffeId: plan.nodeSpiffeId,
      server: { host: serverHost, port: SERVER_PORT },
      bundleEndpoint: { ...plan.bundleEndpoint, url: `https://${serverHost}:${BUNDLE_PORT}` },
      slot: async (name) => ({
        kind: 'container',
        name,
        labels: { [WORKLOAD_LABEL]: `${trustDomain}/${name}` },
        selectors: [`docker:label:${WORKLOAD_LABEL}:${trustDomain}/${name}`],
        workloadApi: `unix://${WORKLOAD_API_DIRECTORY}/api.sock`,
        network: network.getName(),
        binds: [{ source: directories.workload, target: WORKLOAD_API_DIRECTORY, mode: 'ro' }],
      }),
      stopServer: () => server.stop(),
      startServer: async () => {
        await server.start()
        await serverServes()
      },
      readKeyStore: () => readFile(join(directories.server, KEYS_FILE), 'utf8'),
      logs: async () => ({ server: await server.log(), agent: await agent.log() }),
      stop: () => discard(started, base),
    }
  } catch (failure) {
    await discard(started, base).catch(() => {})
    throw failure
  }
}

async function discard(started: readonly RunningContainer[], base: string): Promise<void> {
  const endings = await Promise.allSettled(started.map((container) => container.remove()))
  await rm(base, { recursive: true, force: true })
  const failed = endings.find((ending) => ending.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
