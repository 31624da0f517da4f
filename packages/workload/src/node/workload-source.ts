import type { Runtime } from '@wimse/core'
import { createTrustStore, type TrustSource, type TrustSourceSelection, type TrustStore } from '@wimse/trust'
import type { WitCredential, WitProfileName } from '@wimse/wit'
import {
  type CredentialSource,
  createJwtSource,
  createWitSource,
  createX509Source,
  type JwtSource,
  openWorkloadApi,
  workloadApiTrustSource,
  type X509Source,
} from '@wimse/workload-api'

/** Where a workload's credentials and anchors come from. Each part rotates by itself. */
export interface WorkloadSource {
  readonly x509: X509Source
  /** Absent where the workload gets no WIT: then it proves itself by mutual TLS and JWT-SVIDs alone. */
  readonly wit?: CredentialSource<WitCredential>
  readonly jwt?: JwtSource
  readonly trust: TrustStore
  /** The rules that WITs from where this source gets its own are judged by; `wimse` unless told. */
  readonly witProfile?: WitProfileName
  /** Resolves when there is a live credential of each kind. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>
  close(): void
}

/** Options of {@link workloadApi}. */
export interface WorkloadApiSourceOptions {
  /** `unix:///path` or `tcp://address:port`; SPIFFE_ENDPOINT_SOCKET unless told. */
  readonly address?: string
  /** Where WITs come from when the agent serves none, such as a WIT agent beside SPIRE 1.15; `none` for a workload without. */
  readonly wit?: 'none' | ((parts: Pick<WorkloadSource, 'x509' | 'trust'>) => CredentialSource<WitCredential>)
  /** Sources of anchors besides the Workload API, such as the WIT keys of an agent that serves none. */
  readonly trustSources?: readonly (TrustSource | TrustSourceSelection)[]
  /** How long anchors are used that can't be refreshed: one hour unless told. */
  readonly maxTrustAgeSeconds?: number
  readonly runtime?: Runtime
}

export const DEFAULT_MAX_TRUST_AGE_SECONDS = 3600

/**
 * Credentials and anchors from a SPIFFE Workload API: X.509-SVID, JWT-SVIDs, WIT-SVIDs where the agent serves the profile, and the bundles of the own and
 * the federated trust domains.
 *
 * @throws WimseError `ERR_WORKLOAD_API_ENDPOINT`
 */
export async function workloadApi(options: WorkloadApiSourceOptions = {}): Promise<WorkloadSource> {
  const { address, trustSources = [], maxTrustAgeSeconds: maxAgeSeconds = DEFAULT_MAX_TRUST_AGE_SECONDS } = options
  const runtime = options.runtime === undefined ? {} : { runtime: options.runtime }
  const api = openWorkloadApi({ ...runtime, ...(address !== undefined && { address }) })
  const x509 = createX509Source({ api })
  const jwt = createJwtSource({ api })
  const trust = createTrustStore({ sources: [workloadApiTrustSource({ api }), ...trustSources], maxAgeSeconds, ...runtime })
  const started = trust.start()
  // Heard in `ready`, which nobody may have called by then.
  started.catch(() => undefined)
  const wit = options.wit === 'none' ? undefined : (options.wit?.({ x509, trust }) ?? createWitSource({ api }))
  return {
    x509,
    jwt,
    trust,
    witProfile: 'wit-svid',
    ...(wit !== undefined && { wit }),
    async ready(waiting) {
      await Promise.all([started, x509.ready(waiting), wit?.ready(waiting)])
    },
    close() {
      for (const part of [x509, jwt, wit, trust, api]) part?.close()
    },
  }
}
