import type { SampleWorkload } from './sample-world.ts'
import type { ServiceName, TrustDomainName } from './world.ts'

/** A program of apps as the world `shop` runs it, the way its users run it: with a configuration file and nothing else. */
export interface SampleService {
  readonly name: ServiceName
  readonly kind: 'service' | 'token-service'
  /** Started where there is a broker, and left out where there is none. */
  readonly needsBroker?: boolean
  /** Its credentials are to end while somebody looks on. */
  readonly brief?: boolean
  readonly trustDomain: TrustDomainName
  readonly identifier: string
  readonly host: string
  /** Path of its program below the repository. */
  readonly script: string
  /** Path of its configuration, which is written anew with the places of everything. */
  readonly config: string
  /** What differs from the configuration of the repository, with origins as they stand there. */
  readonly settings?: Readonly<Record<string, number | string>>
  /** The suite reaches it, on loopback: where users do, and where a fleet of workloads asks from the suite's own process. */
  readonly published: boolean
}

const PUBLISHED: readonly ServiceName[] = ['login', 'storefront', 'concierge', 'shop-tokens']

function sample(name: ServiceName, trustDomain: TrustDomainName = 'shop.example'): SampleService {
  const directory = `apps/shop/${name}`
  return {
    name,
    kind: 'service',
    trustDomain,
    identifier: `spiffe://${trustDomain}/${name}`,
    host: `${name}.${trustDomain}`,
    script: `${directory}/src/main.ts`,
    config: `${directory}/config.json`,
    published: PUBLISHED.includes(name),
  }
}

function tokenService(name: ServiceName, trustDomain: TrustDomainName): SampleService {
  const host = `tokens.${trustDomain}`
  return {
    name,
    kind: 'token-service',
    trustDomain,
    identifier: `spiffe://${trustDomain}/token-service`,
    host,
    script: 'apps/token-service/src/main.ts',
    config: `apps/shop/policies/${host}.json`,
    published: PUBLISHED.includes(name),
  }
}

/** A second deployment of a program: under its identity unless told, at a host of its own. */
function another(service: SampleService, name: ServiceName): SampleService {
  const host = `${name}.${service.trustDomain}`
  return { ...service, name, host, settings: { name, origin: `https://${host}` } }
}

/** In the order in which they are started; none needs another to start. */
export const shopServices: readonly SampleService[] = [
  tokenService('shop-tokens', 'shop.example'),
  tokenService('bank-tokens', 'bank.example'),
  // Short enough for a check that waits until one is over.
  { ...sample('login'), settings: { accessTokenSeconds: 60 } },
  sample('storefront'),
  sample('orders'),
  { ...another(sample('orders'), 'orders-evening'), identifier: 'spiffe://shop.example/orders-evening', brief: true },
  sample('fraud'),
  sample('payments'),
  { ...sample('settlement'), needsBroker: true },
  { ...another(sample('settlement'), 'settlement-2'), needsBroker: true },
  sample('ledger', 'bank.example'),
  sample('concierge'),
  sample('buyer'),
]

/** Somebody who broke into a service: everything that it could do, under its identity, at the suite's command. */
const takenOver = ['storefront', 'orders', 'payments', 'settlement', 'concierge', 'buyer'] as const

export const shopControls: readonly SampleWorkload[] = [
  ...takenOver.map((name) => ({
    name: `as-${name}` as const,
    trustDomain: 'shop.example' as const,
    identifier: `spiffe://shop.example/${name}`,
  })),
  { name: 'rogue', trustDomain: 'shop.example', identifier: 'spiffe://shop.example/rogue' },
  { name: 'scheduler', trustDomain: 'shop.example', identifier: 'spiffe://shop.example/scheduler' },
  { name: 'operator', trustDomain: 'shop.example', identifier: 'spiffe://shop.example/operator' },
  { name: 'bank-clerk', trustDomain: 'bank.example', identifier: 'spiffe://bank.example/clerk' },
]
