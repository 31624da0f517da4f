import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import type { HealthReport } from '@wimse/wit-agent'
import type { SpireDomain } from '../spire/spire-domain.ts'
import { waitUntil } from '../spire/wait-until.ts'
import type { WorkloadConfig } from '../workload/workload-config.ts'
import type { RunningProgram, Stage } from './stage.ts'

/** A WIT agent of a world. */
export interface RunningWitAgent {
  readonly program: RunningProgram
  /** Alias of the node that the agent is: the parent of the entries that it may mint for. */
  readonly parentId: string
  readonly wit: WorkloadConfig['wit']
  readonly bundle: WorkloadConfig['witBundles'][number]
  health(): Promise<HealthReport>
}

const READY_TIMEOUT_MS = 40_000

/** Registers a WIT agent with its trust domain and starts it. */
export async function startWitAgent(stage: Stage, domain: SpireDomain): Promise<RunningWitAgent> {
  const { trustDomain } = domain
  const parentId = `spiffe://${trustDomain}/wit-agent-node`
  const agentIdentifier = `spiffe://${trustDomain}/wit-agent`
  const place = await stage.place(domain, 'wit-agent', `wit-agent.${trustDomain}`)
  const joinToken = await domain.joinToken(parentId)
  await domain.createEntry({ spiffeId: agentIdentifier, parentId, selectors: ['wit-agent:self:true'] })
  const file = (name: string): string => join(place.outside, name)
  await writeFile(file('join-token'), joinToken, { mode: 0o600 })
  await writeFile(file('bootstrap.json'), JSON.stringify(await domain.bundle()))
  const config = {
    trustDomain,
    server: { host: domain.server.host, port: domain.server.port },
    bootstrapBundleFile: join(place.directory, 'bootstrap.json'),
    joinTokenFile: join(place.directory, 'join-token'),
    dataDirectory: join(place.directory, 'state'),
    witEndpoint: { host: place.listen, port: place.ports.first },
    bundleEndpoint: { host: place.listen, port: place.ports.second, refreshHintSeconds: 2 },
    health: { socketPath: join(place.directory, 'health.sock') },
    syncIntervalSeconds: 1,
  }
  await writeFile(file('wit-agent.json'), JSON.stringify(config))
  const args = ['--config', join(place.directory, 'wit-agent.json')]
  const program = await stage.run(domain, { script: 'apps/wit-agent/src/main.ts', args, place })
  const health = (): ReturnType<RunningWitAgent['health']> => askHealth(file('health.sock'))
  await waitUntil(`the WIT agent of ${trustDomain}`, async () => (await health()).status === 'ok', {
    timeoutMs: READY_TIMEOUT_MS,
    intervalMs: 100,
    abandon: program.assertAlive,
  })
  return {
    program,
    parentId,
    wit: { mode: 'bridged', url: `https://${place.host}:${place.ports.first}`, agentIdentifier },
    bundle: { trustDomain, url: `https://${place.host}:${place.ports.second}/bundle`, endpointIdentifier: agentIdentifier },
    health,
  }
}

function askHealth(socketPath: string): Promise<HealthReport> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path: '/healthz' }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (chunk: string) => {
        text += chunk
      })
      incoming.on('end', () => resolve(JSON.parse(text) as HealthReport))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
