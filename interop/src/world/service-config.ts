import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { WorkloadConfig } from '../workload/workload-config.ts'
import type { SampleService } from './shop-services.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')

/** Where a program is, for its configuration. */
export interface ServicePlace {
  readonly listen: { readonly host: string; readonly port: number }
  readonly workloadApi: string
  readonly wit: WorkloadConfig['wit']
  readonly witBundles: WorkloadConfig['witBundles']
  readonly algorithm: WorkloadConfig['algorithm']
  /** `https://orders.shop.example` → `https://orders.shop.example:8443`, of every service. */
  readonly origins: ReadonlyMap<string, string>
  /** Addresses of host names that no resolver knows. */
  readonly addresses: Readonly<Record<string, string>> | undefined
  /** `nats://…`, where there is a broker. */
  readonly broker: string | undefined
}

/** The configuration of the repository with the real origins and the place where the program runs. */
export async function serviceConfig(service: SampleService, place: ServicePlace): Promise<string> {
  const repository = JSON.parse(await readFile(join(REPOSITORY, service.config), 'utf8')) as Members
  const written = JSON.parse(withOrigins(JSON.stringify({ ...repository, ...service.settings }), place.origins)) as Members
  const config =
    service.kind === 'token-service' ? { ...written, ...tokenServicePlace(place) } : { ...written, platform: platformOf(place) }
  return JSON.stringify(config, undefined, 2)
}

type Members = Readonly<Record<string, unknown>>

/** Replaces each known origin that stands without a port by the one that it really has. */
export function withOrigins(text: string, origins: ReadonlyMap<string, string>): string {
  return text.replace(/https:\/\/[a-z0-9.-]+(?![a-z0-9.:-])/g, (origin) => origins.get(origin) ?? origin)
}

function tokenServicePlace({ listen, workloadApi, witBundles, addresses }: ServicePlace): Members {
  return { listen, workloadApi, witBundles, ...(addresses && { addresses }) }
}

function platformOf({ listen, workloadApi, wit, witBundles, algorithm, addresses, broker }: ServicePlace): Members {
  return {
    listen,
    workloadApi,
    ...(wit.mode === 'bridged' && { witAgent: { url: wit.url, identifier: wit.agentIdentifier, algorithm } }),
    ...(witBundles.length > 0 && { witBundles }),
    ...(addresses && { addresses }),
    // Between programs of one world there is nobody else, containers included.
    ...(broker !== undefined && { broker: { url: broker, private: true } }),
  }
}
