import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTrustAnchorsPem, getBundle, isServing, openAdminSocket } from '@wimse/spire-api'
import { administer } from './administration.ts'
import { bundleEndpointProfile, describeDomain } from './domain-plan.ts'
import { findFreePorts } from './free-port.ts'
import { canSwitchUser, createProcessSlot, shareExecutable, type UidSequence } from './process-slots.ts'
import { removeWitKeys } from './rotate-authorities.ts'
import { type RunningProcess, startProcess } from './running-process.ts'
import { KEYS_FILE, renderAgentConfig, renderServerConfig } from './spire-config.ts'
import type { SpireDomain, SpireDomainOptions } from './spire-domain.ts'
import { waitUntil } from './wait-until.ts'
import type { ProcessSlot } from './workload-slot.ts'

export interface ProcessDomainOptions extends SpireDomainOptions {
  readonly binaries: { readonly server: string; readonly agent: string }
  readonly uids: UidSequence
}

/** A domain of processes. Beside {@link SpireDomain}: the agent's own program, where any slot's user may start it. */
export interface ProcessSpireDomain extends SpireDomain {
  readonly driver: 'process'
  readonly agentExecutable: string
  /** @param program what the workload runs; Node by default. */
  slot(name: string, program?: string): Promise<ProcessSlot>
}

const START_TIMEOUT_MS = 30_000
const LOOPBACK = '127.0.0.1'

/** Starts a server and an agent as processes, everything under one temporary directory. */
export async function startProcessDomain(options: ProcessDomainOptions): Promise<ProcessSpireDomain> {
  const { trustDomain, binaries, uids } = options
  const plan = describeDomain(options)
  // A unix socket's path holds about 100 bytes, so no deeper than needed.
  const base = await mkdtemp(join(tmpdir(), 'wimse-'))
  const started: RunningProcess[] = []
  try {
    const directories = {
      server: join(base, 'server'),
      agent: join(base, 'agent'),
      slots: join(base, 'slots'),
    }
    await Promise.all([
      mkdir(directories.server, { mode: 0o700 }),
      mkdir(directories.agent, { mode: 0o700 }),
      mkdir(directories.slots, { mode: 0o711 }),
      chmod(base, 0o711),
    ])
    const agentExecutable = await shareExecutable(binaries.agent, join(base, 'spire-agent'))
    const [serverPort = 0, bundlePort = 0] = await findFreePorts(2)
    const adminSocket = join(directories.server, 'admin.sock')
    // Beside the private directories: the users of the slots must reach it.
    const workloadSocket = join(base, 'workload.sock')

    await writeFile(
      join(directories.server, 'server.conf'),
      renderServerConfig({
        ...plan.server,
        trustDomain,
        bind: { address: LOOPBACK, port: serverPort },
        socketPath: adminSocket,
        dataDirectory: directories.server,
        bundleEndpoint: {
          address: LOOPBACK,
          port: bundlePort,
          profile: await bundleEndpointProfile(options.bundleEndpoint, [LOOPBACK, 'localhost'], directories.server),
        },
      }),
    )
    const webAuthorities = join(directories.server, 'web-authorities.pem')
    if (options.webAuthoritiesPem !== undefined) await writeFile(webAuthorities, options.webAuthoritiesPem)

    const transport = openAdminSocket(adminSocket)
    const startServer = async (): Promise<RunningProcess> => {
      const server = await startProcess(binaries.server, ['run', '-config', join(directories.server, 'server.conf')], {
        logPath: join(directories.server, 'server.log'),
        ...(options.webAuthoritiesPem !== undefined && { env: { SSL_CERT_FILE: webAuthorities } }),
      })
      started.push(server)
      await waitUntil(`the SPIRE server of ${trustDomain}`, () => isServing(transport), {
        timeoutMs: START_TIMEOUT_MS,
        abandon: server.assertAlive,
      })
      return server
    }
    let server = await startServer()

    const administration = administer(transport, plan.nodeSpiffeId, async () => {
      await server.stop()
      await removeWitKeys(join(directories.server, KEYS_FILE))
      server = await startServer()
    })
    const trustBundlePath = join(directories.agent, 'trust-bundle.pem')
    const joinTokenPath = join(directories.agent, 'join-token')
    const agentConfigPath = join(directories.agent, 'agent.conf')
    await writeFile(trustBundlePath, formatTrustAnchorsPem(await getBundle(transport)).join(''))
    await writeFile(joinTokenPath, await administration.joinToken(plan.nodeSpiffeId), { mode: 0o600 })
    await writeFile(
      agentConfigPath,
      renderAgentConfig({
        ...plan.agent,
        trustDomain,
        server: { host: LOOPBACK, port: serverPort },
        socketPath: workloadSocket,
        dataDirectory: directories.agent,
        trustBundlePath,
        joinTokenPath,
        workloadAttestor: 'unix',
      }),
    )
    const agent = await startProcess(agentExecutable, ['run', '-config', agentConfigPath], {
      logPath: join(directories.agent, 'agent.log'),
    })
    started.push(agent)
    const agentHealth = openAdminSocket(workloadSocket)
    await waitUntil(`the SPIRE agent of ${trustDomain}`, () => isServing(agentHealth), {
      timeoutMs: START_TIMEOUT_MS,
      abandon: agent.assertAlive,
    })
    // Spent, but still nothing to leave lying about.
    await rm(joinTokenPath)

    const ownUsers = await canSwitchUser()
    const slots = new Map<string, Promise<ProcessSlot>>()
    return {
      ...administration,
      driver: 'process',
      trustDomain,
      nodeSpiffeId: plan.nodeSpiffeId,
      agentExecutable,
      server: { host: LOOPBACK, port: serverPort },
      bundleEndpoint: { ...plan.bundleEndpoint, url: `https://${LOOPBACK}:${bundlePort}` },
      slot: (name, program = process.execPath) => {
        const slot =
          slots.get(name) ??
          createProcessSlot(name, {
            directory: directories.slots,
            workloadApi: `unix://${workloadSocket}`,
            program,
            uids,
            ownUsers,
          })
        slots.set(name, slot)
        return slot
      },
      stopServer: () => server.stop(),
      startServer: async () => {
        server = await startServer()
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

async function discard(started: readonly RunningProcess[], base: string): Promise<void> {
  const endings = await Promise.allSettled(started.map((process) => process.stop()))
  await rm(base, { recursive: true, force: true })
  const failed = endings.find((ending) => ending.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
