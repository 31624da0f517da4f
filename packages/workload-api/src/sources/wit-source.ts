import type { WorkloadIdentifier } from '@wimse/core'
import type { WitCredential } from '@wimse/wit'
import { watchWitSvids } from '../profiles/wit-svid.ts'
import type { CredentialSource } from './live-value.ts'
import { createSvidSource, type WatchedSourceOptions } from './svid-source.ts'

/** Holds the WIT-SVID of this workload, with the signer of its private key. */
export type WitSource = CredentialSource<WitCredential>

/** Options of {@link createWitSource}. */
export interface WitSourceOptions extends WatchedSourceOptions {
  /** The identity to get WIT-SVIDs for; all of this workload unless told, of which the default one or that with the hint is taken. */
  readonly identifier?: WorkloadIdentifier
}

/**
 * A source of this workload's WIT-SVID that follows its rotation. It begins to watch at once; await `ready` before the first use:
 * it rejects with `ERR_WORKLOAD_API_UNIMPLEMENTED` where the server does not serve this profile. What the watch drops or sees
 * withdrawn, see {@link watchWitSvids}.
 */
export function createWitSource(options: WitSourceOptions): WitSource {
  const { identifier } = options
  return createSvidSource(options, {
    watch: (api, watcher, { signal }) =>
      watchWitSvids(api, watcher, { ...(signal && { signal }), ...(identifier !== undefined && { identifier }) }),
    svidsOf: ({ svids }) => svids,
    endOf: ({ expiresAt }) => expiresAt,
    same: (a, b) => a.token === b.token,
  })
}
