import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { X509Trust } from '@wimse/mutual-tls'
import { awaitBundle, type Federation, federate } from '../spire/federate.ts'
import type { EntryOptions, SpireDomain } from '../spire/spire-domain.ts'
import { createWebAuthority } from '../spire/web-authority.ts'
import type { WorldName } from '../suite/check.ts'
import { addressOf } from './broker.ts'
import { createRegistrar, type Registration } from './registrar.ts'
import { otherTrustDomain, type SampleWorkload, ttlOf, type WorldPlan } from './sample-world.ts'
import { type OpenedShop, openShop } from './shop.ts'
import type { SampleService } from './shop-services.ts'
import type { Place, Stage } from './stage.ts'
import { type ProgramHost, type StartedPrograms, startPrograms } from './start-programs.ts'
import { stolenAuthority } from './stolen-keys.ts'
import { type RunningWitAgent, startWitAgent } from './wit-agent-process.ts'
import type { TrustDomainControl, TrustDomainName, World } from './world.ts'

interface StartedDomain {
  readonly domain: SpireDomain
  readonly witAgent: RunningWitAgent
}

/** Starts a world on SPIRE: trust domains, federation, WIT agents, entries, workloads. */
export async function startSpireWorld(stage: Stage, name: WorldName, plan: WorldPlan, log: (line: string) => void): Promise<World> {
  try {
    const domains = await startDomains(stage, plan, log)
    const [shop, bank] = plan.trustDomains.map((trustDomain) => domains.get(trustDomain)?.domain)
    const federation = shop !== undefined && bank !== undefined ? await federate(shop, bank) : undefined
    if (federation !== undefined) log('the trust domains are federated')
    const host = spireHost(stage, plan, domains)
    const broker = plan.services.length > 0 ? await stage.startBroker() : undefined
    const programs = await startPrograms(plan, host, addressOf(broker))
    log('the workloads are ready')
    const opened = broker && (await openShop(programs.services, broker, await anchorsOf(domains)))
    return assemble({ stage, name, domains, federation, host, programs, shop: opened })
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

interface SpireHost extends ProgramHost {
  stored(): Promise<readonly { readonly name: string; readonly text: string }[]>
}

function spireHost(stage: Stage, plan: WorldPlan, domains: ReadonlyMap<TrustDomainName, StartedDomain>): SpireHost {
  const places: Place[] = []
  const witBundles = [...domains.values()].map(({ witAgent: { bundle } }) => bundle)
  const registrar = createRegistrar()
  return {
    async place(program) {
      const { name, trustDomain, identifier, host } = program
      const { domain, witAgent } = required(domains.get(trustDomain))
      const published = 'published' in program && program.published
      const place = await stage.place(domain, name, host ?? `${name}.${trustDomain}`, published)
      places.push(place)
      const { selectors, workloadApi } = await stage.admit(domain, name)
      const registration =
        identifier === undefined
          ? NO_REGISTRATION
          : registrar(domain, witAgent.parentId, { ...entryOf(identifier, program, plan), selectors })
      await registration.register()
      return {
        listen: place.listen,
        port: place.ports.first,
        controlPort: place.ports.control,
        workloadApi,
        wit: witAgent.wit,
        witBundles,
        async write(file, text) {
          await writeFile(join(place.outside, file), text)
          await chmod(join(place.outside, file), 0o644)
          return join(place.directory, file)
        },
        run: (script, args, reach) => stage.run(domain, { script, args, place, ...(reach && { reach }) }, name),
        ...registration,
      }
    },
    addresses: stage.addresses,
    stored: async () => (await Promise.all(places.map(({ outside }) => readAll(outside)))).flat(),
  }
}

const NO_REGISTRATION: Registration = { register: async () => undefined, unregister: async () => undefined }

function entryOf(spiffeId: string, program: SampleWorkload | SampleService, plan: WorldPlan): Omit<EntryOptions, 'selectors'> {
  const { trustDomain, host } = program
  return {
    spiffeId,
    federatesWith: plan.trustDomains.filter((name) => name === otherTrustDomain(trustDomain)),
    x509SvidTtlSeconds: ttlOf(program, plan),
    ...(host !== undefined && { dnsNames: [host] }),
  }
}

interface Parts {
  readonly stage: Stage
  readonly name: WorldName
  readonly domains: ReadonlyMap<TrustDomainName, StartedDomain>
  readonly federation: Federation | undefined
  readonly host: SpireHost
  readonly programs: StartedPrograms
  readonly shop: OpenedShop | undefined
}

function assemble({ stage, name, domains, federation, host, programs, shop }: Parts): World {
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
    workload: (workload) => required(programs.controls.get(workload)),
    ...(shop && { shop: shop.shop }),
    async logs() {
      const witAgents = await Promise.all(
        [...domains].map(async ([domain, { witAgent }]) => ({ name: `wit-agent.${domain}`, text: await witAgent.program.log() })),
      )
      const spireLogs = await Promise.all(
        [...domains].map(async ([trustDomain, { domain }]) => {
          const { server, agent } = await domain.logs()
          return [
            { name: `spire-server.${trustDomain}`, text: server },
            { name: `spire-agent.${trustDomain}`, text: agent },
          ]
        }),
      )
      return [...(await programs.logs()), ...witAgents, ...spireLogs.flat()]
    },
    stored: host.stored,
    async stop() {
      shop?.close()
      await stage.stop()
    },
  }
}

/** The roots of the trust domains as their servers publish them, for users: nothing rotates while they are used. */
async function anchorsOf(domains: ReadonlyMap<TrustDomainName, StartedDomain>): Promise<X509Trust> {
  const known = new Map<string, { readonly x509Authorities: readonly Uint8Array[] }>()
  for (const [trustDomain, { domain }] of domains) {
    const roots = (await domain.bundle()).keys.filter(({ use }) => use === 'x509-svid')
    known.set(trustDomain, {
      x509Authorities: roots.flatMap(({ x5c }) => (Array.isArray(x5c) ? [Buffer.from(String(x5c[0]), 'base64')] : [])),
    })
  }
  return { bundle: (trustDomain) => required(known.get(trustDomain)) }
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
