import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { X509Trust } from '@wimse/mutual-tls'
import { signIn, userFetch } from '@wimse/shop-login/user'
import { NotRun } from '../suite/check.ts'
import { fixedLookup } from '../workload/fixed-lookup.ts'
import type { MissingBroker, RunningBroker } from './broker.ts'
import { linesOf } from './log-lines.ts'
import type { StartedService } from './start-programs.ts'
import type { Hop, JobLine, ServiceName, Shop, ShopDomain, TokenEvent } from './world.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const LOOPBACK = '127.0.0.1'
const TOKEN_SERVICES: Readonly<Record<ShopDomain, ServiceName>> = { shop: 'shop-tokens', bank: 'bank-tokens' }

export interface OpenedShop {
  readonly shop: Shop
  close(): void
}

/** The started services as their users and operators see them. Those that are published are on loopback, at their own ports, in every driver. */
export async function openShop(
  services: ReadonlyMap<ServiceName, StartedService>,
  broker: RunningBroker | MissingBroker,
  trust: X509Trust,
): Promise<OpenedShop> {
  const find = (name: ServiceName): StartedService => services.get(name) ?? absent(name)
  const published = [...services.values()].filter(({ service }) => service.published)
  const fetch = userFetch({
    trust,
    peers: Object.fromEntries(published.map(({ origin, service }) => [origin, service.identifier])),
    lookup: fixedLookup(Object.fromEntries(published.map(({ service }) => [service.host, LOOPBACK]))),
  })
  const passwords = await passwordsOf(find('login'))
  const eventsOf = async (name: ServiceName): Promise<readonly TokenEvent[]> =>
    linesOf<TokenEvent>(await find(name).program.log()).filter(({ event }) => event === 'token.issued' || event === 'token.refused')
  const shop: Shop = {
    url: (name) => find(name).origin,
    signIn: ({ user, service, scope }) =>
      signIn({
        issuer: find('login').origin,
        resource: find(service).origin,
        scope,
        user,
        password: passwords.get(user) ?? '',
        fetch,
      }),
    userFetch: fetch,
    hops: () => linesAbout<Hop>('hop', services),
    jobs: () => linesAbout<JobLine>('job', services),
    events: (domain) => eventsOf(TOKEN_SERVICES[domain]),
    memory: (domain) => find(TOKEN_SERVICES[domain]).program.residentBytes(),
    passwords: [...passwords.values()],
    broker() {
      if ('missing' in broker) throw new NotRun(broker.missing, broker.how)
      return broker
    },
    kill: (name) => find(name).program.kill(),
    start: (name) => find(name).again(),
    pause: (name) => find(name).program.pause(),
    resume: (name) => find(name).program.resume(),
    unregister: (name) => find(name).place.unregister(),
    register: (name) => find(name).place.register(),
  }
  return { shop, close: () => fetch.close() }
}

/** The lines of one kind that services have written, each under the name that the service has in this world. */
async function linesAbout<T extends { readonly service: ServiceName; readonly time: string }>(
  kind: 'hop' | 'job',
  services: ReadonlyMap<ServiceName, StartedService>,
): Promise<readonly T[]> {
  const found = await Promise.all(
    [...services].map(async ([service, { program }]) => {
      const lines = linesOf<T & { readonly event: string }>(await program.log())
      return lines.filter(({ event }) => event === kind).map((line) => ({ ...line, service }))
    }),
  )
  return found.flat().sort((a, b) => a.time.localeCompare(b.time))
}

async function passwordsOf({ service }: StartedService): Promise<ReadonlyMap<string, string>> {
  const { users } = JSON.parse(await readFile(join(REPOSITORY, service.config), 'utf8')) as {
    readonly users: Readonly<Record<string, { readonly password: string }>>
  }
  return new Map(Object.entries(users).map(([name, { password }]) => [name, password]))
}

function absent(name: ServiceName): never {
  throw new Error(`${name} is not in this world`)
}
