// Two federated SPIRE domains, one workload, one rotation: `node --conditions=wimse-source interop/src/spire/smoke.ts --driver process|docker`
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { Network } from 'testcontainers'
import { acquireSpire } from './acquire-spire.ts'
import { findContainerEngine } from './container-engine.ts'
import { AGENT_IN_IMAGE, provideImages } from './container-images.ts'
import { type DockerSpireDomain, startDockerDomain } from './docker-domain.ts'
import { awaitBundle, federate } from './federate.ts'
import { type ProcessSpireDomain, startProcessDomain } from './process-domain.ts'
import { createUidSequence } from './process-slots.ts'
import { startContainer } from './running-container.ts'
import type { SpireDomain, SpireDomainOptions } from './spire-domain.ts'
import { witModeOf } from './spire-version.ts'
import { waitUntil } from './wait-until.ts'
import { createWebAuthority } from './web-authority.ts'

interface Workload {
  readonly selectors: readonly string[]
  fetch(): Promise<string>
}

interface Stage {
  start(options: SpireDomainOptions): Promise<SpireDomain>
  /** A workload of the domain that prints the X.509-SVID that the agent gives it. */
  admit(domain: SpireDomain, name: string): Promise<Workload>
  close(): Promise<void>
}

const FETCH_TIMEOUT_MS = 20_000
const started = performance.now()

function report(line: string): void {
  console.log(`${String(Math.round(performance.now() - started)).padStart(6)} ms  ${line}`)
}

async function openProcessStage(): Promise<Stage> {
  const spire = await acquireSpire({ progress: report })
  if (spire.kind !== 'binaries') throw new Error(spire.reason)
  report(`SPIRE ${spire.version} (${witModeOf(spire.version)}), binaries by ${spire.how}`)
  const uids = createUidSequence()
  const domains = new Map<SpireDomain, ProcessSpireDomain>()
  return {
    start: async (options) => {
      const domain = await startProcessDomain({ ...options, binaries: spire.binaries, uids })
      domains.set(domain, domain)
      return domain
    },
    admit: async (domain, name) => {
      const { agentExecutable, slot } = domains.get(domain) ?? raise('a domain of another stage')
      const { workloadApi, executable, uid, gid, selectors } = await slot(name, agentExecutable)
      const user = uid === undefined || gid === undefined ? {} : { uid, gid }
      const args = ['api', 'fetch', 'x509', '-socketPath', workloadApi.replace('unix://', '')]
      return { selectors, fetch: async () => (await promisify(execFile)(executable, args, user)).stdout }
    },
    close: async () => {},
  }
}

async function openDockerStage(): Promise<Stage> {
  const engine = await findContainerEngine()
  if ('unavailable' in engine) throw new Error(`${engine.unavailable}: ${engine.remedy}`)
  const spire = await acquireSpire({ engine, progress: report })
  if (spire.kind === 'none') throw new Error(`${spire.reason}: ${spire.remedy}`)
  report(`${engine.name}, SPIRE ${spire.version} (${witModeOf(spire.version)}), ${spire.kind} by ${spire.how}: ${spire.reason}`)
  const images = await provideImages(engine, spire, report)
  report(`images: ${images.server}, ${images.agent}, ${images.node}`)
  const network = await new Network().start()
  const domains = new Map<SpireDomain, DockerSpireDomain>()
  return {
    start: async (options) => {
      const domain = await startDockerDomain({ ...options, engine, images, network })
      domains.set(domain, domain)
      return domain
    },
    admit: async (domain, name) => {
      const { slot } = domains.get(domain) ?? raise('a domain of another stage')
      const { workloadApi, labels, binds, selectors } = await slot(name)
      const entrypoint = [AGENT_IN_IMAGE, 'api', 'fetch', 'x509', '-socketPath', workloadApi.replace('unix://', '')]
      const definition = { image: images.agent, entrypoint, user: '10001:10001', network, aliases: [name], binds, labels }
      return {
        selectors,
        fetch: async () => {
          const workload = await startContainer(engine, { ...definition, tmpfs: ['/tmp'] })
          try {
            const { StatusCode: exitCode } = await engine.client.container.getById(workload.container.getId()).wait()
            if (exitCode !== 0) throw new Error(await workload.log())
            return await workload.log()
          } finally {
            await workload.remove()
          }
        },
      }
    },
    close: async () => {
      await network.stop()
    },
  }
}

function raise(message: string): never {
  throw new Error(message)
}

async function run(stage: Stage): Promise<void> {
  const webAuthority = await createWebAuthority()
  const domains = await Promise.all([
    stage.start({
      trustDomain: 'shop.example',
      bundleEndpoint: { profile: 'https_web', issueServingCertificate: webAuthority.issueServingCertificate },
    }),
    stage.start({
      trustDomain: 'bank.example',
      bundleEndpoint: { profile: 'https_spiffe' },
      webAuthoritiesPem: webAuthority.certificatePem,
    }),
  ])
  const [shop, bank] = domains
  try {
    report('both domains run')
    const federation = await federate(shop, bank)
    report('federated: shop.example follows by https_spiffe, bank.example by https_web')

    const orders = await stage.admit(shop, 'orders')
    await shop.createEntry({
      spiffeId: 'spiffe://shop.example/orders',
      selectors: orders.selectors,
      x509SvidTtlSeconds: 90,
      federatesWith: ['bank.example'],
    })
    const svid = await waitUntil('an X.509-SVID for orders', orders.fetch, { timeoutMs: FETCH_TIMEOUT_MS })
    report('orders has an X.509-SVID')
    console.log(svid.trim())

    for (const kind of ['x509', 'jwt', 'wit'] as const) {
      const { manner } = await shop.rotateAuthorities(kind, { beforeActivate: () => awaitBundle(bank, shop) })
      report(`the ${kind} authority of shop.example was rotated: ${manner}`)
    }
    await federation.withdraw(shop)
    report('shop.example no longer federates')
    await federation.restore(shop)
    report('shop.example federates again')
    await shop.stopServer()
    await shop.startServer()
    report('the server of shop.example was gone and is back')
  } catch (failure) {
    for (const domain of domains) {
      const { server, agent } = await domain.logs()
      console.error(`--- ${domain.trustDomain} server\n${server}\n--- ${domain.trustDomain} agent\n${agent}`)
    }
    throw failure
  } finally {
    await Promise.all(domains.map((domain) => domain.stop()))
    await stage.close()
    report('stopped')
  }
}

const { values } = parseArgs({ options: { driver: { type: 'string', default: 'process' } } })
await run(await (values.driver === 'docker' ? openDockerStage() : openProcessStage()))
