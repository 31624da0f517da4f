import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { SignatureAlgorithm } from '@wimse/keys'
import {
  createTestAuthority,
  type FakeIdentity,
  type FakeWorkloadApi,
  startFakeWorkloadApi,
  type TestAuthority,
  trustAuthorities,
} from '@wimse/testing'
import { findFreePorts } from '../spire/free-port.ts'
import type { SpireKeyType } from '../spire/spire-domain.ts'
import { NotRun, type WorldName } from '../suite/check.ts'
import { addressOf, startLocalBroker } from './broker.ts'
import { startProcessProgram } from './process-program.ts'
import { otherTrustDomain, type SampleWorkload, ttlOf, type WorldPlan } from './sample-world.ts'
import { openShop } from './shop.ts'
import type { SampleService } from './shop-services.ts'
import { type ProgramHost, type StartedPrograms, startPrograms } from './start-programs.ts'
import type { TrustDomainControl, TrustDomainName, World } from './world.ts'

const LOOPBACK = '127.0.0.1'
const REPOSITORY = resolve(import.meta.dirname, '../../..')
const ALGORITHMS = { 'ec-p256': 'ES256', 'ec-p384': 'ES384', 'rsa-2048': 'RS256' } as const satisfies Record<
  SpireKeyType,
  SignatureAlgorithm
>

/** Everything that a start has made so far, in the order in which it goes away again. */
type Undo = (() => Promise<unknown>)[]

/** Starts a world on authorities in this process; each workload has a Workload API of its own, since nobody is attested. */
export async function startEmbeddedWorld(name: WorldName, plan: WorldPlan, log: (line: string) => void): Promise<World> {
  const undo: Undo = []
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'wimse-embedded-'))
    undo.push(() => rm(directory, { recursive: true, force: true }))
    const authorities = await createAuthorities(plan)
    const host = embeddedHost(plan, authorities, directory, undo)
    const broker = plan.services.length > 0 ? await startLocalBroker() : undefined
    if (broker !== undefined && !('missing' in broker)) undo.push(broker.stop)
    const programs = await startPrograms(plan, host, addressOf(broker))
    log('the workloads are ready')
    const shop = broker && (await openShop(programs.services, broker, trustAuthorities([...authorities.values()])))
    if (shop) undo.push(async () => shop.close())
    return assemble({ name, authorities, host, programs, ...(shop && { shop: shop.shop }), stop })
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

interface EmbeddedHost extends ProgramHost {
  /** The Workload APIs of a trust domain's programs. */
  apis(trustDomain: TrustDomainName): readonly FakeWorkloadApi[]
  stored(): Promise<readonly { readonly name: string; readonly text: string }[]>
}

function embeddedHost(plan: WorldPlan, authorities: Authorities, directory: string, undo: Undo): EmbeddedHost {
  const apis: { readonly trustDomain: TrustDomainName; readonly api: FakeWorkloadApi }[] = []
  const files: string[] = []
  return {
    async place(program) {
      const { name, trustDomain } = program
      const [port = 0, controlPort = 0] = await findFreePorts(2)
      const identities = identitiesOf(program, plan)
      const api = await startApi(program, identities, authorities)
      undo.push(() => api.close())
      apis.push({ trustDomain, api })
      return {
        listen: LOOPBACK,
        port,
        controlPort,
        workloadApi: api.address,
        wit: { mode: 'native' },
        witBundles: [],
        async write(file, text) {
          const path = join(directory, `${trustDomain}.${file === 'workload.json' ? `${name}.json` : file}`)
          await writeFile(path, text)
          files.push(path)
          return path
        },
        async run(script, args) {
          const logPath = join(directory, `${name}.log`)
          const program = await startProcessProgram(process.execPath, ['--conditions=wimse-source', join(REPOSITORY, script), ...args], {
            logPath,
          })
          undo.push(() => program.stop())
          return { ...program, control: `http://${LOOPBACK}:${controlPort}` }
        },
        unregister: () => api.setIdentities([]),
        register: () => api.setIdentities(identities),
      }
    },
    addresses: (hosts) => Object.fromEntries(hosts.map((host) => [host, LOOPBACK])),
    apis: (trustDomain) => apis.filter((each) => each.trustDomain === trustDomain).map(({ api }) => api),
    stored: () => Promise.all(files.map(async (file) => ({ name: file, text: await readFile(file, 'utf8') }))),
  }
}

function identitiesOf(program: SampleWorkload | SampleService, plan: WorldPlan): readonly FakeIdentity[] {
  const { identifier, host } = program
  if (identifier === undefined) return []
  const life = ttlOf(program, plan)
  const identity = {
    identifier,
    x509LifetimeSeconds: life,
    tokenLifetimeSeconds: life,
    x509Algorithm: ALGORITHMS[plan.workloadKeyType],
    witAlgorithm: plan.algorithm,
    ...(host !== undefined && { dnsNames: [host] }),
  }
  return [identity]
}

function startApi(
  { trustDomain }: SampleWorkload | SampleService,
  identities: readonly FakeIdentity[],
  authorities: Authorities,
): Promise<FakeWorkloadApi> {
  return startFakeWorkloadApi({
    authority: required(authorities.get(trustDomain)),
    identities,
    federated: [...authorities].filter(([name]) => name !== trustDomain).map(([, authority]) => authority),
    listen: process.platform === 'win32' ? 'tcp' : 'unix',
    rotateAfter: 0.5,
  })
}

interface Parts extends Pick<World, 'name' | 'shop' | 'stop'> {
  readonly authorities: Authorities
  readonly host: EmbeddedHost
  readonly programs: StartedPrograms
}

function assemble({ name, authorities, host, programs, shop, stop }: Parts): World {
  const controlOf = (trustDomain: TrustDomainName): TrustDomainControl => {
    const apis = host.apis(trustDomain)
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
    workload: (wanted) => required(programs.controls.get(wanted)),
    ...(shop && { shop }),
    logs: programs.logs,
    stored: host.stored,
    stop,
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not in this world')
  return value
}
