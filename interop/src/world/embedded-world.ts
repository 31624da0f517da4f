import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SignatureAlgorithm } from '@wimse/keys'
import { createTestAuthority, type FakeWorkloadApi, startFakeWorkloadApi, type TestAuthority } from '@wimse/testing'
import { findFreePorts } from '../spire/free-port.ts'
import { type RunningProcess, startProcess } from '../spire/running-process.ts'
import type { SpireKeyType } from '../spire/spire-domain.ts'
import { waitUntil } from '../spire/wait-until.ts'
import { NotRun, type WorldName } from '../suite/check.ts'
import type { WorkloadConfig } from '../workload/workload-config.ts'
import { controlClient } from './control-client.ts'
import { otherTrustDomain, type SampleWorkload, type WorldPlan, worldPlans } from './sample-world.ts'
import type { ControlledWorkload, TrustDomainControl, TrustDomainName, WorkloadName, World } from './world.ts'

const LOOPBACK = '127.0.0.1'
const READY_TIMEOUT_MS = 30_000
const WORKLOAD_PROGRAM = join(import.meta.dirname, '../workload/main.ts')
const ALGORITHMS = { 'ec-p256': 'ES256', 'ec-p384': 'ES384', 'rsa-2048': 'RS256' } as const satisfies Record<
  SpireKeyType,
  SignatureAlgorithm
>

interface EmbeddedWorkload {
  readonly workload: SampleWorkload
  readonly api: FakeWorkloadApi
  readonly process: RunningProcess
  readonly control: ControlledWorkload
  readonly configPath: string
}

/** Everything that a start has made so far, in the order in which it goes away again. */
type Undo = (() => Promise<unknown>)[]

/** Starts a world on authorities in this process; each workload has a Workload API of its own, since nobody is attested. */
export async function startEmbeddedWorld(name: WorldName, log: (line: string) => void): Promise<World> {
  const plan = worldPlans[name]
  const undo: Undo = []
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'wimse-embedded-'))
    undo.push(() => rm(directory, { recursive: true, force: true }))
    const authorities = await createAuthorities(plan)
    const workloads = await startWorkloads(plan, authorities, directory, undo)
    log('the workloads are ready')
    return assemble(name, authorities, workloads, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

type Authorities = ReadonlyMap<TrustDomainName, TestAuthority>

async function createAuthorities({ trustDomains, keyType }: WorldPlan): Promise<Authorities> {
  const algorithm = ALGORITHMS[keyType]
  const create = async (trustDomain: TrustDomainName): Promise<readonly [TrustDomainName, TestAuthority]> => [
    trustDomain,
    await createTestAuthority({ trustDomain, algorithms: { x509: algorithm, jwt: algorithm, wit: algorithm } }),
  ]
  return new Map(await Promise.all(trustDomains.map(create)))
}

async function startWorkloads(
  plan: WorldPlan,
  authorities: Authorities,
  directory: string,
  undo: Undo,
): Promise<readonly EmbeddedWorkload[]> {
  const ports = await findFreePorts(plan.workloads.length * 2)
  const placed = plan.workloads.map((workload, index) => {
    const [port = 0, control = 0] = ports.slice(index * 2)
    return { workload, port, control, origin: workload.host && `https://${workload.host}:${port}` }
  })
  const peers = Object.fromEntries(placed.flatMap(({ origin, workload }) => (origin ? [[origin, workload.identifier ?? '']] : [])))
  const addresses = Object.fromEntries(placed.flatMap(({ workload: { host } }) => (host ? [[host, LOOPBACK]] : [])))
  return Promise.all(
    placed.map(async ({ workload, port, control: controlPort, origin }) => {
      const api = await startApi(workload, plan, authorities)
      undo.push(() => api.close())
      const config: WorkloadConfig = {
        name: workload.name,
        workloadApi: api.address,
        wit: { mode: 'native' },
        witBundles: [],
        algorithm: plan.algorithm,
        peers,
        addresses,
        ...(origin && { serve: { host: LOOPBACK, port, origin, allow: workload.allow ?? [] } }),
        control: { host: LOOPBACK, port: controlPort },
      }
      const configPath = join(directory, `${workload.name}.json`)
      await writeFile(configPath, JSON.stringify(config))
      const args = ['--conditions=wimse-source', WORKLOAD_PROGRAM, configPath]
      const running = await startProcess(process.execPath, args, { logPath: join(directory, `${workload.name}.log`) })
      undo.push(() => running.stop())
      const control = controlClient(workload.name, `http://${LOOPBACK}:${controlPort}`, origin)
      const isUp = async (): Promise<boolean> => {
        const { ready } = await control.status()
        return ready || workload.identifier === undefined
      }
      const patience = { timeoutMs: READY_TIMEOUT_MS, intervalMs: 100, abandon: running.assertAlive }
      await waitUntil(`the workload ${workload.name}`, isUp, patience)
      return { workload, api, process: running, control, configPath }
    }),
  )
}

function startApi({ identifier, trustDomain, host }: SampleWorkload, plan: WorldPlan, authorities: Authorities): Promise<FakeWorkloadApi> {
  const life = plan.svidTtlSeconds
  const identity = identifier && {
    identifier,
    x509LifetimeSeconds: life,
    tokenLifetimeSeconds: life,
    x509Algorithm: ALGORITHMS[plan.workloadKeyType],
    witAlgorithm: plan.algorithm,
    ...(host !== undefined && { dnsNames: [host] }),
  }
  return startFakeWorkloadApi({
    authority: required(authorities.get(trustDomain)),
    identities: identity ? [identity] : [],
    federated: [...authorities].filter(([name]) => name !== trustDomain).map(([, authority]) => authority),
    listen: process.platform === 'win32' ? 'tcp' : 'unix',
    rotateAfter: 0.5,
  })
}

function assemble(name: WorldName, authorities: Authorities, workloads: readonly EmbeddedWorkload[], stop: () => Promise<void>): World {
  const controlOf = (trustDomain: TrustDomainName): TrustDomainControl => {
    const apis = workloads.filter(({ workload }) => workload.trustDomain === trustDomain).map(({ api }) => api)
    const noServer = async (): Promise<never> => {
      throw new NotRun('the embedded authority has no server to stop', 'run the docker or the process driver')
    }
    return {
      name: trustDomain,
      async rotate(kind) {
        await required(authorities.get(trustDomain)).rotate(kind)
        await Promise.all(apis.map((api) => api.rotate()))
        return { manner: 'at once, the old key stays in the bundle' }
      },
      async withdrawFederation() {
        for (const api of apis) api.setFederated([])
      },
      async restoreFederation() {
        const other = required(authorities.get(otherTrustDomain(trustDomain)))
        for (const api of apis) api.setFederated([other])
      },
      stolenAuthority: () => required(authorities.get(trustDomain)).issuingKeys(),
      stopIssuer: noServer,
      startIssuer: noServer,
      witAgentHealth: async () => undefined,
    }
  }
  const find = (wanted: WorkloadName): EmbeddedWorkload => required(workloads.find(({ workload }) => workload.name === wanted))
  return {
    driver: 'embedded',
    name,
    environment: {
      spire: { version: 'none', mode: 'embedded', how: 'the testing authority of this repository' },
      containerEngine: null,
      images: [],
      runtime: `Node ${process.versions.node}`,
    },
    trustDomains: { 'shop.example': controlOf('shop.example'), 'bank.example': controlOf('bank.example') },
    workload: (wanted) => find(wanted).control,
    logs: () => Promise.all(workloads.map(async ({ workload, process: running }) => ({ name: workload.name, text: await running.log() }))),
    stored: () => Promise.all(workloads.map(async ({ configPath }) => ({ name: configPath, text: await readFile(configPath, 'utf8') }))),
    stop,
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not in this world')
  return value
}
