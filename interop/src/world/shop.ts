import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { X509Trust } from '@wimse/mutual-tls'
import { signIn, userFetch } from '@wimse/shop-login/user'
import { fixedLookup } from '../workload/fixed-lookup.ts'
import { linesOf } from './log-lines.ts'
import type { StartedService } from './start-programs.ts'
import type { Hop, ServiceName, Shop, ShopDomain, TokenEvent } from './world.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const LOOPBACK = '127.0.0.1'
const TOKEN_SERVICES: Readonly<Record<ShopDomain, ServiceName>> = { shop: 'shop-tokens', bank: 'bank-tokens' }

export interface OpenedShop {
  readonly shop: Shop
  close(): void
}

/** The started services as their users and operators see them. Those that are published are on loopback, at their own ports, in every driver. */
export async function openShop(services: ReadonlyMap<ServiceName, StartedService>, trust: X509Trust): Promise<OpenedShop> {
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
    async hops() {
      const found = await Promise.all(
        [...services].map(async ([service, { program }]) => {
          const lines = linesOf<Hop & { readonly event: string }>(await program.log())
          return lines.filter(({ event }) => event === 'hop').map(({ event: _event, ...hop }): Hop => ({ ...hop, service }))
        }),
      )
      return found.flat().sort((a, b) => a.time.localeCompare(b.time))
    },
    events: (domain) => eventsOf(TOKEN_SERVICES[domain]),
    memory: (domain) => find(TOKEN_SERVICES[domain]).program.residentBytes(),
    passwords: [...passwords.values()],
  }
  return { shop, close: () => fetch.close() }
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
