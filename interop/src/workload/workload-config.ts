import { readFile } from 'node:fs/promises'
import type { WorkloadName } from '../world/world.ts'

/** The configuration of one workload of the sample world, as the driver writes it to a file. Nothing secret is in it. */
export interface WorkloadConfig {
  readonly name: WorkloadName
  /** `SPIFFE_ENDPOINT_SOCKET` as the workload sees it. */
  readonly workloadApi: string
  /** Where WIT-SVIDs come from: the agent itself, or a WIT agent. */
  readonly wit: { readonly mode: 'native' } | { readonly mode: 'bridged'; readonly url: string; readonly agentIdentifier: string }
  /** Bundle endpoints (`https_spiffe`) with the WIT keys that the agent doesn't serve, of the own and of other trust domains. */
  readonly witBundles: readonly { readonly trustDomain: string; readonly url: string; readonly endpointIdentifier: string }[]
  /** Algorithm of the workload's own WIT key. */
  readonly algorithm: 'ES256' | 'ES384' | 'RS256'
  /** Which identifier is expected at which origin. */
  readonly peers: Readonly<Record<string, string>>
  /** Addresses of host names that no resolver knows. */
  readonly addresses?: Readonly<Record<string, string>>
  /** What it serves; absent for a workload that only calls. */
  readonly serve?: { readonly host: string; readonly port: number; readonly origin: string; readonly allow: readonly string[] }
  readonly control: { readonly host: string; readonly port: number }
}

/** Reads the file that the driver wrote. The driver is trusted; what is checked is that it is there and is JSON. */
export async function readWorkloadConfig(path: string): Promise<WorkloadConfig> {
  return JSON.parse(await readFile(path, 'utf8')) as WorkloadConfig
}
