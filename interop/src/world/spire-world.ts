import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { awaitBundle, type Federation, federate } from '../spire/federate.ts'
import type { SpireDomain } from '../spire/spire-domain.ts'
import { waitUntil } from '../spire/wait-until.ts'
import { createWebAuthority } from '../spire/web-authority.ts'
import type { WorldName } from '../suite/check.ts'
import type { WorkloadConfig } from '../workload/workload-config.ts'
import { controlClient } from './control-client.ts'
import { otherTrustDomain, type SampleWorkload, type WorldPlan, worldPlans } from './sample-world.ts'
import type { Place, RunningProgram, Stage } from './stage.ts'
import { stolenAuthority } from './stolen-keys.ts'
import { type RunningWitAgent, startWitAgent } from './wit-agent-process.ts'
import type { ControlledWorkload, TrustDomainControl, TrustDomainName, WorkloadName, World } from './world.ts'

const READY_TIMEOUT_MS = 60_000

interface StartedDomain {
  readonly domain: SpireDomain
  readonly witAgent: RunningWitAgent
}

interface StartedWorkload {
  readonly control: ControlledWorkload
  readonly program: RunningProgram
  readonly place: Place
}

/** Starts a world on SPIRE: trust domains, federation, WIT agents, entries, workloads. */
export async function startSpireWorld(stage: Stage, name: WorldName, log: (line: string) => void): Promise<World> {
  const plan = worldPlans[name]
  try {
    const domains = await startDomains(stage, plan, log)
    const [shop, bank] = plan.trustDomains.map((trustDomain) => domains.get(trustDomain)?.domain)
    const federation = shop !== undefined && bank !== undefined ? await federate(shop, bank) : undefined
    if (federation !== undefined) log('the trust domains are federated')
    const workloads = await startWorkloads(stage, plan, domains)
    log('the workloads are ready')
    return assemble({ stage, name, domains, federation, workloads })
  } catch (error) {
    await stage.stop()
    throw error
  }
}

async function startDomains(
  stage: Stage,
  plan: WorldPlan,
  log: (line: string) => void,
): Promise<ReadonlyMap<TrustDomainName, StartedDomain>> {
  const webAuthority = await createWebAuthority()
  const started = await Promise.all(
    plan.trustDomains.map(async (trustDomain) => {
      const { keyType, workloadKeyType } = plan
      const domain = await stage.startDomain({
        trustDomain,
        keyTypes: { ca: keyType, jwt: keyType, wit: keyType, workload: workloadKeyType },
        x509SvidTtlSeconds: plan.svidTtlSeconds,
        webAuthoritiesPem: webAuthority.certificatePem,
        // The shop is followed by `https_web`, the bank by `https_spiffe`.
        bundleEndpoint:
          trustDomain === 'shop.example'
            ? { profile: 'https_web', issueServingCertificate: webAuthority.issueServingCertificate }
            : { profile: 'https_spiffe' },
      })
      log(`SPIRE runs for ${trustDomain}`)
      const witAgent = await startWitAgent(stage, domain)
      log(`the WIT agent runs for ${trustDomain}`)
      return [trustDomain, { domain, witAgent }] as const
    }),
  )
  return new Map(started)
}

async function startWorkloads(
  stage: Stage,
  plan: WorldPlan,
  domains: ReadonlyMap<TrustDomainName, StartedDomain>,
): Promise<ReadonlyMap<WorkloadName, StartedWorkload>> {
  const placed = await Promise.all(
    plan.workloads.map(async (workload) => {
      const { domain, witAgent } = required(domains.get(workload.trustDomain))
      const place = await stage.place(domain, workload.name, workload.host ?? `${workload.name}.${workload.trustDomain}`)
      const { selectors, workloadApi } = await stage.admit(domain, workload.name)
      await register(workload, plan, domain, witAgent, selectors)
      return { workload, place, workloadApi, domain, witAgent }
    }),
  )
  const served = placed.flatMap(({ workload: { host, identifier }, place }) =>
    host === undefined || identifier === undefined ? [] : [{ host, identifier, origin: `https://${host}:${place.ports.first}` }],
  )
  const started = await Promise.all(
    placed.map(async ({ workload, place, workloadApi, domain, witAgent }) => {
      const origin = workload.host && `https://${workload.host}:${place.ports.first}`
      const addresses = stage.addresses(served.map(({ host }) => host))
      const config: WorkloadConfig = {
        name: workload.name,
        workloadApi,
        wit: witAgent.wit,
        witBundles: [...domains.values()].map(({ witAgent: { bundle } }) => bundle),
        algorithm: plan.algorithm,
        peers: Object.fromEntries(served.map(({ origin, identifier }) => [origin, identifier])),
        ...(addresses && { addresses }),
        ...(origin && { serve: { host: place.listen, port: place.ports.first, origin, allow: workload.allow ?? [] } }),
        control: { host: place.listen, port: place.ports.control },
      }
      const path = join(place.outside, 'workload.json')
      await writeFile(path, JSON.stringify(config))
      await chmod(path, 0o644)
      const args = [join(place.directory, 'workload.json')]
      const program = await stage.run(domain, { script: 'interop/src/workload/main.ts', args, place }, workload.name)
      const control = controlClient(workload.name, program.control, origin)
      await waitUntil(`the workload ${workload.name}`, async () => isUp(await control.status(), workload, plan), {
        timeoutMs: READY_TIMEOUT_MS,
        intervalMs: 200,
        abandon: program.assertAlive,
      })
      return [workload.name, { control, program, place }] as const
    }),
  )
  return new Map(started)
}

/** One entry for SPIRE's agent, which gives X.509- and JWT-SVIDs, and one for the WIT agent, under which WIT-SVIDs are minted. */
async function register(
  { identifier, trustDomain, host }: SampleWorkload,
  plan: WorldPlan,
  domain: SpireDomain,
  witAgent: RunningWitAgent,
  selectors: readonly string[],
): Promise<void> {
  if (identifier === undefined) return
  const federatesWith = plan.trustDomains.filter((name) => name === otherTrustDomain(trustDomain))
  const entry = {
    spiffeId: identifier,
    selectors,
    federatesWith,
    x509SvidTtlSeconds: plan.svidTtlSeconds,
    ...(host !== undefined && { dnsNames: [host] }),
  }
  await domain.createEntry(entry)
  await domain.createEntry({ ...entry, parentId: witAgent.parentId })
}

/** Everybody has the anchors of every trust domain before the first check begins; the unregistered one only has to answer. */
function isUp(status: Awaited<ReturnType<ControlledWorkload['status']>>, workload: SampleWorkload, plan: WorldPlan): boolean {
  if (workload.identifier === undefined) return true
  const complete = status.trustDomains.filter(({ kinds }) => ['x509', 'jwt', 'wit'].every((kind) => kinds.includes(kind)))
  return status.ready && complete.length === plan.trustDomains.length
}

interface Parts {
  readonly stage: Stage
  readonly name: WorldName
  readonly domains: ReadonlyMap<TrustDomainName, StartedDomain>
  readonly federation: Federation | undefined
  readonly workloads: ReadonlyMap<WorkloadName, StartedWorkload>
}

function assemble({ stage, name, domains, federation, workloads }: Parts): World {
  const { spire, containerEngine, images } = stage.environment
  const controlOf = (trustDomain: TrustDomainName): TrustDomainControl => {
    const started = (): StartedDomain => required(domains.get(trustDomain))
    const federated = (): Federation => federation ?? fail(`${trustDomain} federates with nobody in this world`)
    const other = (): SpireDomain | undefined => domains.get(otherTrustDomain(trustDomain))?.domain
    return {
      name: trustDomain,
      async rotate(kind) {
        const follower = other()
        const beforeActivate = async (): Promise<void> => {
          if (follower !== undefined) await awaitBundle(follower, started().domain)
        }
        const { manner } = await started().domain.rotateAuthorities(kind, { beforeActivate })
        return { manner }
      },
      withdrawFederation: () => federated().withdraw(started().domain),
      restoreFederation: () => federated().restore(started().domain),
      async stolenAuthority() {
        const { domain } = started()
        return stolenAuthority(await domain.readKeyStore(), await domain.bundle())
      },
      stopIssuer: () => started().domain.stopServer(),
      startIssuer: () => started().domain.startServer(),
      async witAgentHealth() {
        const { status, server } = await started().witAgent.health()
        return { status, serverReachable: server.reachable }
      },
    }
  }
  return {
    driver: stage.driver,
    name,
    environment: {
      // Whatever the version: here the WITs come from the WIT agent.
      spire: { ...spire, mode: 'bridged' },
      containerEngine,
      images,
      runtime: `Node ${process.versions.node}`,
    },
    trustDomains: { 'shop.example': controlOf('shop.example'), 'bank.example': controlOf('bank.example') },
    workload: (workload) => required(workloads.get(workload)).control,
    async logs() {
      const programs = [...workloads].map(([workload, { program }]) => ({ name: workload as string, log: () => program.log() }))
      const agents = [...domains].map(([domain, { witAgent }]) => ({ name: `wit-agent.${domain}`, log: () => witAgent.program.log() }))
      const own = await Promise.all([...programs, ...agents].map(async ({ name: of, log }) => ({ name: of, text: await log() })))
      const spireLogs = await Promise.all(
        [...domains].map(async ([trustDomain, { domain }]) => {
          const { server, agent } = await domain.logs()
          return [
            { name: `spire-server.${trustDomain}`, text: server },
            { name: `spire-agent.${trustDomain}`, text: agent },
          ]
        }),
      )
      return [...own, ...spireLogs.flat()]
    },
    stored: async () => (await Promise.all([...workloads.values()].map(({ place }) => readAll(place.outside)))).flat(),
    stop: () => stage.stop(),
  }
}

async function readAll(directory: string): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(files.map(async (file) => ({ name: file, text: await readFile(file, 'latin1') })))
}

function required<T>(value: T | undefined): T {
  return value ?? fail('not in this world')
}

function fail(message: string): never {
  throw new Error(message)
}
