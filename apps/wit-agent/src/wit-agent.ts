import { readFile } from 'node:fs/promises'
import { formatBase64url, inMemoryReplayStore, type Runtime, utf8, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { describeFailure, type Listening, type OperatorLog } from '@wimse/program'
import type { WitAgentConfig } from './config/wit-agent-config.ts'
import { bundleHandler } from './serve/bundle-endpoint.ts'
import { serveBundle } from './serve/bundle-server.ts'
import { type HealthReport, healthHandler, reportHealth } from './serve/health-endpoint.ts'
import { serveHealth } from './serve/health-server.ts'
import { witHandler } from './serve/wit-endpoint.ts'
import { serveWits } from './serve/wit-server.ts'
import { parseBootstrapBundle } from './spire/bootstrap-bundle.ts'
import { type AgentState, fileState, memoryState, type StateStore } from './spire/state-file.ts'
import { startUpstream, type Upstream } from './spire/upstream.ts'

/** Options of {@link startWitAgent}. */
export interface WitAgentOptions {
  readonly log: OperatorLog
  readonly runtime?: Runtime
  /** Requests for WIT-SVIDs that are remembered against replay at most; {@link DEFAULT_REPLAY_CAPACITY} unless told. */
  readonly replayCapacity?: number
}

/** Ports that the endpoints got. */
export interface WitAgentPorts {
  readonly wit: number
  readonly bundle: number
}

/** A WIT agent that runs. */
export interface WitAgent {
  /** 0 where there is no health endpoint, or one on a unix socket. */
  readonly healthPort: number
  /**
   * Resolves when the endpoints are open: as soon as the agent has got its own X.509-SVID from SPIRE, however long that takes.
   *
   * @throws the error of the system when an address can't be had, or `ERR_OPTIONS_INVALID` after `close`
   */
  ready(): Promise<WitAgentPorts>
  health(): HealthReport
  /** Closes the endpoints and the connection to SPIRE. */
  close(): Promise<void>
}

export const DEFAULT_REPLAY_CAPACITY = 100_000
const REPLAYS_PER_WORKLOAD = 1000

/**
 * Starts a WIT agent: reads what it begins with, opens the health endpoint, attests to SPIRE or goes on with the SVID it kept, and
 * opens its two other endpoints when it has an X.509-SVID to show there. What goes wrong with SPIRE is logged and tried again.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` when the bootstrap bundle or the kept state can't be used
 */
export async function startWitAgent(config: WitAgentConfig, options: WitAgentOptions): Promise<WitAgent> {
  const { log, runtime = defaultRuntime(), replayCapacity = DEFAULT_REPLAY_CAPACITY } = options
  const store = config.dataDirectory === undefined ? memoryState() : fileState(config.dataDirectory)
  const state = await initialState(config, store, runtime)
  const upstream = startUpstream({ config, state, store, joinToken: () => readJoinToken(config.joinTokenFile), runtime, log })
  const servers: Listening[] = []
  try {
    const health = config.health && (await serveHealth(config.health, healthHandler(upstream, runtime)))
    if (health) servers.push(health)
    const replay = inMemoryReplayStore({ capacity: replayCapacity, capacityPerScope: Math.min(replayCapacity, REPLAYS_PER_WORKLOAD) })
    const handler = witHandler({ identifier: config.identifier, upstream, replay, runtime, log })
    const open = async (): Promise<WitAgentPorts> => {
      const bundle = await serveBundle(
        config.bundleEndpoint,
        upstream.serving,
        bundleHandler(() => upstream.publication),
      )
      servers.push(bundle)
      const wit = await serveWits({ address: config.witEndpoint, trustDomain: config.trustDomain, upstream, handler, runtime, log })
      servers.push(wit)
      log.event('agent.ready', { identifier: config.identifier, witPort: wit.port, bundlePort: bundle.port })
      return { wit: wit.port, bundle: bundle.port }
    }
    let closing = false
    const closed = Promise.withResolvers<never>()
    closed.promise.catch(() => undefined)
    const opened = Promise.race([upstream.loop.firstSuccess, closed.promise]).then(open)
    opened.catch((error: unknown) => {
      if (!closing) log.event('agent.failed', describeFailure(error))
    })
    return {
      healthPort: health?.port ?? 0,
      ready: () => opened,
      health: () => reportHealth(upstream, runtime),
      async close(): Promise<void> {
        closing = true
        closed.reject(new WimseError('ERR_OPTIONS_INVALID', { detail: 'the agent is closed' }))
        await opened.catch(() => undefined)
        await closeAll(servers, upstream)
      },
    }
  } catch (error) {
    await closeAll(servers, upstream)
    throw error
  }
}

async function closeAll(servers: readonly Listening[], upstream: Upstream): Promise<void> {
  await Promise.all(servers.map((server) => server.close()))
  await upstream.close()
}

/** The roots that the server gave last; those of the bootstrap bundle before that, and again when the operator has replaced it. */
async function initialState(config: WitAgentConfig, store: StateStore, runtime: Runtime): Promise<AgentState> {
  const text = await readOption('bootstrapBundleFile', config.bootstrapBundleFile)
  const bootstrap = parseBootstrapBundle(text, config.trustDomain, runtime)
  const bootstrapDigest = formatBase64url(await runtime.crypto.digest('sha-256', utf8(text)))
  const kept = await store.load()
  if (kept.node !== undefined && kept.node.trustDomain !== config.trustDomain) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'dataDirectory: the state is of another trust domain' })
  }
  const anchors = kept.anchors.length > 0 && kept.bootstrapDigest === bootstrapDigest ? kept.anchors : bootstrap
  return { ...kept, anchors, bootstrapDigest }
}

async function readJoinToken(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  const token = (await readFile(path, 'utf8').catch(() => '')).trim()
  return token === '' ? undefined : token
}

async function readOption(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: `${option}: the file can not be read` })
  }
}
