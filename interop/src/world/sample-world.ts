import type { SpireKeyType } from '../spire/spire-domain.ts'
import type { WorldName } from '../suite/check.ts'
import type { WorkloadConfig } from '../workload/workload-config.ts'
import type { StartOptions } from './driver.ts'
import { type SampleService, shopControls, shopServices } from './shop-services.ts'
import type { TrustDomainName, WorkloadName } from './world.ts'

/** A workload as the sample world has it, whatever runs it: a program that the suite tells what to call. */
export interface SampleWorkload {
  readonly name: WorkloadName
  readonly trustDomain: TrustDomainName
  /** Absent for the one that nobody has registered. */
  readonly identifier?: string
  /** The name by which callers reach it; absent for those that serve nothing. */
  readonly host?: string
  readonly allow?: readonly string[]
}

const ORDERS = 'spiffe://shop.example/orders'

const sampleWorkloads: readonly SampleWorkload[] = [
  { name: 'orders', trustDomain: 'shop.example', identifier: ORDERS },
  {
    name: 'payments',
    trustDomain: 'shop.example',
    identifier: 'spiffe://shop.example/payments',
    host: 'payments.shop.example',
    allow: [ORDERS],
  },
  { name: 'rogue', trustDomain: 'shop.example', identifier: 'spiffe://shop.example/rogue' },
  { name: 'stranger', trustDomain: 'shop.example' },
  { name: 'ledger', trustDomain: 'bank.example', identifier: 'spiffe://bank.example/ledger', host: 'ledger.bank.example', allow: [ORDERS] },
]

/** What a world consists of. */
export interface WorldPlan {
  readonly trustDomains: readonly TrustDomainName[]
  readonly workloads: readonly SampleWorkload[]
  /** Programs that run as their users run them; none in most worlds. */
  readonly services: readonly SampleService[]
  /** Keys of SPIRE's own authorities. */
  readonly keyType: SpireKeyType
  /** Keys of X.509-SVIDs, of which SPIRE's agent makes two kinds only. */
  readonly workloadKeyType: SpireKeyType
  /** Algorithm of the workloads' WIT keys. */
  readonly algorithm: WorkloadConfig['algorithm']
  /** Lifetime of X.509-SVIDs and of the WITs that go with them. */
  readonly svidTtlSeconds: number
  /** That of services whose credentials are to end while somebody looks on. */
  readonly briefTtlSeconds: number
}

/** Short enough to wait for, long enough for SPIRE to renew in time. */
const BRIEF_TTL_SECONDS = 60

const named = (...names: readonly WorkloadName[]): readonly SampleWorkload[] => sampleWorkloads.filter(({ name }) => names.includes(name))

const worldPlans: Readonly<Record<WorldName, Omit<WorldPlan, 'briefTtlSeconds'>>> = {
  main: {
    trustDomains: ['shop.example', 'bank.example'],
    workloads: sampleWorkloads,
    services: [],
    keyType: 'ec-p256',
    workloadKeyType: 'ec-p256',
    algorithm: 'ES256',
    svidTtlSeconds: 60,
  },
  shop: {
    trustDomains: ['shop.example', 'bank.example'],
    workloads: shopControls,
    services: shopServices,
    keyType: 'ec-p256',
    workloadKeyType: 'ec-p256',
    algorithm: 'ES256',
    // Nothing rotates while a check runs: that is what `main` is for.
    svidTtlSeconds: 600,
  },
  'ec-p384': {
    trustDomains: ['shop.example'],
    workloads: named('orders', 'payments'),
    services: [],
    keyType: 'ec-p384',
    workloadKeyType: 'ec-p256',
    algorithm: 'ES384',
    svidTtlSeconds: 600,
  },
  'rsa-2048': {
    trustDomains: ['shop.example'],
    workloads: named('orders', 'payments'),
    services: [],
    keyType: 'rsa-2048',
    workloadKeyType: 'rsa-2048',
    algorithm: 'RS256',
    svidTtlSeconds: 600,
  },
}

/** How long the credentials of a program live. */
export function ttlOf(program: SampleWorkload | SampleService, { svidTtlSeconds, briefTtlSeconds }: WorldPlan): number {
  return 'brief' in program && program.brief === true ? briefTtlSeconds : svidTtlSeconds
}

/** The plan of a world, or of the part of it that was asked for. */
export function planOf(name: WorldName, { servicesOnly = false, briefTtlSeconds = BRIEF_TTL_SECONDS }: StartOptions = {}): WorldPlan {
  const plan = { ...worldPlans[name], briefTtlSeconds }
  return servicesOnly ? { ...plan, workloads: [] } : plan
}

/** The one trust domain that a domain federates with. */
export function otherTrustDomain(name: TrustDomainName): TrustDomainName {
  return name === 'shop.example' ? 'bank.example' : 'shop.example'
}
